//! The usual write: small values into fields of which none is detached. Clocks and values are written over where the new ones are as
//! long and nobody may want the old ones back; else the entries are copied, but for those.

use super::{
    super::{
        Clock,
        patch::{Field, Value, is_same_name},
        quota::{FIELD_BYTES, Growth, is_array, json_size},
    },
    entries::{Entries, MOST_HEAD_BYTES, number_bytes},
    packed::{KEEP_BYTES, small_json},
    writer::{Writer, copy},
};

/// Fewer fields are found in whatever order they come; more only in the order in which they stand.
const FEW: usize = 16;

/// One for each of few fields.
const BITS: [u16; FEW] = [
    1,
    1 << 1,
    1 << 2,
    1 << 3,
    1 << 4,
    1 << 5,
    1 << 6,
    1 << 7,
    1 << 8,
    1 << 9,
    1 << 10,
    1 << 11,
    1 << 12,
    1 << 13,
    1 << 14,
    1 << 15,
];

/// So many entries are guessed.
const GUESSED: usize = 32;

/// The guess that an entry is none of the update's fields.
const NONE: u8 = u8::MAX;

/// Writes entries anew. What that takes is kept for the next write, to whichever component.
pub(super) struct Rewriting {
    /// For each number of fields that an update may have, which of them each entry was the last time: clients write the same fields of
    /// one component after the other.
    guesses: [[u8; GUESSED]; FEW + 1],
    /// Not cleared between two writes.
    text: Vec<u8>,
}

/// What is written.
#[derive(Clone, Copy)]
struct Write<'u, 'f> {
    update: &'u [Field<'f>],
    clock: Clock,
}

/// How far entries were written over.
struct Progress {
    entries: usize,
    bytes: usize,
    /// The fields that were not met.
    missing: usize,
}

impl Progress {
    fn none(update: &[Field<'_>]) -> Self {
        Self { entries: 0, bytes: 0, missing: update.len() }
    }
}

impl Rewriting {
    pub(super) const fn new() -> Self {
        Self { guesses: [[NONE; GUESSED]; FEW + 1], text: Vec::new() }
    }

    /// Writes entries, of which none is detached, as an update leaves them. Gives what they were, if anybody may want it back, and
    /// by how much they grew; none where the update is no usual one.
    pub(super) fn write(
        &mut self,
        entries: &mut Box<[u8]>,
        update: &[Field<'_>],
        clock: Clock,
        undoable: bool,
    ) -> Option<(Box<[u8]>, Growth)> {
        let write = Write { update, clock };
        let mut nothing = [NONE; GUESSED];
        let guesses = self.guesses.get_mut(update.len()).unwrap_or(&mut nothing);
        let mut done = Progress::none(update);
        if !undoable {
            done = write.overwrite(entries, guesses);
            if done.missing == 0 {
                return Some((Box::default(), Growth::default()));
            }
        }
        let mut writer = Writer::new(&mut self.text, write.most_bytes(entries)?, clock);
        let growth = if let Some(growth) = write.copy_guessed(entries, guesses, &done, &mut writer)
        {
            growth
        } else {
            writer.restart();
            write.copy(entries, guesses, &mut writer)?
        };
        let length = writer.length();
        let next = self.text.get(..length)?;
        let old = if !undoable && length == entries.len() {
            entries.copy_from_slice(next);
            Box::default()
        } else {
            std::mem::replace(entries, next.into())
        };
        if self.text.len() > KEEP_BYTES {
            self.text = Vec::new();
        }
        Some((old, growth))
    }
}

impl Write<'_, '_> {
    /// What the entries take at most; none where the update is no usual one.
    fn most_bytes(&self, entries: &[u8]) -> Option<usize> {
        self.update.iter().try_fold(entries.len(), |sum, field| {
            Some(sum + field.name.len() + small_json(field)?.len() + MOST_HEAD_BYTES)
        })
    }

    /// Writes over entries, up to the first whose field is not where it was the last time, or whose value or clock is not as long as
    /// before. Whatever writes the update afterwards comes to the same.
    fn overwrite(&self, entries: &mut [u8], guesses: &[u8; GUESSED]) -> Progress {
        let (clock, clock_length) = number_bytes(self.clock);
        let clock = clock.get(..clock_length).unwrap_or_default();
        let bytes = entries.len();
        let mut done = Progress::none(self.update);
        let mut rest = entries;
        for guess in guesses {
            if done.missing == 0 {
                break;
            }
            let Some((name, old_clock, value, behind)) = split_entry(rest) else { break };
            if *guess != NONE {
                let Some(field) = self.update.get(usize::from(*guess)) else { break };
                let Value::Json(json) = field.value else { break };
                let fits = json.len() == value.len() && clock.len() == old_clock.len();
                if !fits || !is_same_name(field.name, name) || is_array(value) || is_array(json) {
                    break;
                }
                copy(clock, old_clock);
                copy(json, value);
                done.missing -= 1;
            }
            done.entries += 1;
            done.bytes = bytes - behind.len();
            rest = behind;
        }
        done
    }

