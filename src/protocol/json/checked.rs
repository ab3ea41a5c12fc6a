//! Reading text that nobody has looked at yet, as long as it is canonical.

use super::{decimal, names::Names, number, string};

/// A cursor over bytes that are valid UTF-8. Each step checks that what it steps over is canonical JSON, and gives none where it
/// is not, or where telling would take longer: then nothing of what was read counts, and [`super::scan()`] decides.
#[derive(Debug)]
pub struct CheckedReader<'t> {
    text: &'t [u8],
    at: usize,
    /// The names of all objects that are open within a value, the innermost last.
    names: Vec<&'t [u8]>,
    reserved: &'static [u8],
}

impl<'t> CheckedReader<'t> {
    /// Starts at the first byte. It does not read values in which there are objects that have the name `reserved`.
    pub fn new(text: &'t [u8], reserved: &'static [u8]) -> Self {
        Self { text, at: 0, names: Vec::new(), reserved }
    }

    /// How many bytes it has stepped over.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Whether all was read.
    pub fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// What was stepped over since `start`.
    pub fn since(&self, start: usize) -> Option<&'t [u8]> {
        self.text.get(start..self.at)
    }

    /// Steps over `byte` if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Steps over `text`, which must be next.
    pub fn expect<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        let next = self.text.get(self.at..)?.first_chunk::<N>()?;
        (next == text).then(|| self.at += N)
    }

    /// Steps over a comma, or over the end of the object or array: true at the end.
    pub fn ends(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => Some(false),
            byte if byte == end => Some(true),
            _ => None,
        }
    }

    /// Steps over a name and the colon behind it, and returns its inside.
    pub fn name(&mut self) -> Option<&'t [u8]> {
        let name = self.string()?;
        self.eat(b':').then_some(name)
    }

    /// Steps over a string and returns its inside.
    pub fn string(&mut self) -> Option<&'t [u8]> {
        if !self.eat(b'"') {
            return None;
        }
        let inside = self.text.get(self.at..)?;
        let mut length = plain_length(inside);
        loop {
            match inside.get(length)? {
                b'"' => break,
                b'\\' => {
                    let rest = inside.get(length..)?;
                    length += string::canonical_escape(rest)?;
                    length += plain_length(inside.get(length..)?);
                }
                _ => return None,
            }
        }
        self.at += length + 1;
        inside.get(..length)
    }

    /// Steps over a number and returns what it means.
    pub fn number(&mut self) -> Option<f64> {
        let start = self.at;
        self.skip_number()?;
        decimal::parse(self.since(start)?)
    }

    fn skip_number(&mut self) -> Option<()> {
        let (length, canonical) = number::scan(self.text.get(self.at..)?)?;
        self.at += length;
        canonical.then_some(())
    }

    /// Steps over a non-negative integer.
    pub fn integer(&mut self) -> Option<usize> {
        let start = self.at;
        self.skip_number()?;
        let digits = self.since(start)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Steps over a value nested at most `depth` deep, and returns its text.
    pub fn value(&mut self, depth: usize) -> Option<&'t [u8]> {
        let start = self.at;
        self.skip(depth)?;
        self.since(start)
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
        self.at += 1;
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
        self.at += 1;
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

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// How many bytes `text` begins with that are neither a quote nor a backslash nor a control character.
fn plain_length(text: &[u8]) -> usize {
    let mut rest = text;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            let plain = usize::try_from(stops.trailing_zeros() / 8).unwrap_or_default();
            return text.len() - rest.len() + plain;
        }
        rest = after;
    }
    let is_stop = |byte: &u8| matches!(byte, b'"' | b'\\' | ..=0x1f);
    text.len() - rest.len() + rest.iter().position(is_stop).unwrap_or(rest.len())
}

/// Sets the highest bit of bytes that are a quote, a backslash or a control character. The lowest bit set is exact; above it there
/// may be others that are wrong.
fn stops(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word;
    let controls = word.wrapping_sub(SPACES) & !word;
    (zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES) | controls) & HIGH
}
