//! The disk of this machine: the one place that asks the operating system for files.

use super::{Disk, DiskFile};
use std::{
    collections::hash_map::RandomState,
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    hash::{BuildHasher, Hasher},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::SystemTime,
};
use tempfile::TempPath;

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile(File);

impl RealDisk {
    /// The one that all rooms share.
    pub(in super::super) fn shared() -> Arc<dyn Disk> {
        static DISK: LazyLock<Arc<dyn Disk>> = LazyLock::new(|| Arc::new(RealDisk));
        Arc::clone(&DISK)
    }
}

impl Disk for RealDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        for place in path.ancestors() {
            match fs::symlink_metadata(place) {
                Ok(_) if place == path => return Ok(true),
                Ok(_) => return fs::metadata(place).map(|_| false),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn lists(&self, dir: &Path, name: &str) -> io::Result<bool> {
        let found = fs::symlink_metadata(dir.join(name));
        if found.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            // No file system denies a name that it lists, so most answers cost no listing.
            return Ok(false);
        }
        let entries = match fs::read_dir(dir) {
            // Windows finds the names of devices in directories that are not there.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            entries => entries?,
        };
        for entry in entries {
            if entry?.file_name() == name {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn resolve(&self, dir: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(dir)
    }

    fn list(&self, dir: &Path, limit: usize) -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.take(limit).map(|entry| Ok(entry?.file_name())).collect()
    }

    fn written_at(&self, path: &Path) -> io::Result<SystemTime> {
        fs::symlink_metadata(path)?.modified()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        fs::read(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // Backups and other tools may read what heddle writes, as far as the umask lets them.
            options.mode(0o644);
        }
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    /// Needs no right to write, and two that ask do not get in each other's way.
    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_to_free(&self, from: &Path, to: &Path) -> io::Result<()> {
        // The standard library only has the rename that overwrites. A `TempPath` is removed when
        // dropped unless told otherwise, and this file must never be.
        let mut file = TempPath::try_from_path(from)?;
        file.disable_cleanup(true);
        file.persist_noclobber(to).map_err(|failed| failed.error)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        // Windows syncs only what may be written.
        OpenOptions::new().read(true).write(cfg!(windows)).open(path)?.sync_all()
    }

    /// Windows opens no directory for that and orders its metadata in a journal. Some network file
    /// systems have no such call; refusing every save there would protect nobody.
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if !cfg!(unix) {
            return Ok(());
        }
        match File::open(dir)?.sync_all() {
            Err(error)
                if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }

    #[cfg(unix)]
    fn device(&self, dir: &Path) -> u64 {
        fs::metadata(dir).map_or(0, |metadata| std::os::unix::fs::MetadataExt::dev(&metadata))
    }

    fn unique(&self) -> u128 {
        // The keys of the standard library's hash maps come from the operating system's randomness.
        let half = || u128::from(RandomState::new().build_hasher().finish());
        (half() << 64) | half()
    }
}

impl DiskFile for RealFile {
    #[cfg(unix)]
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, bytes, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn try_lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let there = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            found => found?,
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let own = self.0.metadata()?;
            Ok((there.dev(), there.ino()) == (own.dev(), own.ino()))
        }
        #[cfg(not(unix))]
        Ok(there.is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::disk::Temporary;

    fn disk() -> &'static dyn Disk {
        &RealDisk
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn st9_a_linked_file_keeps_its_name_until_it_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        fs::write(&path, "torn").unwrap();

        disk().link_aside(&path).unwrap();

        assert_eq!(text(&path), "torn");
        assert_eq!(text(&dir.path().join("a.json.damaged-1")), "torn");
    }

    #[test]
    fn st9_setting_aside_takes_the_smallest_free_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        for taken in ["a.json.damaged-1", "a.json.damaged-2", "a.json.damaged-4"] {
            fs::write(dir.path().join(taken), "older").unwrap();
        }

        fs::write(&path, "third").unwrap();
        disk().move_aside(&path).unwrap();
        assert!(!path.exists());
        fs::write(&path, "fifth").unwrap();
        disk().link_aside(&path).unwrap();

        let contents =
            [1, 2, 3, 4, 5].map(|n| text(&dir.path().join(format!("a.json.damaged-{n}"))));
        assert_eq!(contents, ["older", "older", "third", "older", "fifth"]);
    }

    #[test]
    fn st9_a_file_that_is_gone_needs_no_setting_aside() {
        let dir = tempfile::tempdir().unwrap();

        disk().link_aside(&dir.path().join("a.json")).unwrap();
        disk().move_aside(&dir.path().join("a.json")).unwrap();

        assert_eq!(RealDisk.list(dir.path(), 10).unwrap(), Vec::<OsString>::new());
    }

    #[test]
    fn st4_another_spelling_is_not_the_name() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!disk().spelled_otherwise(dir.path(), "a.json").unwrap());

        fs::write(dir.path().join("A.JSON"), "").unwrap();
        assert!(disk().spelled_otherwise(dir.path(), "a.json").unwrap());
    }

    // Where names are folded, the second file is the first.
    #[cfg(target_os = "linux")]
    #[test]
    fn st4_a_name_beside_another_spelling_is_the_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("A.JSON"), "").unwrap();
        fs::write(dir.path().join("a.json"), "").unwrap();

        assert!(!disk().spelled_otherwise(dir.path(), "a.json").unwrap());
    }

    #[test]
    fn st2_missing_directories_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");

        disk().create_dirs(&deep).unwrap();
        disk().create_dirs(&deep).unwrap();

        assert!(deep.is_dir());
    }

    // Windows may refuse to replace what somebody reads.
    #[cfg(unix)]
    #[test]
    fn st2_a_replaced_file_is_whole_for_who_still_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        fs::write(&path, "old").unwrap();
        let old = File::open(&path).unwrap();

        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let new = Temporary::create(&disk, dir.path(), "a.json.", ".tmp").unwrap();
        new.write(b"new", 0).unwrap();
        new.keep(&path).unwrap();

        assert_eq!(io::read_to_string(old).unwrap(), "old");
        assert_eq!(text(&path), "new");
    }

    #[test]
    fn st7_a_name_too_long_for_the_file_system_is_not_listed() {
        let dir = tempfile::tempdir().unwrap();

        assert!(!RealDisk.lists(dir.path(), &"\u{4e00}".repeat(250)).unwrap());
    }
}
