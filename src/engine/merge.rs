//! The part of a merge that can fail: does every delta find an array of numbers to change?

use std::collections::BTreeMap;

use super::{
    buffer::count_numbers,
    fields::Fields,
    patch::{Patches, Refusal, RefusalCode, Update, Value},
};

/// Refuses patches with a delta whose base is no array of numbers (MG9), and gives by how many numbers the deltas make
/// arrays grow.
///
/// `alive` gives the fields of a component that is alive. Patches apply in order (MG10), so what earlier ones of the
/// same frame would have left is simulated; a delta that would not be stored (MG3) needs no base.
#[inline]
pub(super) fn check_deltas<'a>(
    patches: &Patches<'_>,
    alive: impl Fn(&[u8]) -> Option<&'a Fields>,
) -> Result<usize, Refusal> {
    if patches.has_deltas { simulate(patches, alive) } else { Ok(0) }
}

#[inline(never)]
fn simulate<'a>(
    patches: &Patches<'_>,
    alive: impl Fn(&[u8]) -> Option<&'a Fields>,
) -> Result<usize, Refusal> {
    if let [update] = patches.updates.as_slice() {
        return Draft::of(alive(update.key)).take(update, patches, true);
    }
    let mut drafts: BTreeMap<&[u8], Draft<'_, 'a>> = BTreeMap::new();
    let mut growth = 0_usize;
    for update in &patches.updates {
        let draft = drafts.entry(update.key).or_insert_with(|| Draft::of(alive(update.key)));
        growth = growth.saturating_add(draft.take(update, patches, false)?);
    }
    Ok(growth)
}

/// Refuses a frame whose deltas make arrays grow by more than its share (LM6). `patches` is any list of the frame's.
pub(super) fn check_growth(growth: usize, patches: &Patches<'_>) -> Result<(), Refusal> {
    if growth > patches.growth {
        let message = format!(
            "deltas that add {growth} numbers are over the frame's limit of {}",
            patches.growth
        );
        return Err(Refusal::new(RefusalCode::BufferTooLarge, message));
    }
    Ok(())
}

/// What a component will be once the updates seen so far are applied.
struct Draft<'u, 'a> {
    alive: bool,
    stored: Option<&'a Fields>,
    /// The fields written so far: the length of the array of numbers there, if it is one.
    written: BTreeMap<&'u [u8], Option<usize>>,
}

impl<'u, 'a> Draft<'u, 'a> {
    fn of(stored: Option<&'a Fields>) -> Self {
        Self { alive: stored.is_some(), stored, written: BTreeMap::new() }
    }

    /// Takes one update and returns by how many numbers its deltas make arrays grow. After the last nobody asks what it wrote.
    fn take(
        &mut self,
        update: &Update<'u>,
        patches: &'u Patches<'u>,
        is_last: bool,
    ) -> Result<usize, Refusal> {
        if update.existence == Some(false) {
            *self = Self::of(None);
            return Ok(0);
        }
        self.alive |= update.existence == Some(true);
        let mut growth = 0_usize;
        for field in patches.fields_of(update) {
            let length = match &field.value {
                Value::Json(_) if is_last => None,
                Value::Json(json) => count_numbers(json),
                Value::Delta(_, delta) => {
                    let base = if self.alive { self.base(field.name) } else { Some(0) };
                    let base = base.ok_or_else(|| no_base(update.key, field.name))?;
                    growth = growth.saturating_add(delta.len.saturating_sub(base));
                    Some(delta.len)
                }
            };
            if self.alive && !is_last {
                self.written.insert(field.name, length);
            }
        }
        Ok(growth)
    }

    /// The length of the array that a delta would change; none when it is no array.
    fn base(&mut self, name: &[u8]) -> Option<usize> {
        match self.written.get(name) {
            Some(length) => *length,
            None => self.stored.map_or(Some(0), |fields| fields.base(name)),
        }
    }
}

fn no_base(key: &[u8], name: &[u8]) -> Refusal {
    let (key, name) = (String::from_utf8_lossy(key), String::from_utf8_lossy(name));
    let message = format!(
        "field \"{name}\" of \"{key}\" is no array of numbers that a buffer delta could change"
    );
    Refusal::new(RefusalCode::BadDelta, message)
}
