//! Which rooms a directory holds, told by the names in it.

use super::super::{
    StorageError,
    disk::Disk,
    leftovers::SUFFIX,
    names::{self, Encoded},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What the names in a directory say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The rooms, in the order of their file names.
    pub rooms: Vec<RoomName>,
    /// What belongs to no room that could be opened, in the order of the names.
    pub leftovers: Vec<Leftover>,
}

/// What a room's files are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName {
    /// The room's id; `None` where its name does not tell.
    pub id: Option<Vec<u16>>,
    /// The name of its snapshot file, there or not.
    pub file: String,
    /// The name of a file of the peer's that stands in for it.
    pub legacy_file: Option<String>,
}

/// A file that heddle made and that no room needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its name.
    pub file: String,
    /// What it is.
    pub kind: LeftoverKind,
}

/// What a file is that no room needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftoverKind {
    /// A file on its way to its name: somebody is writing it, or was killed meanwhile.
    Temporary,
    /// What a save found and could not read.
    SetAside,
    /// What was salvaged, and has not been put in place.
    Salvaged,
    /// A file of the peer's whose room has a newer one.
    Superseded,
    /// A journal that was never synced, beside one that was.
    UnusedJournal,
    /// The lock file of an owner that died before it wrote anything.
    Lock,
}

impl RoomName {
    /// What the files of the room with this id are called.
    pub fn of(id: &[u16]) -> Self {
        let (file, legacy_file) = (names::file_name(id), names::legacy_name(id));
        Self { id: Some(id.to_owned()), file, legacy_file }
    }
}

/// The names of one room.
#[derive(Default)]
struct Names {
    id: Option<Vec<u16>>,
    parts: BTreeSet<Part>,
    legacy: Option<String>,
}

/// A file of a room's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Snapshot,
    Journal,
    NewJournal,
    Lock,
}

/// Whose a name is, and what for.
enum Name<'n> {
    Own(&'n str, Encoded, Part),
    Legacy(Vec<u16>),
    Leftover(LeftoverKind),
    Foreign,
}

/// Lists the rooms in a directory. Names that heddle gives to nothing are passed over.
pub fn survey(disk: &dyn Disk, dir: &Path) -> Result<Survey, StorageError> {
    let mut found: BTreeMap<String, Names> = BTreeMap::new();
    let mut leftovers = Vec::new();
    let names = disk.list(dir, usize::MAX).map_err(StorageError::io("list", dir))?;
    for file in names.into_iter().filter_map(|name| name.into_string().ok()) {
        match read(&file) {
            Name::Own(stem, encoded, part) => {
                let names = found.entry(stem.to_owned()).or_default();
                names.parts.insert(part);
                if let Encoded::Id(id) = encoded {
                    names.id = Some(id);
                }
            }
            Name::Legacy(id) => {
                let own = names::file_name(&id);
                let names = found.entry(stem(&own).to_owned()).or_default();
                names.id = Some(id);
                names.legacy = Some(file);
            }
            Name::Leftover(kind) => leftovers.push(Leftover { file, kind }),
            Name::Foreign => {}
        }
    }
    let mut rooms = Vec::new();
    for (stem, names) in found {
        settle(disk, dir, stem, names, &mut rooms, &mut leftovers);
    }
    leftovers.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(Survey { rooms, leftovers })
}

/// Adds a room, and what it does not need.
fn settle(
    disk: &dyn Disk,
    dir: &Path,
    stem: String,
    names: Names,
    rooms: &mut Vec<RoomName>,
    leftovers: &mut Vec<Leftover>,
) {
    let Names { id, parts, mut legacy } = names;
    if parts.contains(&Part::Snapshot)
        && let Some(file) = legacy.take()
    {
        leftovers.push(Leftover { file, kind: LeftoverKind::Superseded });
    }
    if parts.contains(&Part::Journal) && parts.contains(&Part::NewJournal) {
        let file = format!("{stem}.journal-new");
        leftovers.push(Leftover { file, kind: LeftoverKind::UnusedJournal });
    }
    if legacy.is_none() && parts.iter().all(|part| *part == Part::Lock) {
        let file = format!("{stem}.lock");
        let path = dir.join(&file);
        if !disk.is_locked(&path).unwrap_or(false) {
            // Others have lock files too.
            if disk.read(&path).is_ok_and(|text| is_lock(&text)) {
                leftovers.push(Leftover { file, kind: LeftoverKind::Lock });
            }
            return;
        }
    }
    rooms.push(RoomName { id, file: stem + names::EXTENSION, legacy_file: legacy });
}

/// Whether this is how heddle writes a lock file.
fn is_lock(text: &[u8]) -> bool {
    text.len() == 33 && text.trim_ascii_end().iter().all(u8::is_ascii_digit)
}

fn read(file: &str) -> Name<'_> {
    if file.ends_with(SUFFIX) {
        return Name::Leftover(LeftoverKind::Temporary);
    }
    if is_numbered(file, ".damaged-", &[names::EXTENSION, ".journal", ".journal-new"]) {
        return Name::Leftover(LeftoverKind::SetAside);
    }
    let Some((stem, extension)) = file.rsplit_once('.') else { return Name::Foreign };
    let room = stem.split_once('.').map_or(stem, |(room, _)| room);
    if extension == "json"
        && is_numbered(stem, ".salvaged-", &[room])
        && names::decode(room).is_some()
    {
        return Name::Leftover(LeftoverKind::Salvaged);
    }
    match (names::decode(stem), extension) {
        (Some(encoded), "json") => Name::Own(stem, encoded, Part::Snapshot),
        (Some(encoded), "journal") => Name::Own(stem, encoded, Part::Journal),
        (Some(encoded), "journal-new") => Name::Own(stem, encoded, Part::NewJournal),
        (Some(encoded), "lock") => Name::Own(stem, encoded, Part::Lock),
        (None, "json") => {
            let id: Vec<u16> = stem.encode_utf16().collect();
            match names::legacy_name(&id) {
                Some(_) => Name::Legacy(id),
                None => Name::Foreign,
            }
        }
        _ => Name::Foreign,
    }
}

/// Whether a name is something that ends in one of these ways, then the word and a number.
fn is_numbered(name: &str, word: &str, ends: &[&str]) -> bool {
    let Some((before, number)) = name.rsplit_once(word) else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && ends.iter().any(|end| before.ends_with(end))
}

fn stem(file: &str) -> &str {
    file.strip_suffix(names::EXTENSION).unwrap_or(file)
}
