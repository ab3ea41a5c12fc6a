//! What is good of a damaged journal.

use super::{
    super::checksum::Identity,
    header::{Header, Synced, header_checksums, newest_slot},
    read::{Placed, Reader},
};

/// What can be read of a damaged journal.
#[derive(Debug)]
pub(in super::super) struct Remains {
    pub(in super::super) base: Base,
    /// The good records before the first bad one.
    pub(in super::super) records: Vec<Placed>,
    /// Where the last good record ends.
    pub(in super::super) end: u64,
    /// How far the journal was synced, as far as that is known.
    pub(in super::super) synced: Option<Synced>,
}

/// What the records of a damaged journal continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Base {
    /// An empty room.
    Empty,
    /// This snapshot.
    Snapshot(Identity),
    /// The header does not tell, being damaged itself.
    Unknown,
}

/// Reads what is good of a journal, whatever [`scan`](super::scan) says of it; `None` for one that
/// is another room's.
pub(in super::super) fn scan_remains(bytes: &[u8], name: &str) -> Option<Remains> {
    match Header::decode(bytes) {
        Ok((header, _)) if header.name != name => None,
        Ok((header, checksum)) => {
            let base = header.base.map_or(Base::Empty, Base::Snapshot);
            Some(read(bytes, checksum, base))
        }
        // The records vouch for each other, and continue a checksum that is there twice: as it was
        // written, and in what it was made of. Damage to the header has spared one of them.
        Err(_) => {
            let reads =
                header_checksums(bytes)?.map(|checksum| read(bytes, checksum, Base::Unknown));
            reads.into_iter().max_by_key(|remains| remains.end)
        }
    }
}

fn read(bytes: &[u8], header_checksum: u32, base: Base) -> Remains {
    let before = match base {
        Base::Empty => Some(0),
        Base::Snapshot(identity) => Some(identity.clock),
        Base::Unknown => None,
    };
    let mut reader = Reader::new(bytes, header_checksum, before, None);
    // Where it stops is all that matters.
    drop(reader.read_all());
    let synced = newest_slot(bytes, header_checksum);
    Remains { base, records: reader.records, end: reader.end, synced }
}
