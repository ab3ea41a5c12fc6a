//! What is left of a room: what its files say, each on its own, and the ways to put it together.

use super::{
    super::{
        Change, Format, StorageError,
        checksum::{Identity, bare, unseal},
        disk::as_offset,
        files::Files,
        journal::{Base, RECORDS_START, Record, Remains, scan_remains},
        recovery::{read_journal_alone, read_journal_bytes},
    },
    salvage::{Doubt, Source},
};
use crate::engine::Clock;
use std::path::PathBuf;

/// What can be read of a room's files.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) sheet: Option<Sheet>,
    pub(super) journal: Option<JournalRemains>,
}

/// A snapshot file that can be read.
#[derive(Debug)]
pub(super) struct Sheet {
    path: PathBuf,
    text: Vec<u8>,
    identity: Identity,
    seal: Seal,
}

/// What a snapshot file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seal {
    /// Its checksum is right.
    Right,
    /// It has another checksum than it says.
    Wrong,
    /// It says nothing.
    Missing,
}

/// A journal, or what is good of it.
#[derive(Debug)]
pub(super) struct JournalRemains {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) remains: Remains,
}

/// One way to put a room together: a snapshot, and changes of the journal.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) source: Source,
    pub(super) text: Option<Vec<u8>>,
    /// The changes, with their offsets.
    pub(super) changes: Vec<(u64, Change)>,
    /// The first good record of the journal that is of no use.
    pub(super) unused_from: Option<u64>,
    pub(super) doubts: Vec<Doubt>,
    clock: Clock,
    /// Whether it is known that the changes were made on the snapshot.
    fits: bool,
}

impl Line {
    fn new(source: Source, text: Option<Vec<u8>>, followed: Followed) -> Self {
        let Followed { changes, clock, unused_from } = followed;
        Self { source, text, changes, unused_from, doubts: Vec::new(), clock, fits: true }
    }
}

impl Evidence {
    /// Reads what can be read. What cannot has been found and told before.
    pub(super) fn gather(files: &Files, format: Format) -> Self {
        let journal = read_journal_bytes(files).or_else(|_| read_journal_alone(files));
        let journal = journal.ok().flatten().and_then(|(path, bytes)| {
            let remains = scan_remains(&bytes, &files.name)?;
            Some(JournalRemains { path, bytes: as_offset(bytes.len()), remains })
        });
        Self { sheet: read_sheet(files, format).ok().flatten(), journal }
    }

    /// The best way to put the room together. `is_whole` tells whether the journal lacks nothing.
    pub(super) fn best(self, format: Format, is_whole: bool) -> Option<Line> {
        let Self { sheet, journal } = self;
        let remains = journal.map(|journal| journal.remains);
        let own = remains.as_ref().and_then(|remains| {
            line_of_state(remains, format).or_else(|| line_of_beginning(remains))
        });
        let sheet = sheet.map(|sheet| line_of_sheet(sheet, remains.as_ref()));
        let (own, sheet) = match (own, sheet) {
            (Some(own), Some(sheet)) => (own, sheet),
            (own, sheet) => return own.or(sheet),
        };
        let reaches = own.clock >= sheet.clock;
        let is_preferred = if sheet.fits && sheet.clock >= own.clock {
            false
        } else if sheet.doubts.is_empty() && own.source == Source::Beginning {
            // Somebody may have put a newer snapshot there.
            reaches
        } else {
            // A journal that lacks nothing is the whole truth, whatever the file says.
            is_whole || reaches
        };
        Some(if is_preferred { own } else { sheet })
    }
}

/// Reads a snapshot file of which at least the text is one.
fn read_sheet(files: &Files, format: Format) -> Result<Option<Sheet>, StorageError> {
    let Some(path) = files.locate()? else { return Ok(None) };
    let bytes = files.folder.disk.read(&path).map_err(StorageError::io("read", &path))?;
    let text = bare(&bytes).into_owned();
    let seal = match unseal(bytes) {
        Ok(unsealed) if unsealed.was_sealed => Seal::Right,
        Ok(_) => Seal::Missing,
        Err(_) => Seal::Wrong,
    };
    Ok((format.check)(&text).ok().map(|clock| {
        let identity = Identity::of(&text, clock);
        Sheet { path, text, identity, seal }
    }))
}

