//! The names of fields that were read before: what is known to be a name, and to be there once, need not be looked at again.

use std::cell::RefCell;

use super::EXISTENCE;
use crate::protocol::json::checked::Step;

/// How many kinds of components are remembered.
const KINDS: usize = 8;

/// How many fields of a kind are.
const FIELDS: usize = 16;

/// A quote, a quote and a colon.
const AROUND_BYTES: usize = 3;

const WORD_BYTES: usize = size_of::<u64>();

thread_local! {
    /// One for all rooms: they would else keep it each.
    static LAST: RefCell<Kinds> = const { RefCell::new(Kinds([Kind::NEW; KINDS])) };
}

/// What clients write of components, by kind. Where two kinds have one place, the latest is there.
#[derive(Debug)]
pub(super) struct Kinds([Kind; KINDS]);

/// The names of a component's fields, in the order in which they came.
#[derive(Debug)]
pub(super) struct Kind {
    names: [Name; FIELDS],
    count: usize,
    /// Whether there were more than can be remembered.
    has_more: bool,
    /// Whether one of them is [`EXISTENCE`].
    pub(super) has_existence: bool,
    /// The bytes of the longest.
    pub(super) longest: usize,
}

/// What a kind knew of a component.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known<'f> {
    /// All of it; the rest is behind its end.
    Whole(&'f [u8]),
    /// All up to a field that it does not know, where the rest begins.
    Part(&'f [u8]),
}

/// A name as it stands in text, from its first quote to the colon, as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name {
    first: u64,
    /// Which bits of the first word count.
    mask: u64,
    /// The last bytes, if there are more than one word.
    last: u64,
    bytes: usize,
}

/// Has `work` look at what this thread remembers.
pub(super) fn with_kinds<T>(work: impl FnOnce(&mut Kinds) -> T) -> T {
    LAST.with_borrow_mut(work)
}

impl Kinds {
    /// The kind of a component with this key, whose text begins like this: clients end keys with the name of the kind, and write some of
    /// its fields together.
    #[inline]
    pub(super) fn of(&mut self, key: &[u8], text: &[u8]) -> Option<&mut Kind> {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let end = key.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let start = text.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let mark = (end ^ u64::from(start)).wrapping_mul(SPREAD) >> 32;
        self.0.get_mut(usize::try_from(mark).ok()? % KINDS)
    }
}

impl Kind {
    const NEW: Self = Self {
        names: [Name::NONE; FIELDS],
        count: 0,
        has_more: false,
        has_existence: false,
        longest: 0,
    };

    /// Steps over the fields of a component, whose opening was stepped over, as far as they are those that are known: has `value` step
    /// over what stands behind each name.
    #[inline]
    pub(super) fn fields<'f>(
        &self,
        text: &'f [u8],
        mut value: impl FnMut(&'f [u8], &'f [u8]) -> Option<&'f [u8]>,
    ) -> Option<Known<'f>> {
        let mut rest = text;
        for name in self.names.get(..self.count)? {
            let Some((name, behind)) = name.step(rest) else { break };
            let (next, behind) = value(name, behind)?.split_first()?;
            match next {
                b',' => rest = behind,
                b'}' => return Some(Known::Whole(behind)),
                _ => return None,
            }
        }
        Some(Known::Part(rest))
    }

    /// Remembers these names, of which the first `known` were known, up to one that is long.
    pub(super) fn learn<'n>(
        &mut self,
        names: impl ExactSizeIterator<Item = &'n [u8]>,
        known: usize,
    ) {
        if self.has_more && known == self.count {
            return;
        }
        let all = names.len();
        self.count = 0;
        (self.has_existence, self.longest) = (false, 0);
        for (place, name) in self.names.iter_mut().zip(names) {
            let Some(words) = Name::of(name) else { break };
            *place = words;
            self.count += 1;
            self.has_existence |= name == EXISTENCE;
            self.longest = self.longest.max(name.len());
        }
        self.has_more = self.count < all;
    }
}

impl Name {
    const NONE: Self = Self { first: 0, mask: 0, last: 0, bytes: 0 };

    /// None of a name longer than two words.
    fn of(name: &[u8]) -> Option<Self> {
        let bytes = name.len() + AROUND_BYTES;
        let mut text = [0; 2 * WORD_BYTES];
        let (quoted, _) = text.split_at_mut_checked(bytes)?;
        let [first, inside @ .., last_but_one, last] = quoted else { return None };
        inside.copy_from_slice(name);
        (*first, *last_but_one, *last) = (b'"', b'"', b':');
        let word = |from: usize| {
            let bytes = text.get(from..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
        };
        let unused = WORD_BYTES.saturating_sub(bytes);
        Some(Self {
            first: word(0),
            mask: u64::MAX >> (8 * unused),
            last: word(bytes.saturating_sub(WORD_BYTES)),
            bytes,
        })
    }

    /// Steps over this name and the colon behind it.
    #[inline]
    fn step<'f>(&self, text: &'f [u8]) -> Step<'f, &'f [u8]> {
        let word = u64::from_le_bytes(*text.first_chunk()?);
        if word & self.mask != self.first {
            return None;
        }
        let (quoted, rest) = text.split_at_checked(self.bytes)?;
        if self.bytes > WORD_BYTES && u64::from_le_bytes(*quoted.last_chunk()?) != self.last {
            return None;
        }
        let [_, name @ .., _, _] = quoted else { return None };
        Some((name, rest))
    }
}
