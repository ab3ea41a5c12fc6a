//! The usual write: to fields that are there, in the order in which they stand. All but their clocks and values is copied
//! as it stands.

use super::{
    super::{
        Clock,
        patch::Field,
        quota::{Growth, json_size},
    },
    entries::{Entries, number_bytes, push_packed},
    packed::small_json,
};

/// Appends entries, of which none is detached, as an update leaves them. None where that is no usual one: then what was
/// appended counts for nothing.
pub(super) fn rewrite(
    entries: &[u8],
    update: &[Field<'_>],
    clock: Clock,
    out: &mut Vec<u8>,
) -> Option<Growth> {
    let mut growth = Growth::default();
    let mut buffer = [0; 10];
    let clock = number_bytes(clock, &mut buffer);
    let (mut kept, mut rest) = (entries, Entries { rest: entries });
    for field in update {
        let json = small_json(field)?;
        let (unread, before) = loop {
            let (name, unread, value) = rest.next_packed()?;
            if name == field.name {
                break (unread, value);
            }
        };
        out.extend_from_slice(kept.get(..kept.len() - unread)?);
        out.extend_from_slice(clock);
        push_packed(json, out);
        kept = rest.rest;
        growth.removed += json_size(before);
        growth.added += json_size(json);
    }
    out.extend_from_slice(kept);
    Some(growth)
}
