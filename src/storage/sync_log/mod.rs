//! A log of its own for what several rooms store at once: one sync for all of them.
//!
//! A batch goes to the journals of its rooms first, where nothing is synced, and then as a whole into this log, which is.
//! After power loss the log has what the journals may lack, and opening a room puts it back. Once the journals have been
//! synced themselves the log is of no use any more, and goes.
//!
//! ```text
//! log    := header batch*                            all numbers little endian
//! header := "HEDDLEL1" version:u32 id:16 checksum:u32
//! batch  := length:u32 checksum:u32 entry*           length of the entries
//! entry  := name-length:u32 name journal:16 offset:u64 length:u32 bytes
//! ```
//!
//! An entry says that the journal with this id, of the room with this snapshot file name, has these bytes at this offset.
//! Checksums are crc32c; a batch's continues from that of the batch before it, the first one's from the header's. A bad
//! batch is the end: it is one that was being written when the power went, and that nobody was promised.
//!
//! A directory has at most [`MAX_LOGS`] logs, `heddle-sync-<n>.log`, which no room's file can be named. Each is locked by the
//! process that writes it; one that nobody has locked was left by a process that died.

mod group;
mod read;

pub use group::GroupCommit;
pub(super) use read::{overlay, settle_orphans};

use super::{
    Files, StorageError,
    disk::{Disk, DiskFile, as_offset},
};
use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

const MAGIC: &[u8; 8] = b"HEDDLEL1";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 32;

/// How many logs a directory may have: one for each process that writes there, and for each one that was left.
const MAX_LOGS: u32 = 16;

/// From this size on a log is replaced by a new one.
const FULL_BYTES: u64 = 4 << 20;

/// Bytes of a journal.
#[derive(Debug)]
struct Entry<'b> {
    /// The room's snapshot file name.
    name: &'b str,
    /// The journal's id.
    journal: u128,
    offset: u64,
    bytes: &'b [u8],
}

/// The log that this process writes in a directory, as long as a room needs it: dropping it removes the file.
#[derive(Debug)]
pub(super) struct SyncLog {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    /// The file, once there is one. Held over writing and syncing it, and taken under no other lock but rooms' `syncing`.
    current: Mutex<Option<LogFile>>,
    /// Whether a room could not be made safe without it.
    outlives: AtomicBool,
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    end: u64,
    chain: u32,
    /// The rooms that have bytes in it.
    names: BTreeSet<String>,
}

impl SyncLog {
    pub(super) fn new(files: &Files) -> Self {
        let (disk, dir) = (Arc::clone(&files.folder.disk), Arc::clone(&files.folder.dir));
        Self { disk, dir, current: Mutex::default(), outlives: AtomicBool::new(false) }
    }

    /// Writes a batch and syncs it. After an error nobody knows what of it is on the disk, and the log is not written to
    /// again; what it held before stays.
    fn commit(&self, entries: &[Entry<'_>]) -> Result<Option<FullLog>, StorageError> {
        let mut current = self.current();
        let mut log = match current.take() {
            Some(log) => log,
            None => self.begin()?,
        };
        log.write(entries).map_err(StorageError::io("sync", &log.path))?;
        if log.end < FULL_BYTES {
            *current = Some(log);
            return Ok(None);
        }
        Ok(Some(FullLog { disk: Arc::clone(&self.disk), dir: Arc::clone(&self.dir), log }))
    }

    /// The file is not removed.
    pub(super) fn outlive(&self) {
        self.outlives.store(true, Ordering::Relaxed);
    }

    /// Creates a log under the first free name, durably.
    fn begin(&self) -> Result<LogFile, StorageError> {
        for number in 0..MAX_LOGS {
            let path = log_path(&self.dir, number);
            let begun = match self.disk.create(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                created => created.and_then(|file| LogFile::begin(&*self.disk, file, &path)),
            };
            // Else somebody took it for one that was left, and removes it.
            if let Some(log) = begun.map_err(StorageError::io("create", &path))? {
                self.disk.sync_dir(&self.dir).map_err(StorageError::io("create", &path))?;
                return Ok(log);
            }
        }
        let error = io::Error::new(ErrorKind::AlreadyExists, "there are too many logs already");
        Err(StorageError::io("create a log in", &*self.dir)(error))
    }

    fn current(&self) -> MutexGuard<'_, Option<LogFile>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SyncLog {
    fn drop(&mut self) {
        if let Some(log) = self.current().take()
            && !self.outlives.load(Ordering::Relaxed)
        {
            // The rooms have synced their journals. A log too many says nothing that they do not.
            drop(self.disk.remove(&log.path));
        }
    }
}

impl LogFile {
    /// `None` where somebody has taken the new file for one that was left.
    fn begin(disk: &dyn Disk, file: Arc<dyn DiskFile>, path: &Path) -> io::Result<Option<Self>> {
        if !file.try_lock()? || !file.is_at(path)? {
            return Ok(None);
        }
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&disk.unique().to_le_bytes());
        let chain = crc32c::crc32c(&header);
        header.extend_from_slice(&chain.to_le_bytes());
        file.write_all_at(&header, 0)?;
        file.sync_all()?;
        Ok(Some(Self {
            path: path.to_owned(),
            file,
            end: as_offset(header.len()),
            chain,
            names: BTreeSet::new(),
        }))
    }

    fn write(&mut self, entries: &[Entry<'_>]) -> io::Result<()> {
        let mut batch = vec![0; 8];
        for entry in entries {
            entry.write(&mut batch)?;
            if !self.names.contains(entry.name) {
                self.names.insert(entry.name.to_owned());
            }
        }
        let (prefix, body) = batch.split_at_mut(8);
        let length = length(body)?;
        self.chain = crc32c::crc32c_append(crc32c::crc32c_append(self.chain, &length), body);
        prefix.copy_from_slice(&[length, self.chain.to_le_bytes()].concat());
        self.file.write_all_at(&batch, self.end)?;
        self.file.sync_data()?;
        self.end += as_offset(batch.len());
        Ok(())
    }
}

impl Entry<'_> {
    fn write(&self, out: &mut Vec<u8>) -> io::Result<()> {
        out.extend_from_slice(&length(self.name.as_bytes())?);
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&self.journal.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&length(self.bytes)?);
        out.extend_from_slice(self.bytes);
        Ok(())
    }
}

/// A log that has grown large and is written to no more.
#[derive(Debug)]
pub struct FullLog {
    disk: Arc<dyn Disk>,
    dir: Arc<Path>,
    log: LogFile,
}

impl FullLog {
    /// Syncs the journals that it speaks for and removes it. Blocks. After an error it stays until its rooms are opened
    /// by another process.
    pub fn settle(self) -> Result<(), StorageError> {
        for name in &self.log.names {
            let path = journal_path(&self.dir, name);
            match self.disk.sync_file(&path) {
                // Closed meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                synced => synced.map_err(StorageError::io("sync", &path))?,
            }
        }
        self.disk.remove(&self.log.path).map_err(StorageError::io("remove", &self.log.path))
    }
}

fn log_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("heddle-sync-{number}.log"))
}

/// The journal of the room with this snapshot file name.
fn journal_path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{}.journal", name.strip_suffix(".json").unwrap_or(name)))
}

fn length(bytes: &[u8]) -> io::Result<[u8; 4]> {
    let length =
        u32::try_from(bytes.len()).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
    Ok(length.to_le_bytes())
}
