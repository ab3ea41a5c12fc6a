//! A file on its way to its name.

use super::{Disk, DiskFile};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A new file under a name of its own. Dropping it removes the file, unless it got its final name.
#[derive(Debug)]
pub(in super::super) struct Temporary {
    disk: Arc<dyn Disk>,
    file: Option<Arc<dyn DiskFile>>,
    path: PathBuf,
}

impl Temporary {
    /// Creates an empty file in `dir`, its name between `prefix` and `suffix`.
    pub(in super::super) fn create(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        prefix: &str,
        suffix: &str,
    ) -> io::Result<Self> {
        loop {
            let path = dir.join(format!("{prefix}{:032x}{suffix}", disk.unique()));
            match disk.create(&path) {
                Ok(file) => return Ok(Self { disk: Arc::clone(disk), file: Some(file), path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes all of the bytes.
    pub(in super::super) fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.open_file()?.write_all_at(bytes, offset)
    }

    /// Makes what was written last.
    pub(in super::super) fn sync(&self) -> io::Result<()> {
        self.open_file()?.sync_all()
    }

    /// Gives the file its final name in one step, in place of what had it, and keeps it open.
    pub(in super::super) fn keep(mut self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.rename(&self.path, path)?;
        self.file.take().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn open_file(&self) -> io::Result<&Arc<dyn DiskFile>> {
        self.file.as_ref().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What cannot be removed now goes with the leftovers of killed processes.
            drop(self.disk.remove(&self.path));
        }
    }
}
