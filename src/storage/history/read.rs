//! Reading the history: from the archive, and from the files in use.

use super::{
    super::{
        Change, Damage, Format, StorageError,
        files::Files,
        journal::{Record, Scan, scan},
        recovery::{Found, JournalFile, combine, damaged, find},
    },
    Kind, Segment, contents, snapshot_path,
};
use crate::engine::Clock;
use std::path::{Path, PathBuf};

/// A change that was made at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// Its number.
    pub clock: Clock,
    /// When it was accepted, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whose it is, as [`Change::client`] has it.
    pub client: Box<[u8]>,
}

/// Which changes to list.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Those after this clock.
    pub after: Clock,
    /// Those up to this one: what the room counts as stored.
    pub stored: Clock,
    /// Those that are not older, in milliseconds since 1970.
    pub since_ms: u64,
    /// No more than these.
    pub limit: usize,
}

/// The changes that could be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// By clock.
    pub changes: Vec<PastChange>,
    /// Why changes are missing.
    pub errors: Vec<StorageError>,
}

/// What there is of a room's history at this moment. Nobody may compact the room meanwhile.
struct View<'f> {
    files: &'f Files,
    format: Format,
    /// By base, each below that of the files in use.
    segments: Vec<Segment>,
    /// The files in use, without what is not stored.
    live: Found,
    live_base: Clock,
    stored: Clock,
}

/// Lists changes.
pub(in super::super) fn list(
    files: &Files,
    format: Format,
    wanted: Wanted,
) -> Result<Listing, StorageError> {
    let view = View::open(files, format, wanted.stored)?;
    let mut listing = Listing::default();
    for (index, segment) in view.segments.iter().enumerate() {
        if listing.changes.len() >= wanted.limit {
            break;
        }
        let end = view.end(index);
        if end <= wanted.after || segment.newest_ms < wanted.since_ms {
            continue;
        }
        match changes_of(files, segment) {
            Ok((changes, path)) => {
                let good = changes.last().map_or(segment.base, |change| change.clock);
                if good < end {
                    listing.errors.push(too_short(path, good));
                }
                listing.add(changes, end, wanted);
            }
            Err(error) => listing.errors.push(error),
        }
    }
    listing.add(view.live.changes, wanted.stored, wanted);
    listing.changes.truncate(wanted.limit);
    Ok(listing)
}

/// The room as it was right after the change with this clock: a snapshot's text.
pub(in super::super) fn snapshot_at(
    files: &Files,
    format: Format,
    clock: Clock,
    stored: Clock,
) -> Result<Vec<u8>, StorageError> {
    let view = View::open(files, format, stored)?;
    if clock <= stored && clock >= view.live_base {
        return replay(format, &view.live, clock, &files.journal());
    }
    let mut failed = None;
    let candidates = view.segments.iter().enumerate().rev();
    for (_, segment) in candidates.filter(|(index, segment)| {
        clock <= stored && segment.base <= clock && clock <= view.end(*index)
    }) {
        match view.load(segment, clock) {
            Ok(text) => return Ok(text),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| StorageError::NoHistory { clock, available: view.available() }))
}

impl Listing {
    fn add(&mut self, changes: Vec<Change>, end: Clock, wanted: Wanted) {
        let is_wanted = |change: &Change| {
            change.clock > wanted.after && change.clock <= end && change.time_ms >= wanted.since_ms
        };
        let past = changes.into_iter().filter(is_wanted).map(|change| PastChange {
            clock: change.clock,
            time_ms: change.time_ms,
            client: change.client,
        });
        self.changes.extend(past);
    }
}

