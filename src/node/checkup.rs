//! Looking at rooms from outside, for lib/commands/checkup.js. The calls block: they are for a program that does nothing else.

use std::path::{Path, PathBuf};

use napi::bindgen_prelude::Utf16String;
use napi_derive::napi;

use super::{
    error::{CodedError, coded, storage_code},
    room::number,
};
use crate::{
    engine::Clock,
    server::{CANVAS, Census, inspect, salvage},
    storage::{
        Doubt, Inspection, LeftoverKind, Loss, RealDisk, Rescue, RoomFiles, RoomName, Salvage,
        Source, StorageError, survey,
    },
};

/// The rooms of a directory.
#[derive(Debug)]
#[napi(object)]
pub struct NativeSurvey {
    /// In the order of their file names.
    pub rooms: Vec<NativeRoomName>,
    /// What belongs to no room that could be opened.
    pub leftovers: Vec<NativeLeftover>,
}

/// What a room's files are called.
#[napi(object)]
pub struct NativeRoomName {
    /// Missing where the name does not tell it.
    pub id: Option<Utf16String>,
    /// The snapshot file's name, there or not.
    pub file: String,
    /// The name of a file of the peer's that stands in for it.
    pub legacy_file: Option<String>,
}

/// A file that no room needs.
#[derive(Debug)]
#[napi(object)]
pub struct NativeLeftover {
    /// Its name.
    pub file: String,
    /// `temporary`, `set-aside`, `salvaged`, `superseded`, `unused-journal` or `lock`.
    pub kind: String,
}

/// The state of a room's files.
#[derive(Debug)]
#[napi(object)]
pub struct NativeInspection {
    /// Whether somebody has the room open.
    pub is_open: bool,
    /// That process, where it could be told.
    pub owner_pid: Option<u32>,
    /// The last clock that is known to be good.
    pub clock: Option<f64>,
    /// Alive ones.
    pub components: Option<f64>,
    /// Deleted ones.
    pub tombstones: Option<f64>,
    /// Missing when there is no snapshot.
    pub snapshot_bytes: Option<f64>,
    /// Missing when there is no journal.
    pub journal_bytes: Option<f64>,
    /// How many changes the journal has that the snapshot lacks.
    pub changes: f64,
    /// What is torn at the journal's end.
    pub torn_bytes: f64,
    /// What is wrong.
    pub problems: Vec<NativeProblem>,
    /// Whether that may be only that the files are being written.
    pub is_passing: bool,
}

/// Something that is wrong with a room's files.
#[derive(Debug)]
#[napi(object)]
pub struct NativeProblem {
    /// `HEDDLE_DAMAGED_FILE`, `HEDDLE_STORAGE` or `HEDDLE_ROOM_LOCKED`.
    pub code: String,
    /// The file.
    pub path: String,
    /// Where in it.
    pub offset: Option<f64>,
    /// Up to which clock it is good.
    pub clock: Option<f64>,
    /// What is wrong.
    pub reason: String,
}

/// What became of salvaging a room.
#[derive(Debug)]
#[napi(object)]
pub struct NativeSalvage {
    /// `absent`, `healthy`, `rescued` or `hopeless`.
    pub outcome: String,
    /// Of a healthy room, and of what was rescued.
    pub clock: Option<f64>,
    /// What is wrong with the files.
    pub problems: Vec<NativeProblem>,
    /// The file that was written. What follows is there only with it.
    pub path: Option<String>,
    /// Alive ones.
    pub components: Option<f64>,
    /// Deleted ones.
    pub tombstones: Option<f64>,
    /// What it begins with: `snapshot`, `state` or `beginning`.
    pub source: Option<String>,
    /// How many changes of the journal it has on top of that.
    pub changes: Option<f64>,
    /// Whether some of what it says may be wrong.
    pub is_content_doubtful: Option<bool>,
    /// Whether only clocks tell that its changes were made on that.
    pub is_order_doubtful: Option<bool>,
    /// The end of the journal that is not in it.
    pub loss: Option<NativeLoss>,
    /// The room's files.
    pub files: Option<Vec<String>>,
}

/// The end of a journal that was not rescued.
#[derive(Debug)]
#[napi(object)]
pub struct NativeLoss {
    /// The journal.
    pub path: String,
    /// Where it begins.
    pub offset: f64,
    /// How long it is.
    pub bytes: f64,
    /// The clock up to which the journal had been synced, where that is known and is lost.
    pub synced_clock: Option<f64>,
}

/// Lists the rooms in a directory. Throws `HEDDLE_STORAGE` when it cannot be read.
#[napi]
pub fn survey_rooms(dir: String) -> Result<NativeSurvey, CodedError> {
    let found = survey(&RealDisk, Path::new(&dir)).map_err(|error| thrown(&error))?;
    let leftovers = found.leftovers.into_iter();
    Ok(NativeSurvey {
        rooms: found.rooms.into_iter().map(NativeRoomName::from).collect(),
        leftovers: leftovers
            .map(|leftover| NativeLeftover {
                file: leftover.file,
                kind: kind(leftover.kind).to_owned(),
            })
            .collect(),
    })
}

/// What the files of the room `roomId` are called.
#[napi]
pub fn room_name(room_id: Utf16String) -> NativeRoomName {
    RoomName::of(&room_id).into()
}

