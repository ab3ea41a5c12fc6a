//! How a snapshot vouches for itself, and how a journal names the snapshot it builds on.
//!
//! In its file a snapshot has one more member, the last one: `,"checksum":"crc32c:0a1b2c3d"}`, over
//! all bytes before that comma. Nobody outside this layer sees it. Files without it, the peer's, are
//! taken as they are.

use super::Damage;
use crate::engine::Clock;
use std::borrow::Cow;

const MEMBER: &[u8] = b",\"checksum\":\"crc32c:";
const END: &[u8] = b"\"}";
const DIGITS: usize = 8;

/// Which snapshot it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) clock: Clock,
    /// The crc32c of its text, without the checksum member.
    pub(super) checksum: u32,
}

impl Identity {
    pub(super) fn of(text: &[u8], clock: Clock) -> Self {
        Self { clock, checksum: crc32c::crc32c(text) }
    }
}

/// A snapshot's text without its checksum, and whether it had one.
#[derive(Debug)]
pub(super) struct Unsealed {
    pub(super) text: Vec<u8>,
    pub(super) was_sealed: bool,
}

/// A snapshot's text without a checksum member: somebody may have read the file by other means and
/// hand in the old one.
pub(super) fn bare(text: &[u8]) -> Cow<'_, [u8]> {
    match split(text) {
        Some((content, _)) => Cow::Owned([content, b"}"].concat()),
        None => Cow::Borrowed(text),
    }
}

/// The bytes of the file that holds a snapshot, whose text is [`bare`].
pub(super) fn seal(text: &[u8]) -> Vec<u8> {
    let content = match text.strip_suffix(b"}") {
        // A comma would have nothing before it.
        None | Some(b"{") => return text.to_vec(),
        Some(content) => content,
    };
    let mut bytes = Vec::with_capacity(content.len() + MEMBER.len() + DIGITS + END.len());
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(MEMBER);
    bytes.extend_from_slice(format!("{:08x}", crc32c::crc32c(content)).as_bytes());
    bytes.extend_from_slice(END);
    bytes
}

/// Takes the checksum from a file's bytes, if there is one and it is right.
pub(super) fn unseal(mut bytes: Vec<u8>) -> Result<Unsealed, Damage> {
    let Some((content, digits)) = split(&bytes) else {
        return Ok(Unsealed { text: bytes, was_sealed: false });
    };
    let actual = format!("{:08x}", crc32c::crc32c(content));
    if actual.as_bytes() != digits {
        let reason = format!(
            "its content has the checksum crc32c:{actual}, not the one it ends with \
             (if somebody changed the file on purpose, remove its last member, \"checksum\")"
        );
        return Err(Damage { offset: None, reason });
    }
    bytes.truncate(content.len());
    bytes.push(b'}');
    Ok(Unsealed { text: bytes, was_sealed: true })
}

/// What comes before the checksum member, and its digits. Editors add a newline to the end.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.trim_ascii_end().strip_suffix(END)?;
    let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    Some((rest.strip_suffix(MEMBER)?, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jr1_a_sealed_snapshot_ends_with_its_checksum() {
        let bytes = seal(br#"{"timestamp":1}"#);

        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(text, r#"{"timestamp":1,"checksum":"crc32c:789f2e11"}"#);
        let unsealed = unseal(bytes).unwrap();
        assert_eq!((&unsealed.text[..], unsealed.was_sealed), (&br#"{"timestamp":1}"#[..], true));
    }

    #[test]
    fn jr1_a_snapshot_is_sealed_once() {
        let once = seal(br#"{"timestamp":1}"#);

        assert_eq!(seal(&bare(&once)), once);
    }

    #[test]
    fn jr1_what_has_no_checksum_is_taken_as_it_is() {
        for text in [&b""[..], b"{}", b"null", b"[]", b"{\"a\":1}\n", b"{\"checksum\":1}"] {
            let unsealed = unseal(text.to_vec()).unwrap();

            assert_eq!((&unsealed.text[..], unsealed.was_sealed), (text, false));
        }
        assert_eq!((seal(b"{}"), seal(b"[]")), (b"{}".to_vec(), b"[]".to_vec()));
    }

    #[test]
    fn jr2_a_changed_snapshot_is_damaged_and_says_what_to_do() {
        let bytes = seal(br#"{"timestamp":1}"#);
        let edited = |from: &str, to: &str| {
            String::from_utf8(bytes.clone()).unwrap().replace(from, to).into_bytes()
        };

        for changed in [edited(":1,", ":2,"), edited("789", "788"), edited("1,", "1 ,")] {
            let reason = unseal(changed).unwrap_err().reason;
            assert!(reason.contains("remove its last member"), "{reason}");
        }
        assert_eq!(unseal(edited("}", "}\n\n")).unwrap().text, br#"{"timestamp":1}"#);
    }
}
