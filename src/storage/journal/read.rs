//! Reading a journal: what is good, what is torn, what is damaged.

use super::{
    super::disk::as_offset,
    header::{Header, RECORDS_START, Synced, newest_slot},
    record::{Chain, Record},
};
use crate::engine::Clock;

/// A journal's good records.
#[derive(Debug)]
pub(in super::super) struct Scan {
    pub(in super::super) header: Header,
    pub(in super::super) header_checksum: u32,
    pub(in super::super) records: Vec<Placed>,
    /// Where the last good record ends.
    pub(in super::super) end: u64,
    /// What the next record's checksum continues.
    pub(in super::super) chain: Chain,
    /// How far the journal was synced; `None` when it never was.
    pub(in super::super) synced: Option<Synced>,
    /// The clock of the last good change, or of the snapshot that the journal builds on.
    pub(in super::super) clock: Option<Clock>,
    /// What lies behind the last good record, in bytes: the torn end of a write.
    pub(in super::super) cut_bytes: u64,
}

/// A record and where it begins.
#[derive(Debug)]
pub(in super::super) struct Placed {
    pub(in super::super) offset: u64,
    pub(in super::super) record: Record,
}

/// What is wrong with a journal, and how far it is good.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Flaw {
    pub(in super::super) offset: u64,
    pub(in super::super) clock: Option<Clock>,
    pub(in super::super) reason: String,
}

/// Reads a journal, whose records' clocks must ascend one by one. Stops at the first bad record; it
/// is a flaw only where the journal had been synced beyond it. `name` is the room's snapshot file
/// name.
pub(in super::super) fn scan(bytes: &[u8], name: &str) -> Result<Scan, Flaw> {
    let header = Header::decode(bytes).map_err(in_header)?;
    let Some(synced) = newest_slot(bytes, header.1) else {
        return Err(in_header("it does not say how far it was synced"));
    };
    let (scan, stop) = read(bytes, name, header, Some(synced))?;
    if scan.end < synced.offset {
        let clock = scan.clock;
        let reason = stop.unwrap_or("the file ends before what was synced").to_owned();
        return Err(Flaw { offset: scan.end, clock, reason });
    }
    Ok(scan)
}

/// Reads a journal that was never synced: whatever is not good is torn. `None` when not even the
/// header is good.
pub(in super::super) fn scan_unsynced(bytes: &[u8], name: &str) -> Result<Option<Scan>, Flaw> {
    match Header::decode(bytes) {
        Ok(header) if as_offset(bytes.len()) >= RECORDS_START => {
            read(bytes, name, header, None).map(|(scan, _)| Some(scan))
        }
        _ => Ok(None),
    }
}

fn in_header(reason: &str) -> Flaw {
    Flaw { offset: 0, clock: None, reason: reason.to_owned() }
}

/// The good records, and what was wrong with the first one that is not.
fn read(
    bytes: &[u8],
    name: &str,
    (header, header_checksum): (Header, u32),
    synced: Option<Synced>,
) -> Result<(Scan, Option<&'static str>), Flaw> {
    if header.name != name {
        return Err(in_header(&format!("it is the journal of another room, {}", header.name)));
    }
    let base = header.base.map(|base| base.clock);
    let mut reader = Reader::new(bytes, header_checksum, Some(base.unwrap_or(0)), base);
    let stop = reader.read_all()?;
    let Reader { end, chain, records, clock, .. } = reader;
    let cut_bytes = as_offset(bytes.len()).saturating_sub(end);
    Ok((Scan { header, header_checksum, records, end, chain, synced, clock, cut_bytes }, stop))
}

pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    pub(super) end: u64,
    chain: Chain,
    pub(super) records: Vec<Placed>,
    /// The clock before the next change; `None` behind a snapshot's text, which may have any.
    before: Option<Clock>,
    /// The last clock that is known to be good.
    clock: Option<Clock>,
}

impl<'b> Reader<'b> {
    pub(super) fn new(
        bytes: &'b [u8],
        header_checksum: u32,
        before: Option<Clock>,
        clock: Option<Clock>,
    ) -> Self {
        let (end, chain) = (RECORDS_START, Chain::new(header_checksum));
        Self { bytes, end, chain, records: Vec::new(), before, clock }
    }

    /// Reads on to the end or to the first bad record, and says what was wrong with that.
    pub(super) fn read_all(&mut self) -> Result<Option<&'static str>, Flaw> {
        loop {
            let start = usize::try_from(self.end).unwrap_or(usize::MAX);
            let rest = self.bytes.get(start..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            let (body, length) = match self.chain.next(rest) {
                Ok(next) => next,
                Err(reason) => return Ok(Some(reason)),
            };
            // From here on the bytes are what was written: what is wrong was written wrong.
            let record = Record::decode(body)
                .ok_or_else(|| self.flaw("a record is of a kind that is not known"))?;
            self.follow(&record)?;
            self.records.push(Placed { offset: self.end, record });
            self.end += length;
        }
    }

    fn follow(&mut self, record: &Record) -> Result<(), Flaw> {
        match record {
            Record::Change(change) => {
                if self.before.is_some_and(|clock| clock.checked_add(1) != Some(change.clock)) {
                    return Err(self.flaw("the clocks of the changes do not ascend by one"));
                }
                self.before = Some(change.clock);
                self.clock = self.before;
            }
            Record::Mark { offset, .. } if !(RECORDS_START..=self.end).contains(offset) => {
                return Err(self.flaw("a record names an offset that cannot be"));
            }
            Record::Mark { .. } => {}
            Record::State(_) => self.before = None,
        }
        Ok(())
    }

    fn flaw(&self, reason: &str) -> Flaw {
        Flaw { offset: self.end, clock: self.clock, reason: reason.to_owned() }
    }
}
