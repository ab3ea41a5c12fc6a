//! How fields stand in a document at rest.
//!
//! ```text
//! fields   := entries-length << 2 | has-detached << 1 | is-wide    entries    detached-values?
//! values   := count value*
//! value    := length << 1           numbers    bytes        JSON text; `numbers` is 0 where it is no array of them, else one more
//!           | count << 1 | 1        eight bytes each        numbers
//! ```

use super::{
    Fields, Form,
    detached::Detached,
    entries::{Entries, push_number},
    packed::Packed,
    wide::Wide,
};

const WIDE: u64 = 1;
const DETACHED: u64 = 1 << 1;
const FLAG_BITS: u32 = 2;

/// Reads what was packed, part after part.
pub(in crate::engine) struct Unpacking<'a>(Entries<'a>);

impl<'a> Unpacking<'a> {
    pub(in crate::engine) fn of(rest: &'a [u8]) -> Self {
        Self(Entries { rest })
    }

    pub(in crate::engine) fn is_over(&self) -> bool {
        self.0.rest.is_empty()
    }

    pub(in crate::engine) fn number(&mut self) -> Option<u64> {
        self.0.number()
    }

    pub(in crate::engine) fn bytes(&mut self, length: u64) -> Option<&'a [u8]> {
        self.0.bytes(length)
    }
}

impl Fields {
    /// Appends all there is to know. None where a value is not here, as in fields that were replaced.
    pub(in crate::engine) fn pack(&self, out: &mut Vec<u8>) -> Option<()> {
        let (is_wide, text);
        let entries = match &self.0 {
            Form::Packed(packed) => {
                is_wide = 0;
                &*packed.entries
            }
            Form::Wide(wide) => {
                is_wide = WIDE;
                text = wide.text_in_order();
                &text
            }
        };
        let detached = self.detached();
        let has_detached = if detached.is_empty() { 0 } else { DETACHED };
        push_number(number(entries.len()) << FLAG_BITS | has_detached | is_wide, out);
        out.extend_from_slice(entries);
        if has_detached != 0 {
            push_number(number(detached.len()), out);
        }
        detached.iter().try_for_each(|value| value.pack(out))
    }

    /// Reads what [`Self::pack`] wrote.
    pub(in crate::engine) fn unpack(packed: &mut Unpacking<'_>) -> Option<Self> {
        let head = packed.number()?;
        let entries = packed.bytes(head >> FLAG_BITS)?.into();
        let mut detached = None;
        if head & DETACHED != 0 {
            let count = packed.number()?;
            let values: Option<Vec<_>> = (0..count).map(|_| Detached::unpack(packed)).collect();
            detached = Some(Box::new(values?));
        }
        let fields = Packed { entries, detached };
        Some(Self(if head & WIDE == 0 {
            Form::Packed(fields)
        } else {
            Form::Wide(Box::new(Wide::of(fields)))
        }))
    }
}

impl Detached {
    fn pack(&self, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Json(json, numbers) => {
                push_number(number(json.len()) << 1, out);
                push_number(numbers.map_or(0, |numbers| u64::from(numbers) + 1), out);
                out.extend_from_slice(json);
            }
            Self::Numbers(numbers) => {
                push_number(number(numbers.len()) << 1 | 1, out);
                out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
            Self::Moved(_) | Self::Changed(..) => return None,
        }
        Some(())
    }

    fn unpack(packed: &mut Unpacking<'_>) -> Option<Self> {
        let head = packed.number()?;
        if head & 1 == 1 {
            let bytes = packed.bytes((head >> 1).checked_mul(8)?)?;
            let (numbers, _) = bytes.as_chunks();
            return Some(Self::Numbers(numbers.iter().map(|it| f64::from_le_bytes(*it)).collect()));
        }
        let numbers = match packed.number()?.checked_sub(1) {
            Some(numbers) => Some(u32::try_from(numbers).ok()?),
            None => None,
        };
        Some(Self::Json(packed.bytes(head >> 1)?.into(), numbers))
    }
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
