//! What takes several operations of a disk.

use super::{Disk, DiskFile};
use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The directories whose names were made to last. No other lock is taken under this one.
static LASTING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn lasting() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LASTING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl dyn Disk + '_ {
    /// Whether a name that exists is there only in another spelling. `name` is lower-case ASCII,
    /// and has letters.
    pub(in super::super) fn spelled_otherwise(&self, dir: &Path, name: &str) -> io::Result<bool> {
        // Where capitals are another file, nothing is folded.
        Ok(self.exists(&dir.join(name.to_ascii_uppercase()))? && !self.lists(dir, name)?)
    }

    /// Creates a directory and those above it where they are not there, and makes its name last
    /// where this process has not done so yet: whoever created it may have died before that.
    pub(in super::super) fn create_dirs(&self, dir: &Path) -> io::Result<()> {
        let is_there = self.is_dir(dir);
        if is_there {
            let resolved = self.resolve(dir)?;
            if resolved.parent().is_none() || lasting().contains(&resolved) {
                return Ok(());
            }
        }
        let parent = match dir.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !is_there {
            if parent != dir {
                self.create_dirs(parent)?;
            }
            match self.create_dir(dir) {
                // Somebody else was quicker.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && self.is_dir(dir) => {}
                created => created?,
            }
        }
        match self.sync_dir(parent) {
            // Who may not read it can only hope.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        let resolved = self.resolve(dir)?;
        lasting().insert(resolved);
        Ok(())
    }

    /// Gives a file a second name, `<file>.damaged-<n>` with the smallest free n, so that its own
    /// can be written over. On file systems without links, and for files that are somebody else's,
    /// it loses its own name.
    pub(in super::super) fn link_aside(&self, path: &Path) -> io::Result<()> {
        if self.is_dir(path) {
            return Err(ErrorKind::IsADirectory.into());
        }
        // Why it cannot be linked is of no interest: whether it can be renamed decides.
        to_free_name(path, |free| self.link(path, free)).or_else(|_| self.move_aside(path))
    }

    /// Renames a file to `<file>.damaged-<n>` with the smallest free n.
    pub(in super::super) fn move_aside(&self, path: &Path) -> io::Result<()> {
        to_free_name(path, |free| self.rename_to_free(path, free))
    }

    /// Removes a file that may be gone already.
    pub(in super::super) fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match self.remove(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

impl dyn DiskFile + '_ {
    /// Writes all of `bytes`. After an error any part of them may be in the file.
    pub(in super::super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            match self.write_at(rest, at) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    at += as_offset(written);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The bytes from one offset to another; fewer than these is an error.
    pub(in super::super) fn read_between(&self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(to.saturating_sub(from)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, from + as_offset(filled)) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }
}

/// A length of memory as one on the disk.
pub(in super::super) fn as_offset(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Tries the names for damaged files in turn; the attempt itself finds out which is free, so that
/// nothing can come in between. A file that is gone needs none.
fn to_free_name(path: &Path, attempt: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let mut number = 1_u64;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        match attempt(&PathBuf::from(name)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            outcome => return outcome,
        }
    }
}