/// Reads a room's files and changes nothing.
#[napi]
pub fn inspect_room(dir: String, room: NativeRoomName) -> NativeInspection {
    let (inspection, census) = inspect(&files(&dir, room));
    let Inspection { owner, changes, problems, is_passing, .. } = &inspection;
    NativeInspection {
        is_open: owner.is_some(),
        owner_pid: owner.and_then(|owner| owner.pid),
        clock: inspection.clock.map(number),
        components: census.map(|census| count(census.components)),
        tombstones: census.map(|census| count(census.tombstones)),
        snapshot_bytes: inspection.snapshot_bytes.map(number),
        journal_bytes: inspection.journal_bytes.map(number),
        changes: count(changes.len()),
        torn_bytes: number(inspection.torn_bytes),
        problems: problems.iter().map(problem).collect(),
        is_passing: *is_passing,
    }
}

/// Writes what can be read of a damaged room beside it. Throws `HEDDLE_ROOM_LOCKED` when somebody has it open, and
/// `HEDDLE_STORAGE` when it cannot be read at all or nothing can be written.
#[napi]
pub fn salvage_room(dir: String, room: NativeRoomName) -> Result<NativeSalvage, CodedError> {
    let (salvage, census) = salvage(&files(&dir, room)).map_err(|error| thrown(&error))?;
    Ok(match salvage {
        Salvage::Absent => ended("absent", None, &[]),
        Salvage::Healthy(clock) => ended("healthy", Some(clock), &[]),
        Salvage::Hopeless(problems) => ended("hopeless", None, &problems),
        Salvage::Rescued(rescue) => rescued(rescue, census),
    })
}

fn ended(outcome: &str, clock: Option<Clock>, problems: &[StorageError]) -> NativeSalvage {
    NativeSalvage {
        outcome: outcome.to_owned(),
        clock: clock.map(number),
        problems: problems.iter().map(problem).collect(),
        path: None,
        components: None,
        tombstones: None,
        source: None,
        changes: None,
        is_content_doubtful: None,
        is_order_doubtful: None,
        loss: None,
        files: None,
    }
}

fn rescued(rescue: Rescue, census: Option<Census>) -> NativeSalvage {
    let source = match rescue.source {
        Source::Snapshot(_) => "snapshot",
        Source::State => "state",
        Source::Beginning => "beginning",
    };
    let loss = rescue.loss.map(|Loss { path, offset, bytes, synced }| NativeLoss {
        path: text(&path),
        offset: number(offset),
        bytes: number(bytes),
        synced_clock: synced.map(number),
    });
    NativeSalvage {
        path: Some(text(&rescue.path)),
        components: census.map(|census| count(census.components)),
        tombstones: census.map(|census| count(census.tombstones)),
        source: Some(source.to_owned()),
        changes: Some(count(rescue.changes)),
        is_content_doubtful: Some(rescue.doubts.contains(&Doubt::Content)),
        is_order_doubtful: Some(rescue.doubts.contains(&Doubt::Order)),
        loss,
        files: Some(rescue.files.iter().map(|path| text(path)).collect()),
        ..ended("rescued", Some(rescue.clock), &rescue.problems)
    }
}

fn files(dir: &str, room: NativeRoomName) -> RoomFiles {
    let id = room.id.map(|id| id.to_vec());
    let room = RoomName { id, file: room.file, legacy_file: room.legacy_file };
    RoomFiles::new(dir, &room, CANVAS)
}

impl From<RoomName> for NativeRoomName {
    fn from(RoomName { id, file, legacy_file }: RoomName) -> Self {
        Self { id: id.map(Utf16String::from), file, legacy_file }
    }
}

impl std::fmt::Debug for NativeRoomName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NativeRoomName").field("file", &self.file).finish_non_exhaustive()
    }
}

fn kind(kind: LeftoverKind) -> &'static str {
    match kind {
        LeftoverKind::Temporary => "temporary",
        LeftoverKind::SetAside => "set-aside",
        LeftoverKind::Salvaged => "salvaged",
        LeftoverKind::Superseded => "superseded",
        LeftoverKind::UnusedJournal => "unused-journal",
        LeftoverKind::Lock => "lock",
    }
}

fn problem(error: &StorageError) -> NativeProblem {
    // What concerns an archive names no file of the room.
    let nowhere = PathBuf::new();
    let (path, offset, clock, reason) = match error {
        StorageError::Damaged { path, damage, clock } => {
            (path, damage.offset, *clock, damage.reason.clone())
        }
        StorageError::Io { operation, path, source } => {
            (path, None, None, format!("could not {operation} it: {source}"))
        }
        StorageError::NameTaken { path }
        | StorageError::Locked { path, .. }
        | StorageError::Poisoned { path } => (path, None, None, error.to_string()),
        StorageError::NoHistory { .. } | StorageError::History { .. } => {
            (&nowhere, None, None, error.to_string())
        }
    };
    let (code, path) = (storage_code(error).to_owned(), text(path));
    NativeProblem { code, path, offset: offset.map(number), clock: clock.map(number), reason }
}

fn thrown(error: &StorageError) -> CodedError {
    coded(storage_code(error), error)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn count(length: usize) -> f64 {
    number(u64::try_from(length).unwrap_or(u64::MAX))
}
