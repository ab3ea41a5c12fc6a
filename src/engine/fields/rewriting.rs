//! The usual write: small values into fields of which none is detached. All but their clocks and values is copied as it stands.

use super::{
    super::{
        Clock,
        patch::{Field, is_same_name},
        quota::{FIELD_BYTES, Growth, json_size},
    },
    entries::{Entries, MOST_HEAD_BYTES},
    packed::small_json,
    writer::Writer,
};

/// Fewer fields are found in whatever order they come, by looking at each; more only in the order in which they stand.
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

/// Writes entries, of which none is detached, as an update leaves them, to the start of `out`. Gives how long they are, and by how
/// much they grew; none where the update is no usual one.
pub(super) fn rewrite(
    entries: &[u8],
    update: &[Field<'_>],
    clock: Clock,
    out: &mut Vec<u8>,
) -> Option<(usize, Growth)> {
    let written = update
        .iter()
        .map(|field| small_json(field).map(|json| field.name.len() + json.len() + MOST_HEAD_BYTES));
    let most = written.sum::<Option<usize>>()? + entries.len();
    let mut writer = Writer::new(out, most, clock);
    let mut growth = Growth::default();
    let (mut kept, mut rest) = (entries, Entries { rest: entries });
    let mut sought = Sought { update, found: 0, likely: 0 };
    while let Some((name, unread, before)) = rest.next_packed() {
        let Some(field) = sought.find(name) else { continue };
        let json = small_json(field)?;
        writer.put(kept.get(..kept.len() - unread)?);
        writer.put_value(json);
        kept = rest.rest;
        growth.removed += json_size(before);
        growth.added += json_size(json);
    }
    writer.put(kept);
    for field in sought.rest()? {
        let json = small_json(field)?;
        writer.put_name(field.name);
        writer.put_value(json);
        growth.added += field.name.len() + json_size(json) + FIELD_BYTES;
    }
    Some((writer.length(), growth))
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
    fn find(&mut self, name: &[u8]) -> Option<&'u Field<'f>> {
        if let Some(field) = self.update.get(self.likely)
            && is_same_name(field.name, name)
        {
            self.note(self.likely);
            return Some(field);
        }
        if self.update.len() > FEW {
            return None;
        }
        let at = self.update.iter().position(|field| is_same_name(field.name, name))?;
        self.note(at);
        self.update.get(at)
    }

    #[inline]
    fn note(&mut self, at: usize) {
        self.found |= BITS.get(at).copied().unwrap_or_default();
        self.likely = at + 1;
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
