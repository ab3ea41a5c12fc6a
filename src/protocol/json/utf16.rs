//! JSON text out of a JS string that UTF-8 cannot hold.

/// Converts a JS string. A lone surrogate becomes the escape that `JSON.stringify` writes for it, which within a JSON
/// string is the same text (CV6). Behind a backslash that would make a valid escape of an invalid one, so there it
/// becomes U+FFFD, which no escape allows.
pub fn from_utf16(units: &[u16]) -> String {
    let mut text = String::with_capacity(units.len());
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok(character) => text.push(character),
            Err(_) if ends_in_open_escape(&text) => text.push(char::REPLACEMENT_CHARACTER),
            Err(surrogate) => push_escape(surrogate.unpaired_surrogate(), &mut text),
        }
    }
    text
}

fn push_escape(unit: u16, text: &mut String) {
    text.push_str("\\u");
    let digits = [unit >> 12, unit >> 8, unit >> 4, unit].map(|digit| u32::from(digit & 0xf));
    text.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit, 16)));
}

fn ends_in_open_escape(text: &str) -> bool {
    text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(pieces: &[&str], lone: u16) -> String {
        let mut units = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            if index > 0 {
                units.push(lone);
            }
            units.extend(piece.encode_utf16());
        }
        from_utf16(&units)
    }

    #[test]
    fn cv6_lone_surrogates_become_escapes_and_the_rest_stays() {
        assert_eq!(convert(&["\"é😀", "\u{fffd}\""], 0xd800), "\"é😀\\ud800\u{fffd}\"");
        assert_eq!(convert(&["\"\\\\", "\""], 0xdfff), "\"\\\\\\udfff\"");
    }

    #[test]
    fn cv4_a_surrogate_does_not_complete_an_escape() {
        assert_eq!(convert(&["\"\\", "\""], 0xd800), "\"\\\u{fffd}\"");
    }
}
