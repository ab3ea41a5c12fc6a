//! JS strings as bytes: WTF-8, that is UTF-8 in which a lone surrogate is three bytes of its own.
//!
//! UTF-8 alone would turn every lone surrogate into U+FFFD, and ids that differ into one.

/// The bytes of a JS string. No two strings have the same.
pub(super) fn from_units(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len());
    for decoded in char::decode_utf16(units.iter().copied()) {
        match decoded {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                let middle = ((high & 0x0F) << 2) | (low >> 6);
                bytes.extend_from_slice(&[0xE0 | (high >> 4), 0x80 | middle, 0x80 | (low & 0x3F)]);
            }
        }
    }
    bytes
}

/// The units that make up `bytes`, or `None` when they are neither UTF-8 nor lone surrogates. A
/// surrogate pair that is spelt as two lone ones is accepted, so whoever needs the one spelling
/// encodes again and compares.
pub(super) fn to_units(mut bytes: &[u8]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(bytes.len());
    loop {
        let sound = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            Err(error) => error.valid_up_to(),
        };
        let (text, rest) = bytes.split_at_checked(sound)?;
        units.extend(std::str::from_utf8(text).ok()?.encode_utf16());
        match rest {
            [] => return Some(units),
            [0xED, middle @ 0xA0..=0xBF, last @ 0x80..=0xBF, tail @ ..] => {
                units.push(0xD000 | (u16::from(middle & 0x3F) << 6) | u16::from(last & 0x3F));
                bytes = tail;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn st4_a_lone_surrogate_has_bytes_of_its_own() {
        assert_eq!(from_units(&[0xD800]), [0xED, 0xA0, 0x80]);
        assert_eq!(from_units(&[0xDFFF]), [0xED, 0xBF, 0xBF]);
        assert_eq!(from_units(&[0xFFFD]), [0xEF, 0xBF, 0xBD]);
    }

    #[test]
    fn st4_text_is_plain_utf8() {
        let units: Vec<u16> = "a\0\u{e9}\u{1f58d}".encode_utf16().collect();

        assert_eq!(from_units(&units), "a\0\u{e9}\u{1f58d}".as_bytes());
    }

    #[test]
    fn st4_bytes_that_no_string_has_are_refused() {
        assert_eq!(to_units(&[0xFF]), None);
        assert_eq!(to_units(&[0xED, 0xA0]), None);
        assert_eq!(to_units(&[0xC0, 0x80]), None);
        assert_eq!(to_units(&[b'a', 0x80]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn st4_any_string_comes_back_from_its_bytes(units: Vec<u16>) {
            prop_assert_eq!(to_units(&from_units(&units)), Some(units));
        }
    }
}
