//! Room ids as file names.
//!
//! ```text
//! name    = plain | escaped | "~" for the empty id | "~~" sha256-in-hex for what would be longer
//! plain   = 1 to 128 bytes of [a-z0-9_-], and no Windows device name
//! escaped = 1 to 128 bytes of [a-z0-9_-] and of "~" hex hex for every other byte of the id's WTF-8
//! ```
//!
//! A device name is escaped in its first letter. Names are lower-case ASCII without dots, so that
//! no file system folds two of them into one, and Windows neither strips their end nor finds a
//! short name among them: those have an extension of three letters, and ours is `.json`.

use super::wtf8;
use sha2::{Digest, Sha256};

/// The longest name an id gets, in bytes, without the extension.
const MAX_NAME_BYTES: usize = 128;

/// The longest file name of any common file system, in UTF-16 units.
const MAX_FILE_NAME_UNITS: usize = 255;

pub(super) const EXTENSION: &str = ".json";

/// The file name of a room, for any id: lower-case ASCII without separators, of at most 133 bytes,
/// and no other id's.
pub fn file_name(id: &[u16]) -> String {
    encode(id) + EXTENSION
}

/// The file name that `@woven-ecs/canvas-store-server` gave a room inside its directory, where that
/// differs from [`file_name`] and is the [`file_name`] of no other id.
///
/// It may be found only by comparing the names in the directory: opening it could find another
/// file, and lead anywhere on Windows, where `aux.json` is a device.
pub fn legacy_name(id: &[u16]) -> Option<String> {
    let text = String::from_utf16(id).ok()?;
    if text.contains(['/', '\\', '\0']) || is_encoded(&text) {
        return None;
    }
    let name = text + EXTENSION;
    (name.encode_utf16().count() <= MAX_FILE_NAME_UNITS).then_some(name)
}

fn encode(id: &[u16]) -> String {
    let bytes = wtf8::from_units(id);
    let escaped = escape(&bytes);
    if escaped.is_empty() {
        "~".to_owned()
    } else if escaped.len() > MAX_NAME_BYTES {
        Sha256::digest(&bytes).into_iter().fold("~~".to_owned(), push_hex)
    } else {
        escaped
    }
}

fn escape(bytes: &[u8]) -> String {
    let device = is_device_name(bytes);
    bytes.iter().enumerate().fold(String::new(), |mut name, (at, &byte)| {
        let plain = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if plain && !(device && at == 0) {
            name.push(char::from(byte));
            name
        } else {
            name.push('~');
            push_hex(name, byte)
        }
    })
}

fn push_hex(mut text: String, byte: u8) -> String {
    text.extend(
        [byte >> 4, byte & 0x0F].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)),
    );
    text
}

/// Names that Windows gives to devices, whatever extension follows. Those with other than plain
/// characters (`CONIN$`, a superscript digit after `com`) are escaped anyway.
fn is_device_name(name: &[u8]) -> bool {
    match name {
        b"con" | b"prn" | b"aux" | b"nul" => true,
        [b'c', b'o', b'm', digit] | [b'l', b'p', b't', digit] => digit.is_ascii_digit(),
        _ => false,
    }
}

fn is_encoded(name: &str) -> bool {
    decode(name).is_some()
}

/// Whose name this is, without the extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encoded {
    /// This id's.
    Id(Vec<u16>),
    /// A long id's, which cannot be told from it. What only looks like a hash counts: nobody can
    /// tell that it is none.
    Hash,
}

/// The id that is encoded as `name`; `None` when none is.
pub(super) fn decode(name: &str) -> Option<Encoded> {
    if name == "~" {
        return Some(Encoded::Id(Vec::new()));
    }
    if let Some(hash) = name.strip_prefix("~~") {
        let is_hash =
            hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        return is_hash.then_some(Encoded::Hash);
    }
    let id = unescape(name).and_then(|bytes| wtf8::to_units(&bytes))?;
    (encode(&id) == name).then_some(Encoded::Id(id))
}

