//! A document at rest: all components in one allocation, while nobody is here to look at them. Most of the rooms that are
//! open are idle, and of a small component it is allocations and room to grow that cost most.
//!
//! ```text
//! document  := component* newest-first
//! component := key-length key stamp fields      by slot; `fields` as `fields/resting.rs` has them
//! newest-first := (slot before - slot)*         the list of changes; before the first comes the slot after the last
//! ```
//!
//! with every number a LEB128 varint, the whole compressed as an LZ4 block.

use hashbrown::HashTable;

use super::{
    super::fields::{Fields, Unpacking, push_number},
    Clock, Component, Document, Link, Slot, Stamp, Usage, index,
};

/// A document that has to wake before anything can be read but what it holds on the whole.
#[derive(Debug)]
pub struct DocumentAtRest {
    clock: Clock,
    hash_keys: (u64, u64),
    usage: Usage,
    alive: usize,
    slots: Slot,
    unpacked_bytes: usize,
    packed: Box<[u8]>,
}

/// What was packed does not unpack, which nothing but a bug can bring about.
#[derive(Debug, thiserror::Error)]
#[error("a document at rest cannot be read")]
pub struct Unreadable;

impl Document {
    /// The document, packed. None while changes may still be taken back, or a copy is being read.
    pub fn at_rest(&self) -> Option<DocumentAtRest> {
        if self.stored() < self.clock || self.copying.is_some() {
            return None;
        }
        let mut unpacked = Vec::with_capacity(self.usage.bytes);
        for Component { key, fields, stamp, .. } in &self.slots {
            push_number(u64::try_from(key.len()).ok()?, &mut unpacked);
            unpacked.extend_from_slice(key);
            push_number(stamp.number(), &mut unpacked);
            fields.pack(&mut unpacked)?;
        }
        let mut before = self.end();
        for (slot, _) in self.slots_since(0) {
            push_number(before.wrapping_sub(slot).into(), &mut unpacked);
            before = slot;
        }
        Some(DocumentAtRest {
            clock: self.clock,
            hash_keys: self.hash_keys,
            usage: self.usage,
            alive: self.alive,
            slots: self.end(),
            unpacked_bytes: unpacked.len(),
            packed: lz4_flex::block::compress(&unpacked).into(),
        })
    }
}

impl DocumentAtRest {
    /// The number of the last change.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// How many components are alive, and how many tombstones there are.
    pub fn census(&self) -> (usize, usize) {
        (self.alive, index(self.slots).saturating_sub(self.alive))
    }

    /// The size of all components and tombstones, as the quota has it.
    pub fn bytes(&self) -> usize {
        self.usage.bytes
    }

    /// What it takes in memory, as good as all of it.
    pub fn packed_bytes(&self) -> usize {
        self.packed.len()
    }

    /// The document as it was. Its changes are final.
    pub fn wake(&self) -> Result<Document, Unreadable> {
        let unpacked = lz4_flex::block::decompress(&self.packed, self.unpacked_bytes);
        let unpacked = unpacked.map_err(|_| Unreadable)?;
        self.unpack(&unpacked).ok_or(Unreadable)
    }

    fn unpack(&self, unpacked: &[u8]) -> Option<Document> {
        let mut rest = Unpacking::of(unpacked);
        let mut document = Document::new(self.hash_keys);
        (document.clock, document.usage) = (self.clock, self.usage);
        document.slots.reserve_exact(index(self.slots));
        document.by_key = HashTable::with_capacity(index(self.slots));
        for slot in 0..self.slots {
            let length = rest.number()?;
            let key: Box<[u8]> = rest.bytes(length)?.into();
            let stamp = Stamp::of(rest.number()?);
            let fields = Fields::unpack(&mut rest)?;
            document.alive += usize::from(stamp.is_alive());
            let (older, newer) = (Link::NONE, Link::NONE);
            document.slots.push(Component { key, fields, stamp, older, newer });
            document.index_key(slot);
        }
        let linked = document.link(rest, self.slots)?;
        (linked == self.slots && document.alive == self.alive).then_some(document)
    }
}

impl Document {
    /// Makes the list of changes again, and gives how many are in it.
    fn link(&mut self, mut list: Unpacking<'_>, end: Slot) -> Option<Slot> {
        let (mut linked, mut newer) = (0, Link::NONE);
        let mut before = end;
        while !list.is_over() {
            let slot = before.wrapping_sub(Slot::try_from(list.number()?).ok()?);
            match self.neighbour(newer) {
                Some(component) => component.older = Link::to(slot),
                None => self.newest = Link::to(slot),
            }
            self.slots.get_mut(index(slot))?.newer = newer;
            newer = Link::to(slot);
            before = slot;
            linked += 1;
        }
        Some(linked)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Restore, *};

    fn at_rest() -> DocumentAtRest {
        let mut restore = Restore::new((1, 2), 9);
        for key in ["a", "b", "c", "d"] {
            let text = vec![b'7'; 2_000];
            let fields: [(&[u8], Clock, &[u8]); 3] =
                [(b"_exists", 1, b"true"), (b"x", 8, b"1.5"), (b"text", 3, &text)];
            restore.component(key.as_bytes(), fields.into_iter());
        }
        restore.tombstone(b"e", 9);
        restore.finish().at_rest().unwrap()
    }

    #[test]
    fn lc21_what_cannot_be_read_is_an_error_and_no_document() {
        let whole = at_rest();
        assert!(whole.wake().is_ok());

        for length in 0..whole.packed.len() {
            let packed = whole.packed.iter().copied().take(length).collect();
            assert!(DocumentAtRest { packed, ..at_rest() }.wake().is_err(), "{length} bytes of it");
        }
        assert!(DocumentAtRest { slots: 4, ..at_rest() }.wake().is_err());
        assert!(DocumentAtRest { slots: 6, ..at_rest() }.wake().is_err());
        assert!(DocumentAtRest { alive: 5, ..at_rest() }.wake().is_err());
    }

    #[test]
    fn lc21_changed_bytes_are_no_reason_to_panic() {
        let whole = at_rest();
        for at in 0..whole.packed.len() {
            for flip in [1, 0x80, 0xff] {
                let mut packed = whole.packed.clone();
                packed[at] ^= flip;
                drop(DocumentAtRest { packed, ..at_rest() }.wake());
            }
        }
    }
}
