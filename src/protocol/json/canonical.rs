//! Rewriting valid JSON text canonically.

use std::ops::Range;

use super::{number, string};

/// The canonical form of `text`, which [`super::scan()`] must have found valid. Of names that occur twice the last
/// value stays (CV4).
pub fn canonicalize(text: &[u8]) -> Vec<u8> {
    let out = Vec::with_capacity(text.len());
    let mut writer = Writer { rest: text, out, overwritten: Vec::new() };
    writer.value();
    writer.finish()
}

struct Writer<'t> {
    rest: &'t [u8],
    out: Vec<u8>,
    /// What of `out` was overwritten, inner before outer. It goes in the end, so that none of it is copied once for each level
    /// that it stands in.
    overwritten: Vec<Range<usize>>,
}

/// One member of an object: where it begins, and its name.
struct Member {
    start: usize,
    name: Range<usize>,
}

impl Writer<'_> {
    /// Recursion is bounded by the depth that the scan allowed.
    fn value(&mut self) {
        match self.next() {
            Some(b'"') => {
                self.string();
            }
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.literal(),
        }
    }

    fn object(&mut self) {
        self.copy(1);
        let mut members = Vec::new();
        while !matches!(self.next(), None | Some(b'}')) {
            if self.next() == Some(b',') {
                self.skip(1);
                self.next();
            }
            if !members.is_empty() {
                self.out.push(b',');
            }
            let start = self.out.len();
            let name = self.string();
            self.next();
            self.copy(1);
            self.value();
            members.push(Member { start, name });
        }
        self.copy(1);
        self.find_overwritten(&members);
    }

    fn array(&mut self) {
        self.copy(1);
        while !matches!(self.next(), None | Some(b']')) {
            if self.next() == Some(b',') {
                self.copy(1);
            }
            self.value();
        }
        self.copy(1);
    }

    /// Writes a string and returns where its inside stands.
    fn string(&mut self) -> Range<usize> {
        self.copy(1);
        let start = self.out.len();
        let length = string::scan(self.rest).map_or(self.rest.len(), |(length, _)| length);
        string::write(self.rest.get(..length).unwrap_or_default(), &mut self.out);
        let end = self.out.len();
        self.skip(length);
        self.copy(1);
        start..end
    }

    fn number(&mut self) {
        let length = number::scan(self.rest).map_or(self.rest.len(), |(length, _)| length);
        number::write(self.rest.get(..length).unwrap_or_default(), &mut self.out);
        self.skip(length);
    }

    fn literal(&mut self) {
        self.copy(self.rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count().max(1));
    }

    /// Finds the members of an object that a later one of the same name overwrites. The last one never is, so what
    /// is overwritten ends where another begins, comma and all.
    fn find_overwritten(&mut self, members: &[Member]) {
        if members.len() < 2 {
            return;
        }
        let name = |member: &Member| self.out.get(member.name.clone()).unwrap_or_default();
        let mut names: Vec<(&[u8], usize)> =
            members.iter().enumerate().map(|(index, member)| (name(member), index)).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            if let [(one, index), (other, _)] = pair
                && one == other
                && let (Some(member), Some(next)) = (members.get(*index), members.get(index + 1))
            {
                self.overwritten.push(member.start..next.start);
            }
        }
    }

    /// What was written without what was overwritten.
    fn finish(mut self) -> Vec<u8> {
        if self.overwritten.is_empty() {
            return self.out;
        }
        self.overwritten.sort_unstable_by_key(|range| range.start);
        let mut kept = Vec::with_capacity(self.out.len());
        let mut from = 0;
        for range in &self.overwritten {
            kept.extend_from_slice(self.out.get(from..range.start).unwrap_or_default());
            from = from.max(range.end);
        }
        kept.extend_from_slice(self.out.get(from..).unwrap_or_default());
        kept
    }

    /// Skips white space and looks at what follows.
    fn next(&mut self) -> Option<u8> {
        let blank = self
            .rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
            .count();
        self.skip(blank);
        self.rest.first().copied()
    }

    fn copy(&mut self, length: usize) {
        self.out.extend_from_slice(self.rest.get(..length).unwrap_or(self.rest));
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    #[test]
    fn cv7_loose_text_is_rewritten_canonically() {
        for (text, expected) in [
            (" [ 1 , 2.0 ,\n[ ] , { } ] ", "[1,2,[],{}]"),
            (r#"{ "a" : "\u0041" , "b":{"c" :null}}"#, r#"{"a":"A","b":{"c":null}}"#),
            ("[1e400,-0,true,false]", "[null,0,true,false]"),
        ] {
            assert_eq!(canonicalize(text.as_bytes()), expected.as_bytes());
            assert_eq!(scan(expected.as_bytes(), 64), Ok(Form::Canonical));
        }
    }

    #[test]
    fn cv4_the_last_of_duplicate_names_wins_at_every_level() {
        for (text, expected) in [
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":3}"#),
            (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
            (r#"[{"x":{"y":1,"y":2},"x":{"y":3,"z":4,"y":5}}]"#, r#"[{"x":{"z":4,"y":5}}]"#),
            (r#"{"":1,"":2}"#, r#"{"":2}"#),
            (
                r#"{"a":{"b":1,"b":2},"a":1,"c":{"d":{"e":1,"e":2},"d":0}}"#,
                r#"{"a":1,"c":{"d":0}}"#,
            ),
            (r#"{"a":1,"a":{"b":1,"b":{"c":1,"c":2}},"d":3}"#, r#"{"a":{"b":{"c":2}},"d":3}"#),
        ] {
            assert_eq!(canonicalize(text.as_bytes()), expected.as_bytes());
        }
    }
}
