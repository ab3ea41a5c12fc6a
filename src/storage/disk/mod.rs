//! The disk: every file operation of the stores, as traits, so that a simulated disk can take its
//! place and lose power at any of them.
//!
//! Lives here: the traits, the disk of this machine ([`RealDisk`]), one that keeps a log of what it
//! is asked ([`LoggedDisk`]), and what is built of several operations. Nothing here knows rooms.

mod compound;
mod logged;
mod real;
mod temporary;

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

pub(super) use compound::as_offset;
pub use logged::LoggedDisk;
pub use real::RealDisk;
pub(super) use temporary::Temporary;

/// A file system, as far as stores need one. Each call is one operation: it has happened when it
/// returns, but survives power loss only once a sync of the file, or of the directory, covers it.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Whether anything has this name, a link that leads nowhere included.
    ///
    /// A directory on the way that is such a link (a volume that is not mounted) is an error: what
    /// is behind it is not missing, it is out of sight.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Whether `dir` lists this very name. File systems that fold names answer to others too, and
    /// Windows to the names of devices.
    fn lists(&self, dir: &Path, name: &str) -> io::Result<bool>;

    /// Whether a directory has this name.
    fn is_dir(&self, path: &Path) -> bool;

    /// One path for each directory, whatever links lead to it.
    fn resolve(&self, dir: &Path) -> io::Result<PathBuf>;

    /// The names in a directory, no more than the first `limit`.
    fn list(&self, dir: &Path, limit: usize) -> io::Result<Vec<OsString>>;

    /// When a file was last written, by the clock of its file system.
    fn written_at(&self, path: &Path) -> io::Result<SystemTime>;

    /// The bytes of a file. What is no file is an error: a pipe would be waited for, a device read
    /// without end.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Creates a file that is not there yet, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Whether somebody has the kernel's lock on a file; `false` when there is no such file.
    ///
    /// A kernel answers that only by giving its lock or not. It is returned at once, and whoever
    /// wants it at that moment tries again.
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        match self.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            file => file?.try_lock().map(|is_free| !is_free),
        }
    }

    /// Creates a directory.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Gives a file another name in one step, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// [`rename`](Self::rename), to a name that nothing has.
    fn rename_to_free(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, one that nothing has.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the bytes of a file last that somebody else wrote.
    fn sync_file(&self, path: &Path) -> io::Result<()>;

    /// Makes created, renamed and removed names in a directory last.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// The number of the device that a directory is on; 0 where that cannot be told.
    fn device(&self, _dir: &Path) -> u64 {
        0
    }

    /// A number that no other call returns, of any process on any machine.
    fn unique(&self) -> u128;
}

/// An open file. Calls may come from several threads at once.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads into `bytes` and tells how many there were; 0 at the end of the file.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of `bytes` and tells how many.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Makes the bytes last, and of the rest what reading them needs.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes the bytes last, and all that is known about the file.
    fn sync_all(&self) -> io::Result<()>;

    /// Takes the kernel's lock on the file, which ends with the last handle to it; `false` when
    /// somebody else has it.
    fn try_lock(&self) -> io::Result<bool>;

    /// Whether the name still leads to this file. Where that cannot be told, whether it leads to
    /// any.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}
