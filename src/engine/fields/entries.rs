//! How fields stand in one run of bytes.
//!
//! ```text
//! entry := name-length name clock tag bytes?
//! tag   := length << 1           the value's JSON text follows
//!        | index << 1 | 1        the value is detached
//! ```
//!
//! with every number a LEB128 varint.

use std::ops::Range;

use super::super::Clock;

/// What the shortest entry takes: a number each for the lengths of name and value and for the clock, and one digit.
pub(super) const LEAST_ENTRY_BYTES: usize = 4;

/// What an entry takes beside name and value, at most.
pub(super) const MOST_HEAD_BYTES: usize = 30;

/// One field.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a [u8],
    pub(super) clock: Clock,
    pub(super) stored: Stored<'a>,
}

/// Where its value is.
#[derive(Clone, Copy)]
pub(super) enum Stored<'a> {
    Packed(&'a [u8]),
    Detached(usize),
}

impl Entry<'_> {
    /// Where the clock of a detached value stands, for an entry that ends there.
    pub(super) fn clock_at(&self, end: usize) -> Option<Range<usize>> {
        let Stored::Detached(index) = self.stored else { return None };
        let end = end.checked_sub(number_bytes(detached_tag(index)).1)?;
        Some(end.checked_sub(number_bytes(self.clock).1)?..end)
    }

    /// Appends the entry.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // Once for all, not byte by byte.
        let json = if let Stored::Packed(json) = self.stored { json.len() } else { 0 };
        out.reserve(self.name.len() + json + MOST_HEAD_BYTES);
        push_number(length(self.name), out);
        out.extend_from_slice(self.name);
        push_number(self.clock, out);
        match self.stored {
            Stored::Packed(json) => {
                push_number(tag(json), out);
                out.extend_from_slice(json);
            }
            Stored::Detached(index) => {
                push_number(detached_tag(index), out);
            }
        }
    }
}

/// The tag of a value that follows it.
#[inline]
pub(super) fn tag(json: &[u8]) -> u64 {
    length(json) << 1
}

fn detached_tag(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX) << 1 | 1
}

/// Appends a number.
#[inline]
pub(in crate::engine) fn push_number(mut number: u64, out: &mut Vec<u8>) {
    if let Ok(byte @ ..0x80) = u8::try_from(number) {
        return out.push(byte);
    }
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

/// The bytes of a number, and how many they are.
pub(super) fn number_bytes(mut number: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    for byte in &mut bytes {
        length += 1;
        *byte = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, length)
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Reads entries one after the other.
#[derive(Default)]
pub(super) struct Entries<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let length = self.number()?;
        let name = self.bytes(length)?;
        let clock = self.number()?;
        let tag = self.number()?;
        let stored = if tag & 1 == 1 {
            Stored::Detached(usize::try_from(tag >> 1).ok()?)
        } else {
            Stored::Packed(self.bytes(tag >> 1)?)
        };
        Some(Entry { name, clock, stored })
    }
}

impl<'a> Entries<'a> {
    /// The next entry, and the bytes that it is.
    pub(super) fn next_with_bytes(&mut self) -> Option<(Entry<'a>, &'a [u8])> {
        let before = self.rest;
        let entry = self.next()?;
        let (bytes, _) = before.split_at_checked(before.len() - self.rest.len())?;
        Some((entry, bytes))
    }

    /// The next field, which is not detached: its name, how many bytes there are from its clock on, and its value.
    #[inline]
    pub(super) fn next_packed(&mut self) -> Option<(&'a [u8], usize, &'a [u8])> {
        let length = self.number()?;
        let name = self.bytes(length)?;
        let unread = self.rest.len();
        Some((name, unread, self.value()?))
    }

    /// The value behind the next clock, which is not detached.
    #[inline]
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        let last_of_clock = self.rest.iter().position(|byte| *byte < 0x80)?;
        self.rest = self.rest.get(last_of_clock + 1..)?;
        let length = self.number()? >> 1;
        self.bytes(length)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.rest.split_first()? {
            (byte @ ..0x80, rest) => {
                self.rest = rest;
                Some(u64::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    #[inline]
    pub(super) fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(bytes)
    }
}
