//! A disk that tells what it is asked.

use super::{Disk, DiskFile};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// Forwards to another disk and writes one line for each operation, before it is done: its name,
/// the path, and numbers where it has any. Meant to be compared with a trace of system calls: what
/// is in one and not in the other has bypassed the stores or this layer.
#[derive(Clone)]
pub struct LoggedDisk {
    disk: Arc<dyn Disk>,
    log: Log,
}

#[derive(Clone)]
struct Log {
    out: Arc<Mutex<dyn Write + Send>>,
    /// The names that open files have now, by handle: an operation on a file is told with its name.
    names: Arc<Mutex<BTreeMap<u64, PathBuf>>>,
}

struct LoggedFile {
    file: Arc<dyn DiskFile>,
    handle: u64,
    log: Log,
}

impl LoggedDisk {
    /// Logs what is asked of `disk`. A log that cannot be written loses lines, nothing else.
    pub fn new(disk: Arc<dyn Disk>, log: impl Write + Send + 'static) -> Self {
        Self { disk, log: Log { out: Arc::new(Mutex::new(log)), names: Arc::default() } }
    }

    /// Logs to the end of a file, which is made if it is not there.
    pub fn to_file(disk: Arc<dyn Disk>, log: &Path) -> io::Result<Self> {
        Ok(Self::new(disk, std::fs::File::options().append(true).create(true).open(log)?))
    }

    fn logged(&self, file: Arc<dyn DiskFile>, path: &Path) -> Arc<dyn DiskFile> {
        let mut names = self.log.names();
        let handle = names.last_key_value().map_or(0, |(last, _)| last + 1);
        names.insert(handle, path.to_owned());
        Arc::new(LoggedFile { file, handle, log: self.log.clone() })
    }
}

impl Log {
    fn line(&self, operation: &str, path: &Path, rest: fmt::Arguments<'_>) {
        let line = format!("{operation} {}{rest}\n", path.display());
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        drop(out.write_all(line.as_bytes()));
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<u64, PathBuf>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renamed(&self, from: &Path, to: &Path) {
        for name in self.names().values_mut() {
            if name == to {
                // As Linux tells it.
                name.as_mut_os_string().push(" (deleted)");
            } else if name == from {
                to.clone_into(name);
            }
        }
    }

    fn call(&self, operation: &str, path: &Path) {
        self.line(operation, path, format_args!(""));
    }

    fn pair(&self, operation: &str, from: &Path, to: &Path) {
        self.line(operation, from, format_args!(" {}", to.display()));
    }
}

impl Disk for LoggedDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.log.call("exists", path);
        self.disk.exists(path)
    }

    fn lists(&self, dir: &Path, name: &str) -> io::Result<bool> {
        self.log.call("lists", &dir.join(name));
        self.disk.lists(dir, name)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.log.call("is-dir", path);
        self.disk.is_dir(path)
    }

    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        self.log.call("resolve", dir);
        self.disk.resolve(dir)
    }

    fn list(&self, dir: &Path, limit: usize) -> io::Result<Vec<OsString>> {
        self.log.call("list", dir);
        self.disk.list(dir, limit)
    }

    fn written_at(&self, path: &Path) -> io::Result<SystemTime> {
        self.log.call("written-at", path);
        self.disk.written_at(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.log.call("read", path);
        self.disk.read(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.log.call("create", path);
        Ok(self.logged(self.disk.create(path)?, path))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.log.call("open", path);
        Ok(self.logged(self.disk.open(path)?, path))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        self.log.call("is-locked", path);
        self.disk.is_locked(path)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.log.call("create-dir", dir);
        self.disk.create_dir(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.log.call("remove", path);
        self.disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.log.pair("rename", from, to);
        self.disk.rename(from, to).inspect(|()| self.log.renamed(from, to))
    }

    fn rename_to_free(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.log.pair("rename-to-free", from, to);
        self.disk.rename_to_free(from, to).inspect(|()| self.log.renamed(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.log.pair("link", from, to);
        self.disk.link(from, to)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.log.call("sync-file", path);
        self.disk.sync_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.log.call("sync-dir", dir);
        self.disk.sync_dir(dir)
    }

    fn device(&self, dir: &Path) -> u64 {
        self.disk.device(dir)
    }

    fn unique(&self) -> u128 {
        self.disk.unique()
    }
}

impl LoggedFile {
    fn path(&self) -> PathBuf {
        self.log.names().get(&self.handle).cloned().unwrap_or_default()
    }
}

impl Drop for LoggedFile {
    fn drop(&mut self) {
        self.log.names().remove(&self.handle);
    }
}

impl DiskFile for LoggedFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.log.line("read-at", &self.path(), format_args!(" {offset} {}", bytes.len()));
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.log.line("write-at", &self.path(), format_args!(" {offset} {}", bytes.len()));
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.log.call("sync-data", &self.path());
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.log.call("sync-all", &self.path());
        self.file.sync_all()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.log.call("lock", &self.path());
        self.file.try_lock()
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.log.call("is-at", path);
        self.file.is_at(path)
    }
}

impl fmt::Debug for LoggedDisk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LoggedDisk").field("disk", &self.disk).finish_non_exhaustive()
    }
}

impl fmt::Debug for LoggedFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LoggedFile").field("file", &self.file).finish_non_exhaustive()
    }
}
