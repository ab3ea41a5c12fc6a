//! Arrays of numbers, and the deltas that change them in place.

/// A change to an array of numbers: its new length, and runs that overwrite a part of it (MG7).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// The length of the array afterwards.
    pub len: usize,
    /// Offset and count of each run; their numbers stand one run after the other in `numbers`.
    pub runs: Vec<(usize, usize)>,
    /// The numbers of all runs.
    pub numbers: Vec<f64>,
}

impl Delta {
    /// Cuts or zero-fills `array` to the new length and overwrites the runs; what lies past the end is dropped.
    pub fn apply(&self, array: &mut Vec<f64>) {
        array.resize(self.len, 0.0);
        let mut numbers = self.numbers.as_slice();
        for &(offset, count) in &self.runs {
            let (run, rest) = numbers.split_at_checked(count).unwrap_or((numbers, &[]));
            numbers = rest;
            let Some(target) = array.get_mut(offset..) else { continue };
            for (slot, number) in target.iter_mut().zip(run) {
                *slot = *number;
            }
        }
    }

    /// The delta that leads from what this one makes of `array` back to it. Holds what is overwritten, and what is cut but for
    /// its zeros: a delta of a few bytes can make any number of them, for the next one to cut.
    pub(super) fn back_to(&self, array: &[f64]) -> Self {
        let mut back = Self { len: array.len(), ..Self::default() };
        let stays = array.get(..self.len).unwrap_or(array);
        for (offset, count) in self.runs.iter().copied() {
            let overwritten = stays.get(offset..).unwrap_or_default();
            back.keep(offset, overwritten.get(..count).unwrap_or(overwritten));
        }
        let mut offset = stays.len();
        for part in
            array.get(offset..).unwrap_or_default().chunk_by(|a, b| is_zero(*a) == is_zero(*b))
        {
            if !part.first().copied().is_some_and(is_zero) {
                back.keep(offset, part);
            }
            offset += part.len();
        }
        back
    }

    fn keep(&mut self, offset: usize, numbers: &[f64]) {
        if !numbers.is_empty() {
            self.runs.push((offset, numbers.len()));
            self.numbers.extend_from_slice(numbers);
        }
    }
}

/// Whether it is what an array is filled with; -0 is another.
fn is_zero(number: f64) -> bool {
    number.to_bits() == 0
}

/// How many numbers canonical JSON text is an array of; none when it is anything else. Not inlined: what it keeps in registers
/// would be reloaded around each value of a merge, and few of them are arrays.
#[inline(never)]
pub(super) fn count_numbers(json: &[u8]) -> Option<usize> {
    let inside = json.strip_prefix(b"[")?.strip_suffix(b"]")?;
    if inside.is_empty() {
        return Some(0);
    }
    let is_part = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b',');
    let mut numbers = 1;
    // Looking at whole chunks is quicker than stopping at the first byte that is none.
    for chunk in inside.chunks(256) {
        if !chunk.iter().fold(true, |all, byte| all & is_part(*byte)) {
            return None;
        }
        numbers += chunk.iter().map(|byte| usize::from(*byte == b',')).sum::<usize>();
    }
    Some(numbers)
}

/// Reads canonical JSON text as an array of numbers; none when it is anything else.
pub(super) fn parse_numbers(json: &[u8]) -> Option<Vec<f64>> {
    let inside = json.strip_prefix(b"[")?.strip_suffix(b"]")?;
    if inside.is_empty() {
        return Some(Vec::new());
    }
    let is_number = |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e');
    inside
        .split(|byte| *byte == b',')
        .map(|item| {
            if !item.iter().all(|byte| is_number(*byte)) {
                return None;
            }
            std::str::from_utf8(item).ok()?.parse().ok()
        })
        .collect()
}

