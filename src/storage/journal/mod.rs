//! The journal of a room: what was accepted since its snapshot, as bytes.
//!
//! Lives here: the format, how it is written ([`Draft`], [`Chain`]) and read ([`scan`], [`scan_unsynced`]). May not
//! live here: files. What bytes of a file are durable is not known here either.
//!
//! ```text
//! journal  := header slot slot record*             all numbers little endian
//! header   := 512 bytes: "HEDDLEJ1" version:u32 id:16 base name-length:u32 name zeros
//!             checksum:u32 of all before it
//! base     := kind:u32 (0 the room began empty, 1 a snapshot) identity (zeros for kind 0)
//! identity := clock:u64 checksum:u32               of a snapshot's text without its checksum member
//! name     := the room's snapshot file name
//! slot     := 512 bytes: sequence:u64 synced:u64 clock:u64 checksum:u32 zeros
//! record   := length:u32 checksum:u32 body         length of the body
//! body     := 1 clock:u64 time-ms:u64 client-length:u32 client patches       a change
//!           | 2 offset:u64 identity                that snapshot stands for all before offset
//!           | 3 text                               this snapshot stands for all before it
//! ```
//!
//! Checksums are crc32c. A record's continues from that of the record before it, the first one's
//! from the header's, a slot's from the header's: a record in another place, or of another journal,
//! is not valid.
//!
//! The slots are the only bytes that are ever overwritten, in turns, and each is a sector of its
//! own. The valid one with the highest sequence says up to which offset the journal was synced, and
//! the clock there: a bad record before it is damage, one behind it the torn end of a write that
//! nobody was promised.

mod header;
mod read;
mod record;
mod remains;

pub(super) use header::{Header, RECORDS_START, Synced, id, slot};
pub(super) use read::{Flaw, Placed, Scan, scan, scan_unsynced};
pub(super) use record::{Chain, Record};
pub(super) use remains::{Base, Remains, scan_remains};

use super::disk::as_offset;
use crate::engine::Clock;

/// A journal that is being put together in memory.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) id: u128,
    pub(super) bytes: Vec<u8>,
    pub(super) chain: Chain,
    /// What the slots' checksums continue.
    pub(super) header_checksum: u32,
}

impl Draft {
    /// A journal without records and without a valid slot.
    pub(super) fn new(header: &Header) -> Self {
        let (bytes, header_checksum) = header.encode();
        Self { id: header.id, bytes, chain: Chain::new(header_checksum), header_checksum }
    }

    /// Says that the journal is synced as it is now. To be written before it has its name.
    pub(super) fn seal(&mut self, clock: Clock) -> Synced {
        let synced = Synced { sequence: 1, offset: as_offset(self.bytes.len()), clock };
        let (at, bytes) = slot(self.header_checksum, synced);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        for (place, byte) in self.bytes.iter_mut().skip(at).zip(bytes) {
            *place = byte;
        }
        synced
    }
}
