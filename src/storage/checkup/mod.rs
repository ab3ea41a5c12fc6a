//! Looking at rooms from outside: which a directory holds ([`survey()`]), in what state their files
//! are ([`RoomFiles::inspect`]), and what can be had of damaged ones ([`RoomFiles::salvage`]).
//!
//! Nothing here changes or removes a file of a room, whatever state it is in: inspecting only
//! reads, salvaging adds one file.

mod evidence;
mod inspect;
mod salvage;
mod survey;

use super::{
    Format,
    disk::{Disk, RealDisk},
    files::Files,
};
use std::{path::PathBuf, sync::Arc};

pub use inspect::Inspection;
pub use salvage::{Doubt, Loss, Rescue, Salvage, Source};
pub use survey::{Leftover, LeftoverKind, RoomName, Survey, survey};

/// The files of a room that somebody else may have open.
#[derive(Debug)]
pub struct RoomFiles {
    files: Files,
    format: Format,
}

impl RoomFiles {
    /// The files of a room in `dir`, which need not exist.
    pub fn new(dir: impl Into<PathBuf>, room: &RoomName, format: Format) -> Self {
        Self::new_on(Arc::new(RealDisk), dir, room, format)
    }

    /// [`new`](Self::new) on another disk than this machine's.
    pub fn new_on(
        disk: Arc<dyn Disk>,
        dir: impl Into<PathBuf>,
        room: &RoomName,
        format: Format,
    ) -> Self {
        let files = Files::named(disk, dir.into(), room.file.clone(), room.legacy_file.clone());
        Self { files, format }
    }
}
