//! Temporary files that a killed process left beside a room's file.
//!
//! Nobody can tell whether the writer of such a file is alive: it may be another store of this
//! process or another process. So a file goes only after the file system's own times say that
//! nobody has written it for [`ABANDONED_AFTER`], which no writer that still runs takes. Were it
//! wrong, that writer's rename would fail, and its save with it; the room's file stays whole in any
//! case.

use super::disk::Disk;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The end of every temporary file's name.
pub(super) const SUFFIX: &str = ".heddle-tmp";

const ABANDONED_AFTER: Duration = Duration::from_secs(600);

/// How many names of a directory are looked through. With more rooms than that in one directory a
/// leftover may stay; listing them all at the first save of each would cost the square of their
/// number.
const MAX_LISTED: usize = 4096;

/// What a store knows of leftovers beside its file: nothing before it has listed the directory,
/// which it does once.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    suspects: Option<Box<[PathBuf]>>,
}

/// How the temporary files of a room's file begin. No file of another room does: a room's name has
/// no dots.
pub(super) fn prefix(file_name: &str) -> String {
    format!("{file_name}.")
}

impl Leftovers {
    /// Removes what was abandoned before the room's file was last written. What is too young, or
    /// cannot be removed, waits for the next call: it takes up space, and a save that is complete
    /// must not fail for it.
    pub(super) fn remove(&mut self, disk: &dyn Disk, dir: &Path, file_name: &str) {
        let suspects = match self.suspects.take() {
            Some(suspects) => suspects.into_vec(),
            None => match find(disk, dir, file_name) {
                Ok(found) => found,
                Err(_listed_again_at_the_next_save) => return,
            },
        };
        let saved = dir.join(file_name);
        self.suspects =
            Some(suspects.into_iter().filter(|path| !is_gone(disk, path, &saved)).collect());
    }
}

fn find(disk: &dyn Disk, dir: &Path, file_name: &str) -> io::Result<Vec<PathBuf>> {
    let prefix = prefix(file_name);
    let names = disk.list(dir, MAX_LISTED)?;
    let ours = names.into_iter().filter(|name| {
        name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(SUFFIX))
    });
    Ok(ours.map(|name| dir.join(name)).collect())
}

/// Removes a suspect if it was abandoned; tells whether it is gone, by this or by its writer's
/// hand.
fn is_gone(disk: &dyn Disk, suspect: &Path, saved: &Path) -> bool {
    let age = disk.written_at(suspect).and_then(|then| Ok((then, disk.written_at(saved)?)));
    let removed = match age {
        Ok((then, now)) if now.duration_since(then).is_ok_and(|age| age >= ABANDONED_AFTER) => {
            disk.remove(suspect)
        }
        Ok(_) => return false,
        Err(error) => Err(error),
    };
    removed.map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |()| true)
}
