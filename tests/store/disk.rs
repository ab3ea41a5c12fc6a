//! This machine's disk, with a gate before what is written and synced.

use heddle::storage::{Disk, DiskFile, RealDisk};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    time::SystemTime,
};

/// What a gated operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    /// Appends and syncs wait until the mode is another one.
    Hangs,
    /// Syncs wait; appends work.
    SyncsHang,
    /// No space is left.
    Full,
}

/// The disk, and how it does at the moment.
#[derive(Clone, Debug)]
pub(crate) struct GatedDisk {
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    mode: Mutex<Mode>,
    changed: Condvar,
}

#[derive(Debug)]
struct GatedFile {
    file: Arc<dyn DiskFile>,
    gate: Arc<Gate>,
}

impl GatedDisk {
    pub(crate) fn new() -> Self {
        Self { gate: Arc::new(Gate { mode: Mutex::new(Mode::Works), changed: Condvar::new() }) }
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.gate.mode.lock().unwrap() = mode;
        self.gate.changed.notify_all();
    }

    fn gated(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(GatedFile { file, gate: Arc::clone(&self.gate) })
    }
}

impl Gate {
    fn pass(&self, is_sync: bool) -> io::Result<()> {
        let blocks =
            |mode: &mut Mode| *mode == Mode::Hangs || (*mode == Mode::SyncsHang && is_sync);
        let mode = self.changed.wait_while(self.mode.lock().unwrap(), blocks).unwrap();
        if *mode == Mode::Full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for GatedDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        RealDisk.exists(path)
    }

    fn lists(&self, dir: &Path, name: &str) -> io::Result<bool> {
        RealDisk.lists(dir, name)
    }

    fn is_dir(&self, path: &Path) -> bool {
        RealDisk.is_dir(path)
    }

    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        RealDisk.resolve(dir)
    }

    fn list(&self, dir: &Path, limit: usize) -> io::Result<Vec<OsString>> {
        RealDisk.list(dir, limit)
    }

    fn written_at(&self, path: &Path) -> io::Result<SystemTime> {
        RealDisk.written_at(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        RealDisk.read(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.create(path).map(|file| self.gated(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path).map(|file| self.gated(file))
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.create_dir(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn rename_to_free(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename_to_free(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.gate.pass(true).and_then(|()| RealDisk.sync_file(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.gate.pass(true).and_then(|()| RealDisk.sync_dir(dir))
    }

    fn unique(&self) -> u128 {
        RealDisk.unique()
    }
}

impl DiskFile for GatedFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.gate.pass(false).and_then(|()| self.file.write_at(bytes, offset))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass(true).and_then(|()| self.file.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.gate.pass(true).and_then(|()| self.file.sync_all())
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.file.try_lock()
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.file.is_at(path)
    }
}
