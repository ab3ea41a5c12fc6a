//! Reading canonical JSON text piece by piece, without copying.

use super::string;

/// A cursor over text that [`super::scan()`] found canonical. It relies on that: on other text it ends early.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'t> {
    rest: &'t [u8],
}

impl<'t> Reader<'t> {
    /// Starts at the first byte of a value.
    pub fn new(text: &'t [u8]) -> Self {
        Self { rest: text }
    }

    /// The text from here to the end.
    pub fn rest(&self) -> &'t [u8] {
        self.rest
    }

    /// Steps over `byte` if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Inside an object: the inside of the next member's name, leaving the reader at its value; none at the end.
    pub fn name(&mut self) -> Option<&'t [u8]> {
        self.eat(b',');
        if self.eat(b'}') {
            return None;
        }
        let quoted = self.value();
        self.eat(b':');
        quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")
    }

    /// Inside an array: true with the reader at the next item; false behind the end.
    pub fn item(&mut self) -> bool {
        self.eat(b',');
        !self.rest.is_empty() && !self.eat(b']')
    }

    /// Steps over a value and returns its text.
    pub fn value(&mut self) -> &'t [u8] {
        let length = match self.rest.first() {
            Some(b'"') => string_length(self.rest),
            Some(b'{' | b'[') => nested_length(self.rest),
            _ => self.rest.iter().take_while(|byte| !matches!(byte, b',' | b'}' | b']')).count(),
        };
        let (value, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        value
    }
}

/// The length of the string at the start of `text`, with its quotes.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(rest) = text.get(at..) {
        at += string::plain_length(rest);
        match text.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => break,
        }
    }
    text.len()
}

/// The length of the object or array at the start of `text`.
fn nested_length(text: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        at += plain_length(rest);
        match text.get(at) {
            Some(b'"') => {
                at += string_length(text.get(at..).unwrap_or_default());
                continue;
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => depth -= 1,
            Some(_) => {}
            None => break,
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// How many bytes `text` begins with that are neither a quote nor a bracket, or a few less.
fn plain_length(text: &[u8]) -> usize {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
    /// What makes a square bracket a curly one.
    const CURLY: u64 = u64::from_le_bytes([b'{' ^ b'['; 8]);
    const OPENING: u64 = u64::from_le_bytes([b'{'; 8]);
    const CLOSING: u64 = u64::from_le_bytes([b'}'; 8]);
    // The highest bit of a byte that is zero; the lowest of them is exact.
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word;
    let (words, _) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let curly = word | CURLY;
        let stops = (zeros(word ^ QUOTES) | zeros(curly ^ OPENING) | zeros(curly ^ CLOSING)) & HIGH;
        if stops != 0 {
            return index * 8 + usize::try_from(stops.trailing_zeros() / 8).unwrap_or_default();
        }
    }
    words.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_come_as_slices() {
        let mut reader = Reader::new(br#"{"a":[1,{"b":"]}\""}],"":"x","c":-1.5}"#);
        let mut members = Vec::new();

        assert!(reader.eat(b'{'));
        while let Some(name) = reader.name() {
            members.push((name, reader.value()));
        }

        let expected: [(&[u8], &[u8]); 3] =
            [(b"a", br#"[1,{"b":"]}\""}]"#), (b"", b"\"x\""), (b"c", b"-1.5")];
        assert_eq!(members, expected);
    }

    #[test]
    fn empty_objects_and_arrays_have_nothing() {
        let mut object = Reader::new(b"{}");
        let mut array = Reader::new(b"[]");

        assert!(object.eat(b'{') && object.name().is_none());
        assert!(array.eat(b'[') && !array.item());
    }

    #[test]
    fn text_that_is_not_json_ends_early() {
        for text in [&b""[..], b"{", b"[[[", b"\"", b"{\"a", b"\"\\"] {
            let mut reader = Reader::new(text);
            reader.value();
            assert!(reader.rest().is_empty());
        }
    }
}
