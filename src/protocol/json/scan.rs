//! One pass over JSON text: valid or not, canonical or not.

use super::{names::has_duplicates, number, string};

/// Whether text that is valid is also canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As `JSON.stringify` writes it.
    Canonical,
    /// Valid, but to be rewritten before it is used.
    Loose,
}

/// Why text is not acceptable JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is no JSON.
    #[error("no valid JSON at byte {0}")]
    Syntax(usize),
    /// It is nested deeper than the limit.
    #[error("nested deeper than the limit of {0}")]
    Depth(usize),
}

/// Checks that `text`, which must be UTF-8, is one JSON value nested at most `depth` deep.
pub fn scan(text: &[u8], depth: usize) -> Result<Form, Flaw> {
    let mut scanner = Scanner { text, at: 0, depth, form: Form::Canonical, names: Vec::new() };
    scanner.white_space();
    scanner.value(depth)?;
    scanner.white_space();
    if scanner.at == text.len() { Ok(scanner.form) } else { Err(Flaw::Syntax(scanner.at)) }
}

struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    form: Form,
    /// The names of all objects that are open, the innermost last.
    names: Vec<&'t [u8]>,
}

impl<'t> Scanner<'t> {
    fn value(&mut self, depth: usize) -> Result<(), Flaw> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => self.object(self.enter(depth)?),
            Some(b'[') => self.array(self.enter(depth)?),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(self.flaw()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Flaw> {
        let outer = self.names.len();
        self.at += 1;
        self.white_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.flaw());
            }
            let name = self.string()?;
            self.names.push(name);
            self.white_space();
            self.expect(b':')?;
            self.white_space();
            self.value(depth)?;
            self.white_space();
            if self.next_or_end(b'}')? {
                break;
            }
        }
        if self.names.get(outer..).is_some_and(has_duplicates) {
            self.form = Form::Loose;
        }
        self.names.truncate(outer);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Flaw> {
        self.at += 1;
        self.white_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth)?;
            self.white_space();
            if self.next_or_end(b']')? {
                return Ok(());
            }
        }
    }

    /// Steps over a comma and what surrounds it, or over the end of the object or array.
    fn next_or_end(&mut self, end: u8) -> Result<bool, Flaw> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.white_space();
                Ok(false)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.flaw()),
        }
    }

    /// Steps over a string and returns its inside.
    fn string(&mut self) -> Result<&'t [u8], Flaw> {
        let start = self.at + 1;
        let scanned = string::scan(self.text.get(start..).unwrap_or_default());
        let (length, canonical) = scanned.map_err(|at| Flaw::Syntax(start + at))?;
        if !canonical {
            self.form = Form::Loose;
        }
        self.at = start + length + 1;
        Ok(self.text.get(start..start + length).unwrap_or_default())
    }

    fn number(&mut self) -> Result<(), Flaw> {
        let text = self.text.get(self.at..).unwrap_or_default();
        let (length, canonical) = number::scan(text).ok_or_else(|| self.flaw())?;
        if !canonical {
            self.form = Form::Loose;
        }
        self.at += length;
        Ok(())
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), Flaw> {
        if !self.text.get(self.at..).unwrap_or_default().starts_with(literal) {
            return Err(self.flaw());
        }
        self.at += literal.len();
        Ok(())
    }

    fn white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.form = Form::Loose;
            self.at += 1;
        }
    }

    fn enter(&self, depth: usize) -> Result<usize, Flaw> {
        depth.checked_sub(1).ok_or(Flaw::Depth(self.depth))
    }

    fn expect(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.peek() != Some(byte) {
            return Err(self.flaw());
        }
        self.at += 1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn flaw(&self) -> Flaw {
        Flaw::Syntax(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cv7_what_json_stringify_writes_is_canonical() {
        for text in [
            "null",
            "true",
            "0",
            "-1",
            "1.5",
            "1e+21",
            r#""""#,
            r#""\n\"\\\u0000\ud800""#,
            "[]",
            "{}",
            r#"{"a":[1,{"b":null}],"é":"é"}"#,
        ] {
            assert_eq!(scan(text.as_bytes(), 64), Ok(Form::Canonical), "{text}");
        }
    }

    #[test]
    fn cv7_other_spellings_are_loose() {
        for text in [
            " 1",
            "1 ",
            "[ ]",
            "[1, 2]",
            r#"{"a": 1}"#,
            r#"{"a":1,"a":2}"#,
            "1.0",
            "-0",
            "1e400",
            "1E5",
            r#""\/""#,
            r#""\u0041""#,
            r#""\u000A""#,
            r#""\ud83d\ude00""#,
            r#""\uD800""#,
        ] {
            assert_eq!(scan(text.as_bytes(), 64), Ok(Form::Loose), "{text}");
        }
    }

    #[test]
    fn cv4_what_json_parse_refuses_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "tru",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "--1",
            "'a'",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "[1,]",
            "[,1]",
            "[1",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "1 2",
            "NaN",
            "Infinity",
            "\u{feff}1",
        ] {
            assert!(matches!(scan(text.as_bytes(), 64), Err(Flaw::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn lm3_nesting_is_bounded() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);

        assert_eq!(scan(nested(64).as_bytes(), 64), Ok(Form::Canonical));
        assert_eq!(scan(nested(65).as_bytes(), 64), Err(Flaw::Depth(64)));
        assert_eq!(scan("[".repeat(1_000_000).as_bytes(), 64), Err(Flaw::Depth(64)));
    }

    #[test]
    fn cv4_duplicates_are_found_in_large_objects_and_at_every_level() {
        let names: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
        let unique = format!("{{{}}}", names.join(","));
        let twice = format!("{{{},\"k7\":0}}", names.join(","));

        assert_eq!(scan(unique.as_bytes(), 64), Ok(Form::Canonical));
        assert_eq!(scan(twice.as_bytes(), 64), Ok(Form::Loose));
        assert_eq!(scan(br#"{"a":{"x":1},"b":{"x":1,"y":{"z":1,"z":2}}}"#, 64), Ok(Form::Loose));
        assert_eq!(scan(br#"{"a":{"x":1},"b":{"x":1}}"#, 64), Ok(Form::Canonical));
    }
}
