//! Whether text is ASCII, told quickly of short text.

/// Whether all bytes are ASCII. The standard library looks at what its blocks leave over byte by byte, which in the usual
/// frame is most of the work: here the last word overlaps the one before, and no word is a way out.
pub fn is_ascii(text: &[u8]) -> bool {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let Some(end) = text.last_chunk::<8>() else { return text.is_ascii() };
    let (words, _) = text.as_chunks::<8>();
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    words.iter().fold(word(end), |bits, bytes| bits | word(bytes)) & HIGH == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_anywhere_is_seen() {
        for length in 0..200 {
            let mut text = vec![b'a'; length];
            assert!(is_ascii(&text), "{length}");
            for at in 0..length {
                text[at] = 0xc3;
                assert!(!is_ascii(&text), "{length} {at}");
                text[at] = b'a';
            }
        }
    }
}
