//! The simulated disk: the stores' operations on an [`Image`], with a log of them and faults.

use crate::image::{Image, Op};
use heddle::storage::{Disk, DiskFile};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

static NEXT_WORLD: AtomicU64 = AtomicU64::new(0);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full: what needs room fails.
    NoSpace,
    /// Input or output failed.
    Io,
    /// Half of a write is done, then the disk is full.
    ShortThenNoSpace,
    /// Half of a write is done, without an error.
    Short,
}

/// What a disk does not do, for tests of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    /// Syncs of files do nothing.
    Files,
    /// Syncs of directories do nothing.
    Directories,
    /// A file has one name only.
    Links,
}

/// What else happens while a file is synced.
type Meanwhile = Arc<dyn Fn() + Send + Sync>;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk(Arc<Mutex<World>>);

struct World {
    number: u64,
    image: Image,
    log: Vec<Op>,
    next_file: u64,
    next_unique: u128,
    /// The handle that has the lock on a file.
    locks: BTreeMap<u64, u64>,
    next_handle: u64,
    calls: u64,
    /// From this call on, for so many calls.
    fault: Option<(u64, u64, Fault)>,
    lie: Lie,
    meanwhile: Option<Meanwhile>,
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: u64,
    handle: u64,
}

impl SimDisk {
    pub(crate) fn new(image: Image, lie: Lie) -> Self {
        let number = NEXT_WORLD.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Mutex::new(World {
            number,
            image,
            log: Vec::new(),
            next_file: 1000 * (number + 1),
            next_unique: u128::from(number) << 64,
            locks: BTreeMap::new(),
            next_handle: 0,
            calls: 0,
            fault: None,
            lie,
            meanwhile: None,
        })))
    }

    /// Lets `count` calls fail, from the given one on.
    pub(crate) fn fail(&self, first: u64, count: u64, fault: Fault) {
        self.world().fault = Some((first, count, fault));
    }

    /// Does something during each sync of a file.
    pub(crate) fn during_syncs(&self, meanwhile: Option<Meanwhile>) {
        self.world().meanwhile = meanwhile;
    }

    pub(crate) fn calls(&self) -> u64 {
        self.world().calls
    }

    /// How many operations changed something so far.
    pub(crate) fn moment(&self) -> usize {
        self.world().log.len()
    }

    pub(crate) fn log(&self) -> Vec<Op> {
        self.world().log.clone()
    }

    pub(crate) fn image(&self) -> Image {
        self.world().image.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn handle(&self, file: u64) -> Arc<dyn DiskFile> {
        let handle = {
            let mut world = self.world();
            world.next_handle += 1;
            world.next_handle
        };
        Arc::new(SimFile { disk: self.clone(), file, handle })
    }
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World").field("number", &self.number).finish_non_exhaustive()
    }
}

impl World {
    fn due(&mut self) -> Option<Fault> {
        let call = self.calls;
        self.calls += 1;
        let (first, count, fault) = self.fault?;
        (first..first + count).contains(&call).then_some(fault)
    }

    /// Counts a call that may fail.
    fn call(&mut self, needs_room: bool) -> io::Result<()> {
        match self.due() {
            Some(Fault::Io) => Err(io::Error::other("input/output error")),
            Some(Fault::NoSpace | Fault::ShortThenNoSpace) if needs_room => {
                Err(ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    fn done(&mut self, op: Op) {
        self.image.apply(&op);
        self.log.push(op);
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        self.image.file(path).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Disk for SimDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        let mut world = self.world();
        world.call(false)?;
        Ok(world.image.is_dir(path) || world.image.file(path).is_some())
    }

    fn lists(&self, dir: &Path, name: &str) -> io::Result<bool> {
        self.exists(&dir.join(name))
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.world().image.is_dir(path)
    }

    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        let mut world = self.world();
        world.call(false)?;
        let Some(name) = dir.file_name() else { return Ok(dir.to_owned()) };
        Ok(PathBuf::from(format!("sim-{}", world.number)).join(name))
    }

    fn list(&self, dir: &Path, limit: usize) -> io::Result<Vec<OsString>> {
        let mut world = self.world();
        world.call(false)?;
        let names = world.image.names().filter(|path| path.parent() == Some(dir)).take(limit);
        Ok(names.map(|path| path.file_name().unwrap().to_owned()).collect())
    }

    fn written_at(&self, path: &Path) -> io::Result<SystemTime> {
        self.world().find(path).map(|_| SystemTime::UNIX_EPOCH)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut world = self.world();
        world.call(false)?;
        let file = world.find(path)?;
        Ok(world.image.bytes(file).to_vec())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = {
            let mut world = self.world();
            world.call(true)?;
            if world.image.file(path).is_some() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            if !world.image.is_dir(path.parent().unwrap()) {
                return Err(ErrorKind::NotFound.into());
            }
            let file = world.next_file;
            world.next_file += 1;
            world.done(Op::Create(path.to_owned(), file));
            file
        };
        Ok(self.handle(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = {
            let mut world = self.world();
            world.call(false)?;
            world.find(path)?
        };
        Ok(self.handle(file))
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call(true)?;
        world.done(Op::CreateDir(dir.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call(false)?;
        world.find(path)?;
        world.done(Op::Remove(path.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call(true)?;
        world.find(from)?;
        world.done(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn rename_to_free(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.exists(to)? {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call(true)?;
        world.find(from)?;
        if world.lie == Lie::Links {
            return Err(ErrorKind::Unsupported.into());
        }
        if world.image.file(to).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        world.done(Op::Link(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.open(path)?.sync_all()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.call(false)?;
        if world.lie != Lie::Directories {
            world.done(Op::SyncDir(dir.to_owned()));
        }
        Ok(())
    }

    fn unique(&self) -> u128 {
        let mut world = self.world();
        world.next_unique += 1;
        world.next_unique
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        world.call(false)?;
        let shown = world.image.bytes(self.file);
        let rest = shown.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut world = self.disk.world();
        let (count, outcome) = match world.due() {
            None => (bytes.len(), Ok(bytes.len())),
            Some(Fault::Io) => (0, Err(io::Error::other("input/output error"))),
            Some(Fault::NoSpace) => (0, Err(ErrorKind::StorageFull.into())),
            Some(Fault::Short) => (bytes.len().div_ceil(2), Ok(bytes.len().div_ceil(2))),
            Some(Fault::ShortThenNoSpace) => {
                (bytes.len().div_ceil(2), Err(ErrorKind::StorageFull.into()))
            }
        };
        if count > 0 {
            let offset = usize::try_from(offset).unwrap();
            let bytes = bytes[..count].to_vec();
            world.done(Op::Write { file: self.file, offset, bytes });
        }
        outcome
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn sync_all(&self) -> io::Result<()> {
        let meanwhile = self.disk.world().meanwhile.clone();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        let mut world = self.disk.world();
        if let Err(error) = world.call(true) {
            world.done(Op::LoseFile(self.file));
            return Err(error);
        }
        if world.lie != Lie::Files {
            world.done(Op::SyncFile(self.file));
        }
        Ok(())
    }

    fn try_lock(&self) -> io::Result<bool> {
        let mut world = self.disk.world();
        world.call(false)?;
        Ok(*world.locks.entry(self.file).or_insert(self.handle) == self.handle)
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let mut world = self.disk.world();
        world.call(false)?;
        Ok(world.image.file(path) == Some(self.file))
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut world = self.disk.world();
        if world.locks.get(&self.file) == Some(&self.handle) {
            world.locks.remove(&self.file);
        }
    }
}
