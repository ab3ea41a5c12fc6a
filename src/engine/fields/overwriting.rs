//! Writing over clocks and values where they stand, where each field is where it was the last time.

use super::{
    super::{
        Clock,
        patch::{Field, Value, is_same_name},
        quota::{Growth, array_size, is_array, json_size},
    },
    entries::{Entries, number_bytes, push_number, tag},
    packed::small_json,
    rewriting::NONE,
    writer::copy,
};

/// Of a clock and a tag, at most, in one word.
const WORD_BYTES: usize = size_of::<u64>();

/// Up to this length names and values are compared and copied without a call.
const SHORT: usize = 16;

/// From here on a tag takes more than one byte.
const LONG_TAG: u64 = 0x80;

/// The bits that tell of each byte of a number whether another one follows.
const CONTINUED: u64 = 0x8080_8080_8080_8080;

/// A clock or a value of another length than before, or an array, whose size may be another: it is not written over.
pub(super) struct Misfit {
    /// Where the clock begins.
    at: usize,
    /// Where the value ends.
    end: usize,
    /// Which of the update's fields it becomes.
    field: usize,
}

/// Writes over the first entries, of each of which is guessed which of the update's fields it is, if any, as far as the new clocks and
/// values are as long as the old ones; takes down the others. False where an entry is not the field that was guessed: whatever writes
/// the update afterwards comes to the same.
#[inline(never)]
pub(super) fn overwrite(
    entries: &mut [u8],
    update: &[Field<'_>],
    clock: Clock,
    guesses: &[u8],
    misfits: &mut Vec<Misfit>,
) -> bool {
    let Some(head) = Head::new(clock) else { return false };
    let bytes = entries.len();
    let mut rest = entries;
    for guess in guesses {
        let Some((name, behind)) = split_name(rest) else { return false };
        if *guess == NONE {
            let Some(behind) = skip_value(behind) else { return false };
            rest = behind;
            continue;
        }
        let Some(Field { name: wanted, value: Value::Json(json) }) =
            update.get(usize::from(*guess))
        else {
            return false;
        };
        if !is_name(wanted, name) {
            return false;
        }
        if head.fits(json, behind) {
            let Some(behind) = head.write(json, behind) else { return false };
            rest = behind;
        } else {
            let at = bytes - behind.len();
            let Some(behind) = skip_value(behind) else { return false };
            let misfit = Misfit { at, end: bytes - behind.len(), field: usize::from(*guess) };
            take_down(misfit, misfits);
            rest = behind;
        }
    }
    true
}

/// Whether two names are the same.
#[inline]
fn is_name(one: &[u8], other: &[u8]) -> bool {
    if one.len() <= SHORT { is_same_name(one, other) } else { is_long_name(one, other) }
}

// What few values need is not where the others pass: calls there cost them, too.

#[cold]
fn take_down(misfit: Misfit, misfits: &mut Vec<Misfit>) {
    misfits.push(misfit);
}

#[cold]
fn is_long_name(one: &[u8], other: &[u8]) -> bool {
    one == other
}

#[cold]
fn copy_long(from: &[u8], to: &mut [u8]) {
    to.copy_from_slice(from);
}

/// Writes the entries anew with the misfits among them. None where a value is too long to stand there.
#[inline(never)]
pub(super) fn splice(
    entries: &mut Box<[u8]>,
    update: &[Field<'_>],
    clock: Clock,
    misfits: &[Misfit],
) -> Option<Growth> {
    let (clock, clock_length) = number_bytes(clock);
    let clock = clock.get(..clock_length)?;
    let mut growth = Growth::default();
    let mut length = entries.len();
    for Misfit { at, end, field } in misfits {
        let json = small_json(update.get(*field)?)?;
        let before = Entries { rest: entries.get(*at..*end)? }.value()?;
        growth.removed += json_size(before);
        growth.added += json_size(json);
        length = length + clock_length + number_bytes(tag(json)).1 + json.len() - (end - at);
    }
    let mut next = Vec::with_capacity(length);
    let mut kept = 0;
    for Misfit { at, end, field } in misfits {
        let json = small_json(update.get(*field)?)?;
        next.extend_from_slice(entries.get(kept..*at)?);
        next.extend_from_slice(clock);
        push_number(tag(json), &mut next);
        next.extend_from_slice(json);
        kept = *end;
    }
    next.extend_from_slice(entries.get(kept..)?);
    *entries = next.into();
    Some(growth)
}

/// What stands between a name and its value, as one word: the clock, and a tag of one byte.
struct Head {
    clock: u64,
    clock_length: usize,
    /// The bits of the clock.
    clock_bits: u64,
    /// The bits that are the same in each clock that is as long, and those of the tag.
    fixed_bits: u64,
}

impl Head {
    /// None where the clock leaves no room for a tag.
    #[inline]
    fn new(clock: Clock) -> Option<Self> {
        let (mut bytes, mut rest, mut clock_length) = (0, clock, 1);
        while rest >= 0x80 {
            bytes |= (rest & 0x7f | 0x80) << (8 * (clock_length - 1));
            rest >>= 7;
            clock_length += 1;
            if clock_length == WORD_BYTES {
                return None;
            }
        }
        let clock = bytes | rest << (8 * (clock_length - 1));
        let clock_bits = (1 << (8 * clock_length)) - 1;
        let fixed_bits = clock_bits & CONTINUED | !clock_bits & clock_bits << 8;
        Some(Self { clock, clock_length, clock_bits, fixed_bits })
    }

    /// Whether this clock and a value can be written over those that stand here.
    #[inline]
    fn fits(&self, json: &[u8], entry: &[u8]) -> bool {
        let tag = tag(json);
        if tag >= LONG_TAG {
            return false;
        }
        let wanted = self.clock | tag << (8 * self.clock_length);
        // Only an array that is longer than an empty one is large may have another size than its length.
        (first_word(entry) ^ wanted) & self.fixed_bits == 0
            && (json.len() <= array_size(0)
                || !is_array(json) && entry.get(self.clock_length + 1) != Some(&b'['))
    }

    /// Writes a value that fits. Gives what stands behind it.
    #[inline]
    fn write<'e>(&self, json: &[u8], entry: &'e mut [u8]) -> Option<&'e mut [u8]> {
        match entry.first_chunk_mut() {
            Some(word) => {
                let tag = u64::from_le_bytes(*word) & !self.clock_bits;
                *word = (tag | self.clock).to_le_bytes();
            }
            None => self.write_at_end(entry),
        }
        let (_, behind) = entry.split_at_mut_checked(self.clock_length + 1)?;
        let (value, behind) = behind.split_at_mut_checked(json.len())?;
        if value.len() <= SHORT {
            copy(json, value);
        } else {
            copy_long(json, value);
        }
        Some(behind)
    }

    #[cold]
    #[inline(never)]
    fn write_at_end(&self, entry: &mut [u8]) {
        let clock = self.clock.to_le_bytes();
        if let (Some(from), Some(to)) =
            (clock.get(..self.clock_length), entry.get_mut(..self.clock_length))
        {
            copy(from, to);
        }
    }
}