/// The bytes that `name` spells. Says nothing on whether they would be spelt so; [`is_encoded`]
/// encodes them again.
fn unescape(name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'~', high, low, tail @ ..] => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
                tail
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn name_of(text: &str) -> String {
        file_name(&units(text))
    }

    fn legacy_of(text: &str) -> Option<String> {
        legacy_name(&units(text))
    }

    #[test]
    fn st5_plain_ids_are_their_own_name() {
        for id in [
            "a",
            "board-1",
            "0_-",
            "-",
            "_",
            "con-",
            "com",
            "com10",
            "lpt",
            "console",
            &"a".repeat(128),
        ] {
            assert_eq!(name_of(id), format!("{id}.json"));
        }
    }

    #[test]
    fn st4_other_ids_are_escaped_byte_by_byte() {
        for (id, name) in [
            ("", "~.json"),
            ("A", "~41.json"),
            ("~41", "~7e41.json"),
            ("~", "~7e.json"),
            ("~~", "~7e~7e.json"),
            (".", "~2e.json"),
            ("..", "~2e~2e.json"),
            ("../x", "~2e~2e~2fx.json"),
            ("a/b", "a~2fb.json"),
            ("a\\b", "a~5cb.json"),
            ("a.", "a~2e.json"),
            ("a ", "a~20.json"),
            ("a\0", "a~00.json"),
            ("a:b", "a~3ab.json"),
            ("CON", "~43~4f~4e.json"),
            ("con.txt", "con~2etxt.json"),
            ("\u{e9}", "~c3~a9.json"),
            ("e\u{301}", "e~cc~81.json"),
            ("\u{fffd}", "~ef~bf~bd.json"),
            ("\u{1f58d}", "~f0~9f~96~8d.json"),
            ("\u{212a}", "~e2~84~aa.json"),
        ] {
            assert_eq!(name_of(id), name, "{id:?}");
        }
    }

    #[test]
    fn st4_device_names_are_escaped_in_their_first_letter() {
        for (id, name) in [
            ("con", "~63on.json"),
            ("prn", "~70rn.json"),
            ("aux", "~61ux.json"),
            ("nul", "~6eul.json"),
            ("com0", "~63om0.json"),
            ("com9", "~63om9.json"),
            ("lpt1", "~6cpt1.json"),
        ] {
            assert_eq!(name_of(id), name);
        }
    }

    #[test]
    fn st4_lone_surrogates_are_no_replacement_character() {
        assert_eq!(file_name(&[0xD800]), "~ed~a0~80.json");
        assert_eq!(file_name(&[0xDC00]), "~ed~b0~80.json");
        assert_eq!(file_name(&[0xDC00, 0xD800]), "~ed~b0~80~ed~a0~80.json");
    }

    #[test]
    fn st4_names_over_128_bytes_are_hashed() {
        assert_eq!(
            name_of(&"a".repeat(129)),
            "~~c12cb024a2e5551cca0e08fce8f1c5e314555cc3fef6329ee994a3db752166ae.json"
        );
        assert_eq!(name_of(&"A".repeat(42)), format!("{}.json", "~41".repeat(42)));
        assert_eq!(name_of(&format!("{}aa", "A".repeat(42))).len(), 133);
        assert!(name_of(&"A".repeat(43)).starts_with("~~"));
    }

    /// Ids that some file system, or a careless encoding, takes for one another or for something
    /// else.
    #[rustfmt::skip]
    const NASTY: [&str; 46] = [
        "", ".", "..", "../x", "/x", "x", "X", "a", "A", "~41", "~7e41", "~", "~~", "con", "CON",
        "Con", "~63on", "com1", "COM1", "com\u{b9}", "a.", "a ", "a\0", "a\0b", "a/b", "a\\b",
        "a:b", "\u{e9}", "e\u{301}", "\u{c9}", "E\u{301}", "\u{212a}", "k", "K", "\u{17f}", "s",
        "\u{df}", "ss", "\u{fffd}", "\u{1f58d}", "\u{130}", "i", "\u{131}", "a.json", "a\u{200b}",
        "a\u{feff}",
    ];

    #[test]
    fn st4_no_two_nasty_ids_share_a_name() {
        let long_a = "a".repeat(129);
        let hash_of_long_a = name_of(&long_a).trim_end_matches(".json").to_owned();
        let mut ids: Vec<Vec<u16>> = NASTY.into_iter().map(units).collect();
        ids.extend([
            vec![0xD800],
            vec![0xDC00],
            vec![0xDC00, 0xD800],
            vec![0xD83D],
            vec![0xD83D, 0xFFFD],
        ]);
        ids.extend([
            units(&long_a),
            units(&"A".repeat(129)),
            units(&"a".repeat(128)),
            units(&"a".repeat(130)),
        ]);
        ids.push(units(&hash_of_long_a));
        ids.push(units(&"\0".repeat(5000)));

        let names: BTreeSet<String> = ids.iter().map(|id| file_name(id)).collect();

        assert_eq!(names.len(), ids.len());
    }

    #[test]
    fn st6_the_peers_name_is_the_id_itself() {
        for id in [
            "A", "My Room", "\u{e9}", "e\u{301}", "a.", "a ", "", ".", "..", "con", "aux", "Con",
            "~4", "~zz", "a~b",
        ] {
            assert_eq!(legacy_of(id), Some(format!("{id}.json")), "{id:?}");
        }
        assert_eq!(legacy_of(&"a".repeat(129)), Some(format!("{}.json", "a".repeat(129))));
    }

    #[test]
    fn st6_a_plain_id_has_no_second_name() {
        for id in ["a", "board-1", &"a".repeat(128)] {
            assert_eq!(legacy_of(id), None);
        }
    }

    #[test]
    fn st6_no_legacy_name_leads_out_of_the_directory() {
        for id in ["../x", "a/b", "/etc/passwd", "a\\b", "..\\x", "a\0", "\0"] {
            assert_eq!(legacy_of(id), None, "{id:?}");
        }
    }

    #[test]
    fn st6_no_legacy_name_is_one_that_an_id_is_encoded_as() {
        let hash = name_of(&"a".repeat(129));
        for id in
            ["~", "~41", "a~2fb", "~63on", "~ed~a0~80", "~ef~bf~bd", hash.trim_end_matches(".json")]
        {
            assert_eq!(legacy_of(id), None, "{id:?}");
        }
    }

    #[test]
    fn st6_what_only_looks_encoded_is_a_legacy_name() {
        let pair_as_two_lone_ones = "~ed~a0~80~ed~b0~80";
        let too_long = "~41".repeat(43);
        let upper_case_hash = format!("~~{}", "A".repeat(64));
        for id in [
            "~61",
            "~4A",
            "~+1",
            "~ff",
            "~63",
            "~63onx",
            "~~",
            pair_as_two_lone_ones,
            &too_long,
            &upper_case_hash,
        ] {
            assert_eq!(legacy_of(id), Some(format!("{id}.json")), "{id:?}");
        }
    }

    #[test]
    fn st6_a_name_that_no_file_can_have_is_not_looked_for() {
        assert!(legacy_of(&"A".repeat(250)).is_some());
        assert_eq!(legacy_of(&"A".repeat(251)), None);
        assert_eq!(legacy_name(&[0xD800]), None);
    }

    const LIKELY: &str = "~~~aAzZ0149_-.e./\\\0 :con\u{301}\u{e9}\u{fffd}\u{212a}";

    fn nasty_id() -> impl Strategy<Value = Vec<u16>> {
        let unit = prop_oneof![
            8 => proptest::sample::select(units(LIKELY)),
            1 => any::<u16>(),
            1 => 0xD800_u16..0xE000,
        ];
        prop_oneof![
            proptest::collection::vec(unit, 0..50),
            "[~a-f0-9]{0,70}".prop_map(|text| units(&text)),
            "~~[a-f0-9]{64}".prop_map(|text| units(&text)),
            "[a-z0-9_-]{126,130}".prop_map(|text| units(&text)),
            "(con|prn|aux|nul|com|lpt|CON|~63on)[0-9]{0,2}".prop_map(|text| units(&text)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn st4_names_are_short_lower_case_ascii_without_separators(id in nasty_id()) {
            let name = file_name(&id);
            let stem = name.strip_suffix(".json").unwrap();

            prop_assert!((1..=128).contains(&stem.len()));
            prop_assert!(stem.bytes().all(|byte| b"abcdefghijklmnopqrstuvwxyz0123456789_-~".contains(&byte)));
            prop_assert!(!is_device_name(stem.as_bytes()));
        }

        #[test]
        fn st4_two_ids_have_two_names(one in nasty_id(), other in nasty_id()) {
            prop_assert_eq!(one == other, file_name(&one) == file_name(&other));
        }

        #[test]
        fn st4_an_id_can_be_read_from_its_name(id in nasty_id()) {
            let name = encode(&id);
            let is_hashed = name.starts_with("~~");
            prop_assert_eq!(decode(&name), Some(if is_hashed { Encoded::Hash } else { Encoded::Id(id) }));
        }

        #[test]
        fn st6_a_legacy_name_is_no_other_ids_name(id in nasty_id(), other in nasty_id()) {
            if let Some(legacy) = legacy_name(&id) {
                prop_assert_ne!(&legacy, &file_name(&id));
                prop_assert_ne!(&legacy, &file_name(&other));
            }
            let encoded = file_name(&other);
            prop_assert_eq!(legacy_name(&units(encoded.strip_suffix(".json").unwrap())), None);
        }
    }
}
