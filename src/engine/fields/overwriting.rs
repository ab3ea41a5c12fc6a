//! The usual write: values as long as those before, in the order in which they stand. They are written over them, and
//! no entry is made anew.

use super::{
    super::{Clock, patch::Field},
    entries::{Entries, number_bytes},
    packed::json_of,
};

/// Where a field's clock and its value stand in the entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    clock: usize,
    value: usize,
}

/// Finds the places of all fields of an update. False where one of them cannot be written over, which changes nothing.
pub(super) fn find_places(
    entries: &[u8],
    update: &[Field<'_>],
    clock: Clock,
    places: &mut Vec<Place>,
) -> bool {
    places.clear();
    let mut rest = Entries { rest: entries };
    update.iter().all(|field| {
        let place = find_place(&mut rest, field, clock);
        places.extend(place.map(|place| place.behind(entries.len())));
        place.is_some()
    })
}

/// Writes an update to its places.
pub(super) fn write(entries: &mut [u8], update: &[Field<'_>], clock: Clock, places: &[Place]) {
    let mut buffer = [0; 10];
    let clock = number_bytes(clock, &mut buffer);
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(target) = entries.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            target.copy_from_slice(bytes);
        }
    };
    for (place, field) in places.iter().zip(update) {
        put(place.clock, clock);
        put(place.value, json_of(field).unwrap_or_default());
    }
}

impl Place {
    /// From distances to the end to distances from the start.
    fn behind(self, length: usize) -> Self {
        Self { clock: length - self.clock, value: length - self.value }
    }
}

/// Goes on to the entry of a field, and gives how far from the end its parts begin.
fn find_place(rest: &mut Entries<'_>, field: &Field<'_>, clock: Clock) -> Option<Place> {
    let json = json_of(field)?;
    loop {
        let length = rest.number()?;
        let name = rest.bytes(length)?;
        let before_clock = rest.rest.len();
        rest.number()?;
        let clock_length = before_clock - rest.rest.len();
        // Only packed fields without detached values are written over.
        let length = rest.number()? >> 1;
        let before_value = rest.rest.len();
        let value = rest.bytes(length)?;
        if name == field.name {
            let fits = clock_length == number_bytes(clock, &mut [0; 10]).len()
                && value.len() == json.len()
                && !is_list(value)
                && !is_list(json);
            return fits.then_some(Place { clock: before_clock, value: before_value });
        }
    }
}

/// The size of a list depends on what is in it, that of anything else on its length.
fn is_list(json: &[u8]) -> bool {
    json.first() == Some(&b'[')
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::{
        super::{super::patch::Value, Content, Fields, Scratch},
        *,
    };

    const NAMES: [&[u8]; 4] = [b"_exists", b"x", b"label", b"list"];

    fn update(values: &[Option<String>]) -> Vec<Field<'_>> {
        let written = NAMES.into_iter().zip(values).filter_map(|(name, json)| {
            Some(Field { name, value: Value::Json(json.as_ref()?.as_bytes()) })
        });
        written.collect()
    }

    proptest! {
        #[test]
        fn mg1_what_is_written_over_is_what_would_be_made_anew(
            writes in vec((vec(option::of("[0-9]{2}|\\[[0-9],[0-9]\\]|\"[a-z]{0,2}\""), 4), 0_u64..300), 1..12)
        ) {
            let (mut fields, mut scratch) = (Fields::default(), Scratch::default());
            let mut expected: Vec<(&[u8], Clock, String)> = Vec::new();
            let mut before = Vec::new();

            for (values, clock) in &writes {
                for (name, json) in NAMES.into_iter().zip(values) {
                    let Some(json) = json else { continue };
                    match expected.iter_mut().find(|(known, ..)| *known == name) {
                        Some(entry) => (entry.1, entry.2) = (*clock, json.clone()),
                        None => expected.push((name, *clock, json.clone())),
                    }
                }
                let size = fields.size();
                let (replaced, growth) = fields.replace(&update(values), *clock, true, &mut scratch);
                prop_assert_eq!(fields.size() + growth.removed, size + growth.added);
                before.push((replaced, size));
            }

            let found = fields.iter().map(|(name, clock, content)| {
                let Content::Json(json) = content else { return (name, clock, String::new()) };
                (name, clock, String::from_utf8_lossy(json).into_owned())
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), expected);
            for (replaced, size) in before.into_iter().rev() {
                fields.take_back(replaced);
                prop_assert_eq!(fields.size(), size);
            }
            prop_assert_eq!(fields.count(), 0);
        }
    }
}
