//! Strings: the grammar, and the one form that `JSON.stringify` gives each.

/// Scans a string from behind its opening quote: the length of its inside, and whether it is canonical. The error is the
/// offset at which it is no string.
pub(super) fn scan(text: &[u8]) -> Result<(usize, bool), usize> {
    let mut at = 0;
    let mut canonical = true;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let plain = plain_length(rest);
        at += plain;
        match rest.get(plain) {
            Some(b'"') => return Ok((at, canonical)),
            Some(b'\\') => {
                let escape = Escape::read(rest.get(plain..).unwrap_or_default()).ok_or(at)?;
                canonical &= escape.is_canonical();
                at += escape.length;
            }
            Some(_) | None => return Err(at),
        }
    }
}

/// How many bytes `text` begins with that are neither a quote nor a backslash nor a control character.
#[inline]
pub(super) fn plain_length(text: &[u8]) -> usize {
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
#[inline]
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

/// The length of the escape at the start of `text`; none when it is not canonical.
pub(super) fn canonical_escape(text: &[u8]) -> Option<usize> {
    if let [_, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] = text {
        return Some(2);
    }
    Escape::read(text).filter(Escape::is_canonical).map(|escape| escape.length)
}

/// Appends the canonical form of a string's inside, which must be valid.
pub(super) fn write(mut inside: &[u8], out: &mut Vec<u8>) {
    while let Some(plain) = inside.iter().position(|byte| *byte == b'\\') {
        let (before, from) = inside.split_at_checked(plain).unwrap_or_default();
        out.extend_from_slice(before);
        let Some(escape) = Escape::read(from) else { return };
        escape.write(out);
        inside = from.get(escape.length..).unwrap_or_default();
    }
    out.extend_from_slice(inside);
}

/// One escape, with all of a surrogate pair.
struct Escape<'t> {
    text: &'t [u8],
    length: usize,
    meaning: Meaning,
}

enum Meaning {
    Character(char),
    /// Half of a pair without the other half: JS strings may hold it, UTF-8 may not.
    LoneSurrogate(u16),
}

impl<'t> Escape<'t> {
    /// Reads the escape at the start of `text`.
    fn read(text: &'t [u8]) -> Option<Self> {
        let short =
            |character| Some(Self { text, length: 2, meaning: Meaning::Character(character) });
        match text.get(1)? {
            b'"' => short('"'),
            b'\\' => short('\\'),
            b'/' => short('/'),
            b'b' => short('\u{8}'),
            b'f' => short('\u{c}'),
            b'n' => short('\n'),
            b'r' => short('\r'),
            b't' => short('\t'),
            b'u' => Self::read_unicode(text),
            _ => None,
        }
    }

    fn read_unicode(text: &'t [u8]) -> Option<Self> {
        let first = code_unit(text)?;
        let second = text.get(6..).filter(|rest| rest.starts_with(b"\\u")).and_then(code_unit);
        let pair = second.and_then(|second| match char::decode_utf16([first, second]).next() {
            Some(Ok(character)) if u32::from(character) > 0xffff => Some(character),
            _ => None,
        });
        Some(match (pair, char::from_u32(u32::from(first))) {
            (Some(character), _) => {
                Self { text, length: 12, meaning: Meaning::Character(character) }
            }
            (None, Some(character)) => {
                Self { text, length: 6, meaning: Meaning::Character(character) }
            }
            (None, None) => Self { text, length: 6, meaning: Meaning::LoneSurrogate(first) },
        })
    }

    fn is_canonical(&self) -> bool {
        let mut written = [0; 6];
        let mut out = std::io::Cursor::new(written.as_mut_slice());
        // A form that does not fit is longer than six bytes, which no canonical escape is.
        if self.write_to(&mut out).is_err() {
            return false;
        }
        let length = usize::try_from(out.position()).unwrap_or(usize::MAX);
        written.get(..length) == self.text.get(..self.length)
    }

    fn write(&self, out: &mut Vec<u8>) {
        if self.write_to(out).is_err() {
            out.clear();
        }
    }

    fn write_to(&self, out: &mut impl std::io::Write) -> std::io::Result<()> {
        match self.meaning {
            Meaning::LoneSurrogate(unit) => write!(out, "\\u{unit:04x}"),
            Meaning::Character('"') => out.write_all(b"\\\""),
            Meaning::Character('\\') => out.write_all(b"\\\\"),
            Meaning::Character('\u{8}') => out.write_all(b"\\b"),
            Meaning::Character('\u{c}') => out.write_all(b"\\f"),
            Meaning::Character('\n') => out.write_all(b"\\n"),
            Meaning::Character('\r') => out.write_all(b"\\r"),
            Meaning::Character('\t') => out.write_all(b"\\t"),
            Meaning::Character(control @ '\0'..='\u{1f}') => {
                write!(out, "\\u{:04x}", u32::from(control))
            }
            Meaning::Character(character) => write!(out, "{character}"),
        }
    }
}

/// The code unit of a `\u` and four digits at the start of `text`.
fn code_unit(text: &[u8]) -> Option<u16> {
    let digits = text.get(2..6)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(inside: &str) -> String {
        let mut out = Vec::new();
        write(inside.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cv6_strings_take_the_form_of_json_stringify() {
        for (inside, expected) in [
            ("plain é 😀", "plain é 😀"),
            (r"\/", "/"),
            (r"\u0041\u00e9", "Aé"),
            (r"\ud83d\ude00", "😀"),
            (r"\uD800", r"\ud800"),
            (r"\ude00\ud83d", r"\ude00\ud83d"),
            (r"\ud83dx", r"\ud83dx"),
            (r"\ud800\u0041", r"\ud800A"),
            (r"\u0008\u0009\u000A\u000c\u000d", r"\b\t\n\f\r"),
            (r"\u0000\u001F", r"\u0000\u001f"),
            (r#"\"\\"#, r#"\"\\"#),
            (r"\u0022\u005c", r#"\"\\"#),
            (r"\u007f", "\u{7f}"),
        ] {
            assert_eq!(canonical(inside), expected);
            let quoted = format!("{inside}\"");
            assert_eq!(scan(quoted.as_bytes()), Ok((inside.len(), inside == expected)), "{inside}");
        }
    }

    #[test]
    fn controls_and_broken_escapes_are_no_string() {
        for text in ["\n\"", "\\x\"", "\\u12\"", "\\u12g4\"", "\\u+123\"", "abc", "\\"] {
            assert!(scan(text.as_bytes()).is_err(), "{text}");
        }
    }
}
