//! The files of one room: their names, and how its snapshot is read and put in place.

use super::{
    Format, StorageError,
    checksum::{Identity, seal, unseal},
    disk::{Disk, Temporary, as_offset},
    journal::Header,
    latest::Latest,
    leftovers, names,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where a room's files are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) folder: Arc<Folder>,
    /// The snapshot's file name.
    pub(super) name: Box<str>,
    legacy_name: Option<Box<str>>,
}

/// A directory that rooms are in.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: Arc<Path>,
}

/// A server's rooms are usually in one.
static LATEST: Latest<Folder> = Latest::new();

impl Folder {
    /// The folder, shared with the last room if it has the same.
    fn shared(disk: &Arc<dyn Disk>, dir: &Path) -> Arc<Self> {
        LATEST.share(
            |latest| Arc::ptr_eq(&latest.disk, disk) && *latest.dir == *dir,
            || Self { disk: Arc::clone(disk), dir: dir.into() },
        )
    }
}

/// A snapshot that was read from a file.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) path: PathBuf,
    pub(super) text: Vec<u8>,
    pub(super) identity: Identity,
    /// Whether heddle wrote it, and so has synced it.
    pub(super) was_sealed: bool,
    /// The size of the file.
    pub(super) bytes: u64,
}

impl Files {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: PathBuf, id: &[u16]) -> Self {
        Self::named(disk, dir, names::file_name(id), names::legacy_name(id))
    }

    /// The header of a new journal that continues the snapshot `base`.
    pub(super) fn header(&self, base: Option<Identity>) -> Header {
        Header { id: self.folder.disk.unique(), base, name: String::from(&*self.name) }
    }

    /// The files of the room that has these names, whatever its id is.
    pub(super) fn named(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        name: String,
        legacy_name: Option<String>,
    ) -> Self {
        let dir = if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir };
        let legacy_name = legacy_name.map(Into::into);
        let folder = Arc::new(Folder { disk, dir: dir.into() });
        Self { folder, name: name.into(), legacy_name }
    }

    /// The same files, whatever becomes the working directory.
    pub(super) fn absolute(&self) -> Result<Self, StorageError> {
        let dir = std::path::absolute(&self.folder.dir)
            .map_err(StorageError::io("find", &*self.folder.dir))?;
        Ok(Self { folder: Folder::shared(&self.folder.disk, &dir), ..self.clone() })
    }

    pub(super) fn snapshot(&self) -> PathBuf {
        self.folder.dir.join(&*self.name)
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.dir.join(format!("{}.journal", self.stem()))
    }

    /// A journal that was never synced: nothing of it is promised.
    pub(super) fn new_journal(&self) -> PathBuf {
        self.folder.dir.join(format!("{}.journal-new", self.stem()))
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.folder.dir.join(format!("{}.lock", self.stem()))
    }

    /// The directory of archived journals.
    pub(super) fn history(&self) -> PathBuf {
        self.folder.dir.join(format!("{}.history", self.stem()))
    }

    /// The name without its extension, which the names of all files but the peer's begin with.
    pub(super) fn stem(&self) -> &str {
        self.name.strip_suffix(".json").unwrap_or(&self.name)
    }

    /// The file that holds the snapshot: the room's own if there is one, else the peer's.
    pub(super) fn locate(&self) -> Result<Option<PathBuf>, StorageError> {
        let path = self.snapshot();
        if self.exists(&path)? {
            return match self.folder.disk.spelled_otherwise(&self.folder.dir, &self.name) {
                Ok(false) => Ok(Some(path)),
                Ok(true) => Err(StorageError::NameTaken { path }),
                Err(error) => Err(StorageError::io("list", &*self.folder.dir)(error)),
            };
        }
        let lists = |name: &str| {
            self.folder
                .disk
                .lists(&self.folder.dir, name)
                .map_err(StorageError::io("list", &*self.folder.dir))
        };
        match &self.legacy_name {
            Some(name) if lists(name)? => Ok(Some(self.folder.dir.join(&**name))),
            _ => Ok(None),
        }
    }

    pub(super) fn exists(&self, path: &Path) -> Result<bool, StorageError> {
        self.folder.disk.exists(path).map_err(StorageError::io("find", path))
    }

    /// Reads and checks the snapshot in a file that [`locate`](Self::locate) found.
    pub(super) fn read_snapshot(
        &self,
        path: PathBuf,
        format: Format,
    ) -> Result<Snapshot, StorageError> {
        let bytes = self.folder.disk.read(&path).map_err(StorageError::io("read", &path))?;
        let size = as_offset(bytes.len());
        let checked = unseal(bytes).and_then(|unsealed| {
            let clock = (format.check)(&unsealed.text)?;
            Ok((Identity::of(&unsealed.text, clock), unsealed))
        });
        match checked {
            Ok((identity, unsealed)) => Ok(Snapshot {
                path,
                text: unsealed.text,
                identity,
                was_sealed: unsealed.was_sealed,
                bytes: size,
            }),
            Err(damage) => Err(StorageError::Damaged { path, damage, clock: None }),
        }
    }

    pub(super) fn create_dirs(&self) -> Result<(), StorageError> {
        self.folder
            .disk
            .create_dirs(&self.folder.dir)
            .map_err(StorageError::io("create the directory", &*self.folder.dir))
    }

    /// A new file beside the room's, for what shall be at `target`.
    pub(super) fn aside(&self, target: &Path) -> Result<Temporary, StorageError> {
        let prefix = leftovers::prefix(&self.name);
        Temporary::create(&self.folder.disk, &self.folder.dir, &prefix, leftovers::SUFFIX)
            .map_err(StorageError::io("write a temporary file for", target))
    }

    /// Writes bytes aside and syncs them.
    pub(super) fn write_aside(
        &self,
        target: &Path,
        bytes: &[u8],
    ) -> Result<Temporary, StorageError> {
        let temporary = self.aside(target)?;
        temporary
            .write(bytes, 0)
            .and_then(|()| temporary.sync())
            .map_err(StorageError::io("write a temporary file for", target))?;
        Ok(temporary)
    }

    /// Writes the [`bare`](super::checksum::bare) text of a snapshot aside, with its checksum.
    /// Returns the file and its size.
    pub(super) fn write_snapshot(&self, text: &[u8]) -> Result<(Temporary, u64), StorageError> {
        let bytes = seal(text);
        Ok((self.write_aside(&self.snapshot(), &bytes)?, as_offset(bytes.len())))
    }

    /// Removes a file that may be gone already.
    pub(super) fn remove(&self, path: &Path) -> Result<(), StorageError> {
        self.folder.disk.remove_if_there(path).map_err(StorageError::io("remove", path))
    }

    pub(super) fn sync_dir(&self) -> Result<(), StorageError> {
        let Folder { disk, dir } = &*self.folder;
        disk.sync_dir(dir).map_err(StorageError::io("sync", &**dir))
    }
}