/// The first bytes as a word, filled up with zeros.
#[inline]
fn first_word(bytes: &[u8]) -> u64 {
    if let Some(word) = bytes.first_chunk() {
        return u64::from_le_bytes(*word);
    }
    first_bytes(bytes)
}

#[cold]
fn first_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Splits off the name at the start, if its length is a single byte.
#[inline]
fn split_name(entry: &mut [u8]) -> Option<(&[u8], &mut [u8])> {
    let (length @ ..0x80, behind) = entry.split_first_mut()? else { return None };
    let (name, behind) = behind.split_at_mut_checked(usize::from(*length))?;
    Some((name, behind))
}

/// What stands behind the clock and the value at the start.
#[inline]
fn skip_value(entry: &mut [u8]) -> Option<&mut [u8]> {
    let tag_at = entry.iter().position(|byte| *byte < 0x80)? + 1;
    match *entry.get(tag_at)? {
        tag @ ..0x80 => entry.get_mut(tag_at + 1 + usize::from(tag >> 1)..),
        _ => skip_long_value(entry),
    }
}

#[cold]
fn skip_long_value(entry: &mut [u8]) -> Option<&mut [u8]> {
    let mut rest = Entries { rest: entry };
    rest.value()?;
    let at = entry.len() - rest.rest.len();
    entry.get_mut(at..)
}
