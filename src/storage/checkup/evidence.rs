//! What is left of a room: what its files say, each on its own, and the ways to put it together.

use super::{
    super::{
        Change, Format, StorageError,
        checksum::{Identity, bare, unseal},
        disk::as_offset,
        files::Files,
        journal::{Base, RECORDS_START, Record, Remains, scan_remains},
        recovery::read_journal_bytes,
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
    /// Whether its checksum is another one than it says.
    is_changed: bool,
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
    pub(super) clock: Clock,
    pub(super) doubts: Vec<Doubt>,
    /// Whether it is known that the changes were made on the snapshot.
    fits: bool,
}

impl Evidence {
    /// Reads what can be read. What cannot has been found and told before.
    pub(super) fn gather(files: &Files, format: Format) -> Self {
        let journal = read_journal_bytes(files).ok().flatten().and_then(|(path, bytes)| {
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
    let bytes = files.disk.read(&path).map_err(StorageError::io("read", &path))?;
    let text = bare(&bytes).into_owned();
    let is_changed = unseal(bytes).is_err();
    Ok((format.check)(&text).ok().map(|clock| {
        let identity = Identity::of(&text, clock);
        Sheet { path, text, identity, is_changed }
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
    let (changes, clock) = follow(remains, offset + 1, clock);
    Some(Line {
        source: Source::State,
        text: Some(text.clone()),
        changes,
        clock,
        doubts: Vec::new(),
        fits: true,
    })
}

/// From an empty room, which is where the journal says that it begins, or its first change does.
fn line_of_beginning(remains: &Remains) -> Option<Line> {
    if matches!(remains.base, Base::Snapshot(_)) {
        return None;
    }
    let (changes, clock) = follow(remains, RECORDS_START, 0);
    if changes.is_empty() {
        return None;
    }
    let source = Source::Beginning;
    Some(Line { source, text: None, changes, clock, doubts: Vec::new(), fits: true })
}

/// From the snapshot file, with the changes that were made on it, or that seem to be.
fn line_of_sheet(sheet: Sheet, remains: Option<&Remains>) -> Line {
    let Sheet { path, text, identity, is_changed } = sheet;
    let known = remains.and_then(|remains| place_of(remains, identity));
    // What names the very text proves it right, whatever the checksum beside it has become.
    let is_doubtful = is_changed && known.is_none();
    let mut doubts = Vec::new();
    if is_doubtful {
        doubts.push(Doubt::Content);
    }
    let (changes, clock) = match (remains, known) {
        (Some(remains), Some(offset)) => follow(remains, offset, identity.clock),
        (Some(remains), None) if is_doubtful || remains.base == Base::Unknown => {
            let (changes, clock) = follow(remains, RECORDS_START, identity.clock);
            if !changes.is_empty() {
                doubts.push(Doubt::Order);
            }
            (changes, clock)
        }
        _ => (Vec::new(), identity.clock),
    };
    let source = Source::Snapshot(path);
    Line { source, text: Some(text), changes, clock, doubts, fits: known.is_some() }
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

/// The changes from an offset on that go on from a clock without a gap.
fn follow(remains: &Remains, from: u64, mut clock: Clock) -> (Vec<(u64, Change)>, Clock) {
    let mut changes = Vec::new();
    for placed in remains.records.iter().filter(|placed| placed.offset >= from) {
        match &placed.record {
            Record::Change(change) if clock.checked_add(1) == Some(change.clock) => {
                clock = change.clock;
                changes.push((placed.offset, change.clone()));
            }
            Record::Change(change) if changes.is_empty() && change.clock <= clock => {}
            Record::Mark { .. } => {}
            Record::Change(_) | Record::State(_) => break,
        }
    }
    (changes, clock)
}
