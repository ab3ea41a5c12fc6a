//! Writing entries where there is room for all of them: what is short is copied without a call.

use super::{
    super::Clock,
    entries::{MOST_HEAD_BYTES, number_bytes},
};

/// Of a clock and a tag, at most, in one word.
const WORD_BYTES: usize = size_of::<u64>();

/// Writes entries with one clock, one behind the other.
pub(super) struct Writer<'o> {
    out: &'o mut [u8],
    at: usize,
    clock: [u8; 10],
    clock_length: usize,
    /// The clock as a word, if a tag of one byte fits behind it.
    clock_word: Option<u64>,
}

impl<'o> Writer<'o> {
    /// Writes at most so many bytes to the start of `out`, which holds no less afterwards.
    pub(super) fn new(out: &'o mut Vec<u8>, most: usize, clock: Clock) -> Self {
        // A word may be written whole where a part of it counts.
        let most = most + MOST_HEAD_BYTES;
        if out.len() < most {
            out.resize(most, 0);
        }
        let (clock, clock_length) = number_bytes(clock);
        let word = clock.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let clock_word = word.filter(|_| clock_length < WORD_BYTES);
        Self { out, at: 0, clock, clock_length, clock_word }
    }

    /// How much was written.
    pub(super) fn length(&self) -> usize {
        self.at
    }

    /// Writes bytes as they are.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if let Some(to) = self.out.get_mut(self.at..end) {
            copy(bytes, to);
            self.at = end;
        }
    }

    /// Writes the clock, and the tag and the bytes of a value.
    #[inline]
    pub(super) fn put_value(&mut self, json: &[u8]) {
        if let Ok(tag @ ..0x80) = u64::try_from(json.len() << 1)
            && let Some(clock) = self.clock_word
            && let Some(word) = self.out.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut)
        {
            *word = (clock | tag << (8 * self.clock_length)).to_le_bytes();
            self.at += self.clock_length + 1;
        } else {
            self.put_long_head(json.len() << 1);
        }
        self.put(json);
    }

    #[cold]
    fn put_long_head(&mut self, tag: usize) {
        let (clock, length) = (self.clock, self.clock_length);
        self.put(clock.get(..length).unwrap_or_default());
        self.put_number(tag);
    }

    /// Writes the length of a name, and the name.
    pub(super) fn put_name(&mut self, name: &[u8]) {
        self.put_number(name.len());
        self.put(name);
    }

    fn put_number(&mut self, number: usize) {
        let (bytes, length) = number_bytes(u64::try_from(number).unwrap_or(u64::MAX));
        self.put(bytes.get(..length).unwrap_or_default());
    }
}

/// Copies to as many bytes.
#[inline]
pub(super) fn copy(from: &[u8], to: &mut [u8]) {
    match from.len() {
        0 => {}
        length @ 1..4 => {
            copy_ends::<1>(from, to);
            if let (Some(from), Some(to)) = (from.get(length / 2), to.get_mut(length / 2)) {
                *to = *from;
            }
        }
        4..8 => copy_ends::<4>(from, to),
        8..=16 => copy_ends::<8>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// Copies so many first bytes and as many last ones.
#[inline]
fn copy_ends<const N: usize>(from: &[u8], to: &mut [u8]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
        *to = *from;
    }
    if let (Some(from), Some(to)) = (from.last_chunk::<N>(), to.last_chunk_mut::<N>()) {
        *to = *from;
    }
}
