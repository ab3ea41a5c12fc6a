//! The usual write: small values into fields of which none is detached. Where each field is where it was the last time they are
//! written over ([`overwriting`](super::overwriting)); else the entries are copied, but for clocks and values that are replaced.

use super::{
    super::{
        Clock,
        patch::{Field, is_same_name},
        quota::{FIELD_BYTES, Growth, json_size},
    },
    entries::{Entries, MOST_HEAD_BYTES},
    overwriting::{Misfit, overwrite, splice},
    packed::{KEEP_BYTES, small_json},
    writer::Writer,
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

/// So many entries are guessed, at most.
const GUESSED: usize = 32;

/// The guess that an entry is none of the update's fields.
pub(super) const NONE: u8 = u8::MAX;

/// Which field of an update each entry was the last time.
#[derive(Clone, Copy)]
struct Guesses {
    fields: [u8; GUESSED],
    /// So many entries have all of the fields among them; 0 where some were new.
    entries: usize,
}

impl Guesses {
    const NONE: Self = Self { fields: [NONE; GUESSED], entries: 0 };

    fn known(&self) -> Option<&[u8]> {
        self.fields.get(..self.entries).filter(|known| !known.is_empty())
    }
}

/// Writes entries anew. What that takes is kept for the next write, to whichever component.
pub(super) struct Rewriting {
    /// For each number of fields that an update may have: clients write the same fields of one component after the other.
    guesses: [Guesses; FEW + 1],
    misfits: Vec<Misfit>,
    /// Not cleared between two writes.
    text: Vec<u8>,
}

impl Rewriting {
    pub(super) const fn new() -> Self {
        Self { guesses: [Guesses::NONE; FEW + 1], misfits: Vec::new(), text: Vec::new() }
    }

    /// Writes entries, of which none is detached, as an update leaves them. Gives by how much they grew; none, and nothing that another
    /// write would not do as well, where the update is no usual one.
    pub(super) fn write(
        &mut self,
        entries: &mut Box<[u8]>,
        update: &[Field<'_>],
        clock: Clock,
    ) -> Option<Growth> {
        self.misfits.clear();
        if let Some(guesses) = self.guesses.get(update.len()).and_then(Guesses::known)
            && overwrite(entries, update, clock, guesses, &mut self.misfits)
        {
            if self.misfits.is_empty() {
                return Some(Growth::default());
            }
            return splice(entries, update, clock, &self.misfits);
        }
        self.copy(entries, update, clock)
    }

    /// Writes all entries anew.
    #[inline(never)]
    fn copy(
        &mut self,
        entries: &mut Box<[u8]>,
        update: &[Field<'_>],
        clock: Clock,
    ) -> Option<Growth> {
        let mut nothing = Guesses::NONE;
        let guesses = self.guesses.get_mut(update.len()).unwrap_or(&mut nothing);
        let mut writer = Writer::new(&mut self.text, most_bytes(entries, update)?, clock);
        let growth = copy(entries, update, guesses, &mut writer)?;
        let length = writer.length();
        let next = self.text.get(..length)?;
        if length == entries.len() {
            entries.copy_from_slice(next);
        } else {
            *entries = next.into();
        }
        if self.text.len() > KEEP_BYTES {
            self.text = Vec::new();
        }
        Some(growth)
    }
}

/// What entries take at most; none where the update is no usual one.
fn most_bytes(entries: &[u8], update: &[Field<'_>]) -> Option<usize> {
    update.iter().try_fold(entries.len(), |sum, field| {
        Some(sum + field.name.len() + small_json(field)?.len() + MOST_HEAD_BYTES)
    })
}

/// Copies entries, wherever the fields are, and guesses that they will be there the next time.
fn copy(
    entries: &[u8],
    update: &[Field<'_>],
    guesses: &mut Guesses,
    writer: &mut Writer<'_>,
) -> Option<Growth> {
    *guesses = Guesses::NONE;
    let (mut position, mut last, mut missing) = (0, 0, update.len());
    let mut copying = Copying { kept: entries, writer: &mut *writer, growth: Growth::default() };
    let mut rest = Entries { rest: entries };
    let mut sought = Sought { update, found: 0, likely: 0 };
    while let Some((name, unread, before)) = rest.next_packed() {
        position += 1;
        let Some((at, field)) = sought.find(name) else { continue };
        if let Some(guess) = guesses.fields.get_mut(position - 1) {
            *guess = u8::try_from(at).unwrap_or(NONE);
        }
        last = position;
        missing -= 1;
        copying.replace(unread, before, field)?;
        copying.kept = rest.rest;
    }
    if missing == 0 && last <= GUESSED {
        guesses.entries = last;
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