impl<'f> View<'f> {
    fn open(files: &'f Files, format: Format, stored: Clock) -> Result<Self, StorageError> {
        let mut live = find(files, format)?;
        if live.clock < stored {
            // The room will notice when it syncs.
            return Err(too_short(files.journal(), live.clock));
        }
        let live_base = live.changes.first().map_or(live.clock, |first| first.clock - 1);
        live.changes.retain(|change| change.clock <= stored);
        let mut segments: Vec<Segment> = contents(files)?
            .into_iter()
            .filter_map(|(kind, _)| match kind {
                Kind::Journal(segment) if segment.base < live_base => Some(segment),
                Kind::Journal(_) | Kind::Snapshot(_) | Kind::Temporary => None,
            })
            .collect();
        segments.sort_unstable();
        Ok(Self { files, format, segments, live, live_base, stored })
    }

    /// The last clock at which a segment is what counts.
    fn end(&self, index: usize) -> Clock {
        let next = self.segments.get(index + 1).map_or(self.live_base, |next| next.base);
        let last = self.segments.get(index).map_or(0, |segment| segment.last);
        last.min(next).min(self.stored)
    }

    /// From and to which clocks the room can be had, in order.
    fn available(&self) -> Vec<(Clock, Clock)> {
        let mut ranges: Vec<(Clock, Clock)> = Vec::new();
        let segments = self.segments.iter().enumerate();
        let ends = segments.map(|(index, segment)| (segment.base, self.end(index)));
        for (base, end) in ends.chain([(self.live_base, self.stored)]) {
            match ranges.last_mut() {
                Some((_, last)) if base <= *last => *last = end.max(*last),
                _ if base <= end => ranges.push((base, end)),
                _ => {}
            }
        }
        ranges
    }

    /// The room at a clock, from a segment and what it continues.
    fn load(&self, segment: &Segment, clock: Clock) -> Result<Vec<u8>, StorageError> {
        let (scan, path) = scanned(self.files, segment)?;
        let journal =
            JournalFile { path: path.clone(), scan: Some(scan), torn_bytes: 0, has_state: false };
        let base = snapshot_path(self.files, segment.base);
        let snapshot = if self.files.exists(&base)? {
            Some(self.files.read_snapshot(base, self.format)?)
        } else {
            None
        };
        let found = combine(self.files, Some(journal), snapshot, self.format)?;
        replay(self.format, &found, clock, &path)
    }
}

/// The text that the changes up to a clock lead to.
fn replay(
    format: Format,
    found: &Found,
    clock: Clock,
    path: &Path,
) -> Result<Vec<u8>, StorageError> {
    let count = found.changes.partition_point(|change| change.clock <= clock);
    let changes = found.changes.get(..count).unwrap_or_default();
    let bad = |damage| StorageError::Damaged { path: path.to_owned(), damage, clock: None };
    let text = (format.replay)(found.text.as_deref(), changes).map_err(bad)?;
    if (format.check)(&text).map_err(bad)? == clock {
        return Ok(text);
    }
    Err(too_short(path.to_owned(), changes.last().map_or(found.clock, |change| change.clock)))
}

/// The changes that a segment has, without what they continue, and where it is.
fn changes_of(files: &Files, segment: &Segment) -> Result<(Vec<Change>, PathBuf), StorageError> {
    let (scan, path) = scanned(files, segment)?;
    let changes = scan.records.into_iter().filter_map(|placed| match placed.record {
        Record::Change(change) if change.clock > segment.base => Some(change),
        Record::Change(_) | Record::Mark { .. } | Record::State(_) => None,
    });
    Ok((changes.collect(), path))
}

fn scanned(files: &Files, segment: &Segment) -> Result<(Scan, PathBuf), StorageError> {
    let path = segment.journal(files);
    let bytes = files.folder.disk.read(&path).map_err(StorageError::io("read", &path))?;
    let scan = scan(&bytes, &files.name).map_err(|flaw| damaged(&path, flaw))?;
    Ok((scan, path))
}

/// The error of a file that should go on.
pub(in super::super) fn too_short(path: PathBuf, clock: Clock) -> StorageError {
    let damage = Damage { offset: None, reason: format!("it ends with the clock {clock}") };
    StorageError::Damaged { path, damage, clock: Some(clock) }
}
