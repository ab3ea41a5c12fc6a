//! Values that are kept beside the entries.

use super::super::{
    buffer::{Delta, count_numbers, parse_numbers},
    quota::{array_size, text_size},
};

/// From this many bytes on a value is kept beside the entries.
pub(super) const DETACH_BYTES: usize = 1024;

/// A value beside the entries; or, in fields that a merge replaced, where it has gone.
#[derive(Debug, Clone)]
pub(super) enum Detached {
    /// With how many numbers it is an array of, if it is one, so that nobody has to read it for that.
    Json(Box<[u8]>, Option<u32>),
    Numbers(Vec<f64>),
    /// It stands at this index of the newer fields now.
    Moved(usize),
    /// There, and changed: the delta leads back.
    Changed(usize, Box<Delta>),
}

impl Default for Detached {
    fn default() -> Self {
        Self::Moved(0)
    }
}

impl Detached {
    pub(super) fn json(json: &[u8]) -> Self {
        let numbers = count_numbers(json).and_then(|numbers| u32::try_from(numbers).ok());
        Self::Json(json.into(), numbers)
    }

    /// As the quota has it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Json(json, _) => text_size(json, self.numbers()),
            Self::Numbers(numbers) => array_size(numbers.len()),
            Self::Moved(_) | Self::Changed(..) => 0,
        }
    }

    /// How many numbers it has; none where it is no array of numbers.
    pub(super) fn numbers(&self) -> Option<usize> {
        match self {
            Self::Json(_, numbers) => usize::try_from((*numbers)?).ok(),
            Self::Numbers(numbers) => Some(numbers.len()),
            Self::Moved(_) | Self::Changed(..) => None,
        }
    }

    /// The array that a delta makes of it. Leaves here what [`Self::put_back`] wants if it is `undoable`; the array is to
    /// stand at index `to` of the newer fields.
    pub(super) fn change(&mut self, delta: &Delta, to: usize, undoable: bool) -> Vec<f64> {
        let mut numbers = match self {
            Self::Json(json, _) => return changed_array(json, delta),
            Self::Numbers(numbers) => {
                let numbers = std::mem::take(numbers);
                *self = if undoable {
                    Self::Changed(to, Box::new(delta.back_to(&numbers)))
                } else {
                    Self::Moved(to)
                };
                numbers
            }
            Self::Moved(_) | Self::Changed(..) => Vec::new(),
        };
        delta.apply(&mut numbers);
        numbers
    }

    /// Makes it what it was before it went to the newer fields.
    pub(super) fn put_back(&mut self, newer: &mut [Self]) {
        let mut take = |index: usize| newer.get_mut(index).map(std::mem::take);
        let back = match self {
            Self::Json(..) | Self::Numbers(_) => None,
            Self::Moved(index) => take(*index),
            Self::Changed(index, back) => match take(*index) {
                Some(Self::Numbers(mut numbers)) => {
                    back.apply(&mut numbers);
                    Some(Self::Numbers(numbers))
                }
                other => other,
            },
        };
        if let Some(back) = back {
            *self = back;
        }
    }
}

/// The array that a delta makes of one that is JSON text.
pub(super) fn changed_array(json: &[u8], delta: &Delta) -> Vec<f64> {
    let mut numbers = parse_numbers(json).unwrap_or_default();
    delta.apply(&mut numbers);
    numbers
}
