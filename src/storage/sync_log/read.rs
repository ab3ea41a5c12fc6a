//! What logs hold that journals may have lost.

use super::{
    super::{Damage, Files, StorageError, bytes::Bytes, disk::as_offset, journal},
    Entry, HEADER_BYTES, MAGIC, MAX_LOGS, VERSION, journal_path, log_path,
};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Puts into the bytes of a room's journal what the directory's logs have of it.
pub(in super::super) fn overlay(files: &Files, bytes: &mut Vec<u8>) -> Result<(), StorageError> {
    let Some(id) = journal::id(bytes) else { return Ok(()) };
    let logs = logs(files)?;
    let reach = as_offset(bytes.len()).saturating_add(size(&logs));
    for (path, log) in &logs {
        for entry in entries(log, path)? {
            let is_near = entry.end().is_some_and(|end| end <= reach);
            if *entry.name == *files.name && entry.journal == id && is_near {
                put(bytes, &entry);
            }
        }
    }
    Ok(())
}

/// Puts what processes that died have left in logs into the journals it belongs to, and removes the logs. What cannot
/// be put back now stays where it is: [`overlay`] finds it as well.
pub(in super::super) fn settle_orphans(files: &Files) {
    for path in (0..MAX_LOGS).map(|number| log_path(&files.folder.dir, number)) {
        if matches!(files.folder.disk.exists(&path), Ok(true))
            && let Ok(file) = files.folder.disk.open(&path)
            // Somebody lives who writes it, or another process does what this one is about to do.
            && matches!(file.try_lock(), Ok(true))
            // Else its owner has removed it, and what has the name now is another one.
            && matches!(file.is_at(&path), Ok(true))
            && is_settled(files, &path)
        {
            drop(files.folder.disk.remove_if_there(&path));
        }
    }
}

/// The directory's logs.
fn logs(files: &Files) -> Result<Vec<(PathBuf, Vec<u8>)>, StorageError> {
    let mut logs = Vec::new();
    for path in (0..MAX_LOGS).map(|number| log_path(&files.folder.dir, number)) {
        logs.extend(read(files, &path)?.map(|log| (path, log)));
    }
    Ok(logs)
}

/// How many bytes logs have. So far apart bytes may be that belong together, because what lies between them is in a log as
/// well: an entry that begins further behind the end of its journal is none.
fn size(logs: &[(PathBuf, Vec<u8>)]) -> u64 {
    logs.iter().map(|(_, log)| as_offset(log.len())).sum()
}

/// Whether nothing more is needed of a log that nobody writes.
fn is_settled(files: &Files, path: &PathBuf) -> bool {
    match (read(files, path), logs(files)) {
        (Ok(Some(log)), Ok(logs)) => entries(&log, path).is_ok_and(|entries| {
            entries.iter().all(|entry| settle(files, entry, size(&logs)).is_ok())
        }),
        (Ok(None), _) => true,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Makes the bytes of an entry last in the journal that it is for, if that is still there.
fn settle(files: &Files, entry: &Entry<'_>, logged_bytes: u64) -> std::io::Result<()> {
    let path = journal_path(&files.folder.dir, entry.name);
    let file = match files.folder.disk.open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let is_it = file
        .read_between(0, journal::RECORDS_START)
        .is_ok_and(|header| journal::id(&header) == Some(entry.journal));
    if !is_it {
        return Ok(());
    }
    let Some(end) = entry.end() else { return Ok(()) };
    if let Some(needed) = entry.offset.checked_sub(logged_bytes + 1) {
        match file.read_between(needed, needed + 1) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        };
    }
    // Its owner may live again, and go on behind these bytes: what is there already is not written.
    let has_it = file.read_between(entry.offset, end).is_ok_and(|bytes| bytes == entry.bytes);
    if !has_it {
        file.write_all_at(entry.bytes, entry.offset)?;
    }
    file.sync_data()
}

fn put(journal: &mut Vec<u8>, entry: &Entry<'_>) {
    let Ok(at) = usize::try_from(entry.offset) else { return };
    let end = at.saturating_add(entry.bytes.len());
    if journal.len() < end {
        journal.resize(end, 0);
    }
    if let Some(place) = journal.get_mut(at..end) {
        place.copy_from_slice(entry.bytes);
    }
}

/// The bytes of a log; `None` where there is none, or one that was only being created.
fn read(files: &Files, path: &PathBuf) -> Result<Option<Vec<u8>>, StorageError> {
    if !files.exists(path)? {
        return Ok(None);
    }
    match files.folder.disk.read(path) {
        // Settled by another process in this moment.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Ok(log) if log.len() <= HEADER_BYTES => Ok(None),
        log => log.map(Some).map_err(StorageError::io("read", path)),
    }
}

/// The entries of a log's good batches.
fn entries<'l>(log: &'l [u8], path: &Path) -> Result<Vec<Entry<'l>>, StorageError> {
    let mut rest = Bytes(log);
    let header = rest.take(HEADER_BYTES).filter(|header| header.starts_with(MAGIC));
    let mut chain = header.and_then(checked).ok_or_else(|| StorageError::Damaged {
        path: path.to_owned(),
        damage: Damage { offset: Some(0), reason: "its header is not one of a log".to_owned() },
        clock: None,
    })?;
    let mut entries = Vec::new();
    while let (Some(length), Some(checksum)) = (rest.u32(), rest.u32()) {
        let Some(body) = usize::try_from(length).ok().and_then(|length| rest.take(length)) else {
            break;
        };
        chain = crc32c::crc32c_append(crc32c::crc32c_append(chain, &length.to_le_bytes()), body);
        if chain != checksum {
            break;
        }
        let mut body = Bytes(body);
        while let Some(entry) = entry(&mut body) {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The checksum of a header, if it is the one that it says.
fn checked(header: &[u8]) -> Option<u32> {
    let (content, checksum) = header.split_last_chunk::<4>()?;
    let version = content.get(MAGIC.len()..)?.first_chunk::<4>()?;
    let checksum = u32::from_le_bytes(*checksum);
    let is_good = crc32c::crc32c(content) == checksum && u32::from_le_bytes(*version) == VERSION;
    is_good.then_some(checksum)
}

impl Entry<'_> {
    /// Where its bytes end in the journal. None of what no journal has there: the header is never logged.
    fn end(&self) -> Option<u64> {
        let end = self.offset.checked_add(as_offset(self.bytes.len()));
        end.filter(|_| self.offset >= journal::RECORDS_START)
    }
}

fn entry<'b>(bytes: &mut Bytes<'b>) -> Option<Entry<'b>> {
    Some(Entry {
        name: std::str::from_utf8(sized(bytes)?).ok()?,
        journal: bytes.array().map(u128::from_le_bytes)?,
        offset: bytes.u64()?,
        bytes: sized(bytes)?,
    })
}

fn sized<'b>(bytes: &mut Bytes<'b>) -> Option<&'b [u8]> {
    let length = usize::try_from(bytes.u32()?).ok()?;
    bytes.take(length)
}