    /// Copies entries that were written over so far, where each field is where it was the last time.
    fn copy_guessed(
        &self,
        entries: &[u8],
        guesses: &[u8; GUESSED],
        done: &Progress,
        writer: &mut Writer<'_>,
    ) -> Option<Growth> {
        let mut copying = Copying { kept: entries, writer, growth: Growth::default() };
        let mut rest = Entries { rest: entries.get(done.bytes..)? };
        let mut missing = done.missing;
        for guess in guesses.get(done.entries..)? {
            if missing == 0 {
                break;
            }
            let (name, unread, before) = rest.next_packed()?;
            if *guess == NONE {
                continue;
            }
            let field = self.update.get(usize::from(*guess))?;
            if !is_same_name(field.name, name) {
                return None;
            }
            copying.replace(unread, before, field)?;
            copying.kept = rest.rest;
            missing -= 1;
        }
        (missing == 0).then(|| copying.finish())
    }

    /// Copies entries, wherever the fields are, and guesses that they will be there the next time.
    fn copy(
        &self,
        entries: &[u8],
        guesses: &mut [u8; GUESSED],
        writer: &mut Writer<'_>,
    ) -> Option<Growth> {
        *guesses = [NONE; GUESSED];
        let mut guesses = guesses.iter_mut();
        let mut copying =
            Copying { kept: entries, writer: &mut *writer, growth: Growth::default() };
        let mut rest = Entries { rest: entries };
        let mut sought = Sought { update: self.update, found: 0, likely: 0 };
        while let Some((name, unread, before)) = rest.next_packed() {
            let guess = guesses.next();
            let Some((at, field)) = sought.find(name) else { continue };
            if let Some(guess) = guess {
                *guess = u8::try_from(at).unwrap_or(NONE);
            }
            copying.replace(unread, before, field)?;
            copying.kept = rest.rest;
        }
        let mut growth = copying.finish();
        for field in sought.rest()? {
            let json = small_json(field)?;
            writer.put_name(field.name);
            writer.put_value(json);
            growth.added += field.name.len() + json_size(json) + FIELD_BYTES;
        }
        Some(growth)
    }
}

/// Copies entries, but for the clocks and values that are replaced.
struct Copying<'e, 'w, 'o> {
    /// What is to be copied up to the next of them.
    kept: &'e [u8],
    writer: &'w mut Writer<'o>,
    growth: Growth,
}

impl Copying<'_, '_, '_> {
    /// Replaces the value of an entry, from whose clock on so many bytes are not read.
    #[inline]
    fn replace(&mut self, unread: usize, before: &[u8], field: &Field<'_>) -> Option<()> {
        let json = small_json(field)?;
        self.writer.put(self.kept.get(..self.kept.len() - unread)?);
        self.writer.put_value(json);
        self.growth.removed += json_size(before);
        self.growth.added += json_size(json);
        Some(())
    }

    fn finish(self) -> Growth {
        self.writer.put(self.kept);
        self.growth
    }
}

type EntryParts<'e> = (&'e [u8], &'e mut [u8], &'e mut [u8], &'e mut [u8]);

/// The name, the clock and the value of an entry that has short ones, and the entries behind it.
#[inline]
fn split_entry(entries: &mut [u8]) -> Option<EntryParts<'_>> {
    let (name, behind) = split_short(entries, 0)?;
    let clock = behind.iter().position(|byte| *byte < 0x80)? + 1;
    let (clock, behind) = behind.split_at_mut_checked(clock)?;
    let (value, behind) = split_short(behind, 1)?;
    Some((name, clock, value, behind))
}

/// Splits off the bytes behind their number, which was shifted by so much and is a single byte.
#[inline]
fn split_short(bytes: &mut [u8], shift: u32) -> Option<(&mut [u8], &mut [u8])> {
    let (number @ ..0x80, behind) = bytes.split_first_mut()? else { return None };
    behind.split_at_mut_checked(usize::from(*number >> shift))
}

/// The fields of an update, and which of them were found.
struct Sought<'u, 'f> {
    update: &'u [Field<'f>],
    /// A bit for each.
    found: u16,
    /// Where the next one is likely to be: clients write their fields in one order.
    likely: usize,
}

impl<'u, 'f> Sought<'u, 'f> {
    #[inline]
    fn find(&mut self, name: &[u8]) -> Option<(usize, &'u Field<'f>)> {
        if let Some(field) = self.update.get(self.likely)
            && is_same_name(field.name, name)
        {
            return Some((self.note(self.likely), field));
        }
        if self.update.len() > FEW {
            return None;
        }
        let at = self.update.iter().position(|field| is_same_name(field.name, name))?;
        Some((self.note(at), self.update.get(at)?))
    }

    #[inline]
    fn note(&mut self, at: usize) -> usize {
        self.found |= BITS.get(at).copied().unwrap_or_default();
        self.likely = at + 1;
        at
    }

    /// Those that were not found; none where that is not known.
    fn rest(&self) -> Option<impl Iterator<Item = &'u Field<'f>>> {
        let (update, found) = (self.update, self.found);
        let is_known = update.len() <= FEW || self.likely == update.len();
        let is_new = move |at: &usize| {
            BITS.get(*at).is_some_and(|bit| update.len() <= FEW && found & bit == 0)
        };
        is_known.then(|| (0..update.len()).filter(is_new).filter_map(|at| update.get(at)))
    }
}
