//! Whether a name occurs twice in an object.

/// From this many names on an object's are compared by sorting.
const COMPARE_SORTED: usize = 12;

/// Up to so many one that may have come before is compared with each.
const MOST_COMPARED: usize = 64;

/// The names of one object as they come. Most are told apart by a few bits.
#[derive(Debug, Default)]
pub struct Names {
    seen: [u64; 8],
    /// Whether there were too many names to compare one with each.
    unsure: bool,
}

impl Names {
    /// True when `name` is one of those that came `earlier`. Of large objects only [`Self::repeat`] tells.
    #[inline]
    pub fn repeats<'t>(
        &mut self,
        name: &[u8],
        mut earlier: impl ExactSizeIterator<Item = &'t [u8]>,
    ) -> bool {
        if self.note(name) {
            return false;
        }
        if earlier.len() > MOST_COMPARED {
            self.unsure = true;
            return false;
        }
        earlier.any(|other| other == name)
    }

    /// Takes note of a name that is known to be none of those that came earlier.
    pub fn note_other(&mut self, name: &[u8]) {
        self.note(name);
    }

    /// Notes the bits of a name. True when no other had the same.
    #[inline]
    fn note(&mut self, name: &[u8]) -> bool {
        let mark = fingerprint(name);
        let word = usize::try_from(mark >> 61).unwrap_or_default();
        let bit = 1 << (mark >> 55 & 63);
        self.seen.get_mut(word).is_some_and(|word| {
            let before = *word;
            *word |= bit;
            before & bit == 0
        })
    }

    /// Whether one of `all` names, at the end of the object, occurs twice.
    pub fn repeat<'t>(&self, all: impl Iterator<Item = &'t [u8]>) -> bool {
        self.unsure && has_duplicates(&all.collect::<Vec<_>>())
    }
}

/// Bits that differ for most pairs of names, the highest ones first: of short ones three bytes count, of others the first eight and eight
/// from the middle, where keys made of one and the same parts differ.
#[inline]
fn fingerprint(name: &[u8]) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let middle = name.len() / 2;
    let byte = |at: usize| name.get(at).copied().map_or(0, u64::from);
    let from = middle.saturating_sub(4);
    let word = |chunk: &[u8; 8]| u64::from_le_bytes(*chunk);
    let core = match (name.first_chunk(), name.get(from..).and_then(<[u8]>::first_chunk)) {
        (Some(first), Some(core)) => word(first).rotate_left(29) ^ word(core),
        _ => byte(middle) << 8 | byte(0) << 16 | byte(name.len().saturating_sub(1)) << 24,
    };
    (core ^ u64::try_from(name.len()).unwrap_or_default() << 7).wrapping_mul(SPREAD)
}

/// True when a name occurs twice. Names that differ only in how they are escaped are not seen as equal, but then one of
/// them is not canonical anyway.
pub(super) fn has_duplicates(names: &[&[u8]]) -> bool {
    if names.len() < COMPARE_SORTED {
        return names
            .iter()
            .enumerate()
            .any(|(index, name)| names.iter().skip(index + 1).any(|other| other == name));
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds_repeat(names: &[&[u8]]) -> bool {
        let mut seen = Names::default();
        let repeats = names
            .iter()
            .enumerate()
            .any(|(index, name)| seen.repeats(name, names.iter().copied().take(index)));
        repeats || seen.repeat(names.iter().copied())
    }

    proptest! {
        #[test]
        fn cv4_names_that_occur_twice_are_found(
            names in prop_oneof![
                prop::collection::vec("[ab]{0,3}", 0..6),
                prop::collection::vec("[a-z]{0,9}", 0..40),
                prop::collection::vec("[0-9]{2,3}", 0..400),
            ],
        ) {
            let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            prop_assert_eq!(finds_repeat(&names), has_duplicates(&names));
        }
    }

    #[test]
    fn names_of_a_canvas_are_told_apart_by_their_bits() {
        let names = "_exists x y width height rotation fill stroke label color text locked opacity name type index \
                     parentId points fontSize src w h z scale radius";
        let names: Vec<&str> = names.split_whitespace().collect();
        let mut marks: Vec<u64> =
            names.iter().map(|name| fingerprint(name.as_bytes()) >> 55).collect();
        marks.sort_unstable();
        marks.dedup();

        assert_eq!(marks.len(), names.len());
    }
}
