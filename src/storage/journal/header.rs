//! The first sectors of a journal: what it is, and how far it was synced.

use super::super::{bytes::Bytes, checksum::Identity};
use crate::engine::Clock;

const MAGIC: &[u8; 8] = b"HEDDLEJ1";
const VERSION: u32 = 1;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
const CHECKSUM_BYTES: usize = 4;

/// Where the records begin.
pub(in super::super) const RECORDS_START: u64 = 3 * 512;

/// What a journal says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Header {
    /// No other journal's.
    pub(in super::super) id: u128,
    /// The snapshot that the records continue; `None` when the room began empty.
    pub(in super::super) base: Option<Identity>,
    /// The room's snapshot file name.
    pub(in super::super) name: String,
}

/// How far a journal was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Synced {
    pub(in super::super) sequence: u64,
    pub(in super::super) offset: u64,
    pub(in super::super) clock: Clock,
}

impl Header {
    /// The bytes before the records, with empty slots, and the header's checksum.
    pub(super) fn encode(&self) -> (Vec<u8>, u32) {
        let mut bytes = Vec::with_capacity(3 * SECTOR_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.id.to_le_bytes());
        let (kind, base) = match self.base {
            None => (0_u32, Identity { clock: 0, checksum: 0 }),
            Some(base) => (1, base),
        };
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&base.clock.to_le_bytes());
        bytes.extend_from_slice(&base.checksum.to_le_bytes());
        // A room's file name has at most 133 bytes.
        let name = self.name.as_bytes().get(..255).unwrap_or(self.name.as_bytes());
        bytes.extend_from_slice(&u32::try_from(name.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(name);
        bytes.resize(SECTOR_BYTES - CHECKSUM_BYTES, 0);
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.resize(3 * SECTOR_BYTES, 0);
        (bytes, checksum)
    }

    /// Reads the first sector; the error is the phrase that says what is wrong with it.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, u32), &'static str> {
        let mut sector = Bytes(bytes.get(..SECTOR_BYTES).ok_or("it ends in its header")?);
        let content = Bytes(sector.take(SECTOR_BYTES - CHECKSUM_BYTES).unwrap_or_default());
        let checksum = sector.u32().unwrap_or_default();
        if !content.0.starts_with(MAGIC) {
            return Err("it does not begin as a journal");
        }
        if crc32c::crc32c(content.0) != checksum {
            return Err("its header has another checksum than it says");
        }
        let header = Self::read(content).ok_or("its header is of a version that is not known")?;
        Ok((header, checksum))
    }

    fn read(mut bytes: Bytes<'_>) -> Option<Self> {
        bytes.take(MAGIC.len())?;
        if bytes.u32()? != VERSION {
            return None;
        }
        let id = u128::from_le_bytes(bytes.array()?);
        let kind = bytes.u32()?;
        let identity = bytes.identity()?;
        let length = usize::try_from(bytes.u32()?).ok()?;
        let name = std::str::from_utf8(bytes.take(length)?).ok()?.to_owned();
        let base = match kind {
            0 => None,
            1 => Some(identity),
            _ => return None,
        };
        Some(Self { id, base, name })
    }
}

/// The id in the first sector of a journal, whatever the rest of it is like.
pub(in super::super) fn id(bytes: &[u8]) -> Option<u128> {
    let mut bytes = Bytes(bytes.strip_prefix(MAGIC)?);
    bytes.u32()?;
    bytes.array().map(u128::from_le_bytes)
}

/// The checksum that the first sector says it has, and the one that it has.
pub(super) fn header_checksums(bytes: &[u8]) -> Option<[u32; 2]> {
    let (content, rest) = bytes.get(..SECTOR_BYTES)?.split_at(SECTOR_BYTES - CHECKSUM_BYTES);
    Some([Bytes(rest).u32()?, crc32c::crc32c(content)])
}

/// Where the slot of a sequence number lies, and its bytes.
pub(in super::super) fn slot(header_checksum: u32, synced: Synced) -> (u64, Vec<u8>) {
    let mut bytes = Vec::with_capacity(28);
    bytes.extend_from_slice(&synced.sequence.to_le_bytes());
    bytes.extend_from_slice(&synced.offset.to_le_bytes());
    bytes.extend_from_slice(&synced.clock.to_le_bytes());
    let checksum = crc32c::crc32c_append(header_checksum, &bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    (if synced.sequence.is_multiple_of(2) { 512 } else { 1024 }, bytes)
}

/// The valid slot with the highest sequence.
pub(super) fn newest_slot(bytes: &[u8], header_checksum: u32) -> Option<Synced> {
    let slots = [SECTOR_BYTES, 2 * SECTOR_BYTES].into_iter();
    slots
        .filter_map(|at| read_slot(bytes.get(at..)?, header_checksum))
        .max_by_key(|synced| synced.sequence)
}

fn read_slot(bytes: &[u8], header_checksum: u32) -> Option<Synced> {
    let actual = crc32c::crc32c_append(header_checksum, bytes.get(..24)?);
    let mut bytes = Bytes(bytes);
    let synced = Synced { sequence: bytes.u64()?, offset: bytes.u64()?, clock: bytes.u64()? };
    (bytes.u32()? == actual).then_some(synced)
}
