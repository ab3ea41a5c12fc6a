//! Reading text that nobody has looked at yet, as long as it is canonical.

use super::{decimal, names::Names, number, string};

/// A cursor over bytes that are valid UTF-8. Each step checks that what it steps over is canonical JSON, and gives none where it
/// is not, or where telling would take longer: then nothing of what was read counts, and [`super::scan()`] decides.
#[derive(Debug)]
pub struct CheckedReader<'t> {
    text: &'t [u8],
    /// What it has not stepped over.
    rest: &'t [u8],
    /// The names of all objects that are open within a value, the innermost last.
    names: Vec<&'t [u8]>,
    reserved: &'static [u8],
}

impl<'t> CheckedReader<'t> {
    /// Starts at the first byte. It does not read values in which there are objects that have the name `reserved`.
    pub fn new(text: &'t [u8], reserved: &'static [u8]) -> Self {
        Self { text, rest: text, names: Vec::new(), reserved }
    }

    /// How many bytes it has stepped over.
    #[inline]
    pub fn at(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// Whether all was read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was stepped over since `start`.
    #[inline]
    pub fn since(&self, start: usize) -> Option<&'t [u8]> {
        self.text.get(start..self.at())
    }

    /// The byte that is next.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Steps over `byte` if it is next.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((next, rest)) if *next == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Steps over `text`, which must be next.
    #[inline]
    pub fn expect<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let (next, rest) = self.rest.split_first_chunk::<N>()?;
        (next == text).then(|| self.rest = rest)
    }

    /// Steps over a comma, or over the end of the object or array: true at the end.
    #[inline]
    pub fn ends(&mut self, end: u8) -> Option<bool> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        match *byte {
            b',' => Some(false),
            byte if byte == end => Some(true),
            _ => None,
        }
    }

    /// Steps over a name and the colon behind it, and returns its inside.
    #[inline]
    pub fn name(&mut self) -> Option<&'t [u8]> {
        let name = self.string()?;
        self.eat(b':').then_some(name)
    }

    /// Steps over a string and returns its inside.
    #[inline]
    pub fn string(&mut self) -> Option<&'t [u8]> {
        let (b'"', inside) = self.rest.split_first()? else { return None };
        let (plain, rest) = inside.split_at_checked(string::plain_length(inside))?;
        if let Some((b'"', rest)) = rest.split_first() {
            self.rest = rest;
            return Some(plain);
        }
        self.escaped_string(inside, plain.len())
    }

    /// As [`Self::string`], where what is not plain comes behind so many bytes.
    fn escaped_string(&mut self, inside: &'t [u8], mut length: usize) -> Option<&'t [u8]> {
        loop {
            match inside.get(length..)?.split_first()? {
                (b'"', rest) => {
                    self.rest = rest;
                    return inside.get(..length);
                }
                (b'\\', _) => {
                    length += string::canonical_escape(inside.get(length..)?)?;
                    length += string::plain_length(inside.get(length..)?);
                }
                _ => return None,
            }
        }
    }

    /// Steps over a number and returns what it means.
    pub fn number(&mut self) -> Option<f64> {
        let start = self.at();
        self.skip_number()?;
        decimal::parse(self.since(start)?)
    }

    fn skip_number(&mut self) -> Option<()> {
        let (length, canonical) = number::scan(self.rest)?;
        self.rest = self.rest.get(length..)?;
        canonical.then_some(())
    }

    /// Steps over a non-negative integer.
    pub fn integer(&mut self) -> Option<usize> {
        let start = self.at();
        self.skip_number()?;
        let digits = self.since(start)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Steps over a value nested at most `depth` deep, and returns its text.
    #[inline]
    pub fn value(&mut self, depth: usize) -> Option<&'t [u8]> {
        let before = self.rest;
        self.skip(depth)?;
        before.get(..before.len() - self.rest.len())
    }

    fn skip(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b't' => self.expect(b"true"),
            b'f' => self.expect(b"false"),
            b'n' => self.expect(b"null"),
            _ => self.skip_number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.expect(b"{")?;
        if self.eat(b'}') {
            return Some(());
        }
        let outer = self.names.len();
        let mut names = Names::default();
        loop {
            let name = self.name()?;
            let earlier = self.names.get(outer..)?.iter().copied();
            if name == self.reserved || names.repeats(name, earlier) {
                return None;
            }
            self.names.push(name);
            self.skip(depth)?;
            if self.ends(b'}')? {
                break;
            }
        }
        if names.repeat(self.names.get(outer..)?.iter().copied()) {
            return None;
        }
        self.names.truncate(outer);
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.expect(b"[")?;
        if self.eat(b']') {
            return Some(());
        }
        loop {
            self.skip(depth)?;
            if self.ends(b']')? {
                return Some(());
            }
        }
    }
}