/// From the last snapshot in the journal.
fn line_of_state(remains: &Remains, format: Format) -> Option<Line> {
    let states = remains.records.iter().rev();
    let (offset, text) = states.into_iter().find_map(|placed| match &placed.record {
        Record::State(text) => Some((placed.offset, text)),
        Record::Change(_) | Record::Mark { .. } => None,
    })?;
    let clock = (format.check)(text).ok()?;
    let text = Some(text.clone());
    Some(Line::new(Source::State, text, follow(remains, offset + 1, clock)))
}

/// From an empty room, which is where the journal says that it begins, or its first change does.
fn line_of_beginning(remains: &Remains) -> Option<Line> {
    if matches!(remains.base, Base::Snapshot(_)) {
        return None;
    }
    let followed = follow(remains, RECORDS_START, 0);
    let is_anything = !followed.changes.is_empty();
    is_anything.then(|| Line::new(Source::Beginning, None, followed))
}

/// From the snapshot file, with the changes that were made on it, or that seem to be.
fn line_of_sheet(sheet: Sheet, remains: Option<&Remains>) -> Line {
    let Sheet { path, text, identity, seal } = sheet;
    let known = remains.and_then(|remains| place_of(remains, identity));
    // What names the very text proves it right, whatever the checksum beside it has become.
    let is_doubtful = known.is_none()
        && match seal {
            Seal::Right => false,
            Seal::Wrong => true,
            Seal::Missing => remains.is_some_and(|remains| has_replaced(remains, identity)),
        };
    let mut doubts = Vec::new();
    if is_doubtful {
        doubts.push(Doubt::Content);
    }
    let followed = match (remains, known) {
        (Some(remains), Some(offset)) => follow(remains, offset, identity.clock),
        (Some(remains), None) if is_doubtful || remains.base == Base::Unknown => {
            let followed = follow(remains, RECORDS_START, identity.clock);
            if !followed.changes.is_empty() {
                doubts.push(Doubt::Order);
            }
            followed
        }
        _ => Followed::nothing(remains, identity.clock),
    };
    let fits = known.is_some();
    Line { doubts, fits, ..Line::new(Source::Snapshot(path), Some(text), followed) }
}

/// From where on the journal continues a snapshot, as it says itself.
fn place_of(remains: &Remains, identity: Identity) -> Option<u64> {
    let base = (remains.base == Base::Snapshot(identity)).then_some(RECORDS_START);
    let marks = remains.records.iter().filter_map(|placed| match &placed.record {
        Record::Mark { offset, snapshot } if *snapshot == identity => Some(*offset),
        Record::Mark { .. } | Record::Change(_) | Record::State(_) => None,
    });
    marks.max().or(base)
}

/// Whether the journal continues, or covers, another snapshot with the same clock.
fn has_replaced(remains: &Remains, identity: Identity) -> bool {
    let is_other = |other: Identity| other.clock == identity.clock && other != identity;
    matches!(remains.base, Base::Snapshot(base) if is_other(base))
        || remains.records.iter().any(|placed| match &placed.record {
            Record::Mark { snapshot, .. } => is_other(*snapshot),
            Record::Change(_) | Record::State(_) => false,
        })
}

/// What follows a snapshot in a journal.
struct Followed {
    changes: Vec<(u64, Change)>,
    clock: Clock,
    /// The first good record that does not belong to it.
    unused_from: Option<u64>,
}

impl Followed {
    /// Takes nothing of the journal.
    fn nothing(remains: Option<&Remains>, clock: Clock) -> Self {
        let records = remains.into_iter().flat_map(|remains| &remains.records);
        let mut unused = records.filter(|placed| matches!(placed.record, Record::Change(_)));
        let unused_from = unused.next().map(|placed| placed.offset);
        Self { changes: Vec::new(), clock, unused_from }
    }
}

/// The changes from an offset on that go on from a clock without a gap.
fn follow(remains: &Remains, from: u64, mut clock: Clock) -> Followed {
    let mut changes = Vec::new();
    for placed in remains.records.iter().filter(|placed| placed.offset >= from) {
        match &placed.record {
            Record::Change(change) if clock.checked_add(1) == Some(change.clock) => {
                clock = change.clock;
                changes.push((placed.offset, change.clone()));
            }
            Record::Change(change) if changes.is_empty() && change.clock <= clock => {}
            Record::Mark { .. } => {}
            Record::Change(_) | Record::State(_) => {
                return Followed { changes, clock, unused_from: Some(placed.offset) };
            }
        }
    }
    Followed { changes, clock, unused_from: None }
}