/// Writes an array of numbers as `JSON.stringify` would.
pub fn write_numbers(numbers: &[f64], out: &mut Vec<u8>) {
    let mut text = ryu_js::Buffer::new();
    out.push(b'[');
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(text.format(*number).as_bytes());
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delta(len: usize, runs: &[(usize, &[f64])]) -> Delta {
        Delta {
            len,
            runs: runs.iter().map(|(offset, run)| (*offset, run.len())).collect(),
            numbers: runs.iter().flat_map(|(_, run)| run.iter().copied()).collect(),
        }
    }

    #[test]
    fn mg7_a_delta_cuts_fills_and_overwrites() {
        let mut array = vec![1.0, 2.0, 3.0];

        delta(5, &[(1, &[9.0]), (4, &[7.0])]).apply(&mut array);
        assert_eq!(array, [1.0, 9.0, 3.0, 0.0, 7.0]);

        delta(2, &[]).apply(&mut array);
        assert_eq!(array, [1.0, 9.0]);
    }

    #[test]
    fn mg7_what_a_run_holds_past_len_is_dropped() {
        let mut array = vec![1.0];

        delta(2, &[(1, &[5.0, 6.0]), (9, &[7.0]), (0, &[4.0])]).apply(&mut array);

        assert_eq!(array, [4.0, 5.0]);
    }

    #[test]
    fn cv5_numbers_are_written_as_json_stringify_writes_them() {
        let mut out = Vec::new();

        write_numbers(&[1.0, -0.0, 0.5, 1e21, 1e-7, 123_456_789.125], &mut out);

        assert_eq!(out, b"[1,0,0.5,1e+21,1e-7,123456789.125]");
    }

    #[test]
    fn only_arrays_of_numbers_parse() {
        assert_eq!(parse_numbers(b"[]"), Some(vec![]));
        assert_eq!((count_numbers(b"[]"), count_numbers(b"[1,-2.5,1e+21]")), (Some(0), Some(3)));
        assert_eq!(parse_numbers(b"[1,-2.5,1e+21]"), Some(vec![1.0, -2.5, 1e21]));
        for other in
            [&b"[null]"[..], b"[1,null]", b"[[1]]", b"1", b"{}", b"\"[1]\"", b"[\"1\"]", b"[true]"]
        {
            assert_eq!(parse_numbers(other), None);
            assert_eq!(count_numbers(other), None);
        }
    }

    fn bits(array: &[f64]) -> Vec<u64> {
        array.iter().map(|number| number.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn mg7_a_delta_equals_its_definition(
            base in prop::collection::vec(-1e3..1e3, 0..20),
            len in 0usize..24,
            runs in prop::collection::vec((0usize..30, prop::collection::vec(-1e3..1e3, 0..6)), 0..5),
        ) {
            let mut expected: Vec<f64> = (0..len).map(|i| base.get(i).copied().unwrap_or(0.0)).collect();
            for (offset, run) in &runs {
                for (step, number) in run.iter().enumerate() {
                    if let Some(slot) = expected.get_mut(offset + step) {
                        *slot = *number;
                    }
                }
            }
            let runs: Vec<(usize, &[f64])> = runs.iter().map(|(offset, run)| (*offset, run.as_slice())).collect();

            let mut array = base;
            delta(len, &runs).apply(&mut array);

            prop_assert_eq!(array, expected);
        }

        #[test]
        fn du14_a_delta_and_the_way_back_change_nothing(
            base in prop::collection::vec(prop_oneof![-1e3..1e3, Just(0.0), Just(-0.0)], 0..20),
            len in 0usize..24,
            runs in prop::collection::vec((0usize..30, prop::collection::vec(-1e3..1e3, 0..6)), 0..5),
        ) {
            let runs: Vec<(usize, &[f64])> = runs.iter().map(|(offset, run)| (*offset, run.as_slice())).collect();
            let delta = delta(len, &runs);
            let mut array = base.clone();

            let back = delta.back_to(&array);
            delta.apply(&mut array);
            back.apply(&mut array);

            let zeros = base.iter().filter(|number| is_zero(**number)).count();
            let cut = base.len() - zeros;
            prop_assert_eq!(bits(&array), bits(&base));
            prop_assert!(back.numbers.len() <= delta.numbers.len() + cut);
        }

        #[test]
        fn numbers_round_trip(numbers in prop::collection::vec(prop::num::f64::NORMAL, 0..20)) {
            let mut text = Vec::new();
            write_numbers(&numbers, &mut text);
            prop_assert_eq!(count_numbers(&text), Some(numbers.len()));
            prop_assert_eq!(parse_numbers(&text), Some(numbers));
        }
    }
}
