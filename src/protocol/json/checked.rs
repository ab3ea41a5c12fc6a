//! Reading text that nobody has looked at yet, as long as it is canonical.
//!
//! Each step takes bytes that are valid UTF-8, checks that what it steps over is canonical JSON, and gives that and the rest behind
//! it; none where it is not canonical, or where telling would take longer: then nothing of what was read counts, and
//! [`super::scan()`] decides. The rest is handed on as a value and not changed in place, so that it stays in registers.

use super::{decimal, names::Names, number, string};

/// What was stepped over, and the rest behind it.
pub type Step<'t, T> = Option<(T, &'t [u8])>;

/// Steps over `byte`.
#[inline]
pub fn byte(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first().filter(|(next, _)| **next == byte).map(|(_, rest)| rest)
}

/// Steps over these bytes.
#[inline]
pub fn expect<'t, const N: usize>(text: &'t [u8], bytes: &[u8; N]) -> Option<&'t [u8]> {
    text.split_first_chunk::<N>().filter(|(next, _)| *next == bytes).map(|(_, rest)| rest)
}

/// Steps over the items or members of an array or object, each by `item`, and over its `end`. Its opening was stepped over.
#[inline]
pub fn items<'t>(
    text: &'t [u8],
    end: u8,
    item: impl FnMut(&'t [u8]) -> Option<&'t [u8]>,
) -> Option<&'t [u8]> {
    match byte(text, end) {
        Some(rest) => Some(rest),
        None => more_items(text, end, item),
    }
}

/// As [`items`], where there is at least one more.
#[inline]
pub fn more_items<'t>(
    text: &'t [u8],
    end: u8,
    mut item: impl FnMut(&'t [u8]) -> Option<&'t [u8]>,
) -> Option<&'t [u8]> {
    let mut rest = text;
    loop {
        let (next, behind) = item(rest)?.split_first()?;
        match *next {
            b',' => rest = behind,
            next if next == end => return Some(behind),
            _ => return None,
        }
    }
}

/// The bytes of `text` that are not in its `rest`.
#[inline]
pub fn before<'t>(text: &'t [u8], rest: &[u8]) -> Option<&'t [u8]> {
    text.get(..text.len().checked_sub(rest.len())?)
}

/// Steps over a name and the colon behind it, and gives its inside.
#[inline]
pub fn name(text: &[u8]) -> Step<'_, &[u8]> {
    let (name, rest) = string(text)?;
    Some((name, byte(rest, b':')?))
}

/// Steps over a string and gives its inside.
#[inline]
pub fn string(text: &[u8]) -> Step<'_, &[u8]> {
    let inside = byte(text, b'"')?;
    let (plain, rest) = inside.split_at_checked(string::plain_length(inside))?;
    match byte(rest, b'"') {
        Some(rest) => Some((plain, rest)),
        None => escaped_string(inside, plain.len()),
    }
}

/// As [`string()`], where what is not plain comes behind so many bytes of the inside.
#[cold]
fn escaped_string(inside: &[u8], mut length: usize) -> Step<'_, &[u8]> {
    loop {
        match inside.get(length..)?.split_first()? {
            (b'"', rest) => return Some((inside.get(..length)?, rest)),
            (b'\\', _) => {
                length += string::canonical_escape(inside.get(length..)?)?;
                length += string::plain_length(inside.get(length..)?);
            }
            _ => return None,
        }
    }
}

/// Steps over a number and gives what it means.
#[inline]
pub fn number(text: &[u8]) -> Step<'_, f64> {
    if let Some(usual) = number::usual(text)
        && let Some(value) = decimal::short(text, &usual)
    {
        return Some((value, text.get(usual.length..)?));
    }
    let rest = skip_number(text)?;
    Some((decimal::parse(before(text, rest)?)?, rest))
}

/// Steps over a number of few digits, as most are; none where it is another.
#[inline]
pub fn short_number(text: &[u8]) -> Option<&[u8]> {
    text.get(number::short(text)?..)
}

/// Steps over a number.
pub fn skip_number(text: &[u8]) -> Option<&[u8]> {
    short_number(text).or_else(|| longer_number(text))
}

/// Steps over a number that [`short_number`] does not.
pub fn longer_number(text: &[u8]) -> Option<&[u8]> {
    let usual = number::usual(text).map(|usual| usual.length);
    text.get(usual.or_else(|| unusual_number(text))?..)
}

#[cold]
fn unusual_number(text: &[u8]) -> Option<usize> {
    number::scan(text).filter(|(_, canonical)| *canonical).map(|(length, _)| length)
}

/// Steps over a non-negative integer of few digits.
pub fn integer(text: &[u8]) -> Step<'_, usize> {
    let number = number::usual(text).filter(|number| !number.negative && number.fraction == 0)?;
    let rest = text.get(number.length..)?;
    let value = match decimal::word(text, number.integer) {
        Some(value) => usize::try_from(value).ok()?,
        None => std::str::from_utf8(before(text, rest)?).ok()?.parse().ok()?,
    };
    Some((value, rest))
}

/// Steps over values.
#[derive(Debug)]
pub struct Values<'t> {
    /// The names of all objects that are open, the innermost last.
    names: Vec<&'t [u8]>,
    reserved: &'static [u8],
}

impl<'t> Values<'t> {
    /// Does not read values in which there are objects that have the name `reserved`.
    pub fn new(reserved: &'static [u8]) -> Self {
        Self { names: Vec::new(), reserved }
    }

    /// Steps over a value nested at most `depth` deep, and gives its text.
    #[inline]
    pub fn value(&mut self, text: &'t [u8], depth: usize) -> Step<'t, &'t [u8]> {
        let rest = match text.first()? {
            b'"' => string(text)?.1,
            b'-' | b'0'..=b'9' => skip_number(text)?,
            _ => self.skip(text, depth)?,
        };
        Some((before(text, rest)?, rest))
    }

    fn skip(&mut self, text: &'t [u8], depth: usize) -> Option<&'t [u8]> {
        match text.first()? {
            b'"' => string(text).map(|(_, rest)| rest),
            b'{' => self.object(text, depth.checked_sub(1)?),
            b'[' => self.array(text, depth.checked_sub(1)?),
            b't' => expect(text, b"true"),
            b'f' => expect(text, b"false"),
            b'n' => expect(text, b"null"),
            _ => skip_number(text),
        }
    }

    fn object(&mut self, text: &'t [u8], depth: usize) -> Option<&'t [u8]> {
        let outer = self.names.len();
        let mut names = Names::default();
        let rest = items(byte(text, b'{')?, b'}', |member| {
            let (name, value) = name(member)?;
            let earlier = self.names.get(outer..)?.iter().copied();
            if name == self.reserved || names.repeats(name, earlier) {
                return None;
            }
            self.names.push(name);
            self.skip(value, depth)
        })?;
        if names.repeat(self.names.get(outer..)?.iter().copied()) {
            return None;
        }
        self.names.truncate(outer);
        Some(rest)
    }

    fn array(&mut self, text: &'t [u8], depth: usize) -> Option<&'t [u8]> {
        items(byte(text, b'[')?, b']', |item| self.skip(item, depth))
    }
}
