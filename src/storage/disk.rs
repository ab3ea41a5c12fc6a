//! Every file operation of the stores, one function each, without knowledge of rooms.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};
use tempfile::TempPath;

/// Whether anything has this name, a link that leads nowhere included.
///
/// A directory on the way that is such a link (a volume that is not mounted) is an error: what is
/// behind it is not missing, it is out of sight.
pub(super) fn exists(path: &Path) -> io::Result<bool> {
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

/// Whether `dir` lists this very name. File systems that fold names answer to others too, and
/// Windows to the names of devices.
pub(super) fn lists(dir: &Path, name: &str) -> io::Result<bool> {
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

/// Whether a name that exists is there only in another spelling. `name` is lower-case ASCII, and
/// has letters.
pub(super) fn spelled_otherwise(dir: &Path, name: &str) -> io::Result<bool> {
    // Where capitals are another file, nothing is folded.
    Ok(exists(&dir.join(name.to_ascii_uppercase()))? && !lists(dir, name)?)
}

/// The bytes of a file. What is no file is an error: a pipe would be waited for, a device read
/// without end.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    fs::read(path)
}

/// The names in a directory, no more than the first `limit`.
pub(super) fn list(dir: &Path, limit: usize) -> io::Result<Vec<OsString>> {
    fs::read_dir(dir)?.take(limit).map(|entry| Ok(entry?.file_name())).collect()
}

/// When a file was last written, by the clock of its file system.
pub(super) fn written_at(path: &Path) -> io::Result<SystemTime> {
    fs::symlink_metadata(path)?.modified()
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Creates a directory and those above it, and makes the new names last.
pub(super) fn create_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    if parent != dir {
        create_dirs(parent)?;
    }
    match fs::create_dir(dir) {
        // Somebody else was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
        created => created?,
    }
    sync_dir(parent)
}

/// Writes and syncs a new file in `dir`, under a name of its own between `prefix` and `suffix`.
/// Dropping what it returns removes the file.
pub(super) fn write_temporary(
    dir: &Path,
    prefix: &str,
    suffix: &str,
    bytes: &[u8],
) -> io::Result<TempPath> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix).rand_bytes(12);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Backups and other tools may read what heddle writes, as far as the umask lets them.
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // Closed before it is renamed: Windows locks what is open.
    Ok(file.into_temp_path())
}

/// Gives a temporary file its final name in one step, in place of what had it. Removes the
/// temporary file where that fails.
pub(super) fn replace(temporary: TempPath, path: &Path) -> io::Result<()> {
    temporary.persist(path).map_err(|failed| failed.error)
}

/// Makes created, renamed and removed names in a directory last.
///
/// Windows opens no directory for that and orders its metadata in a journal. Some network file
/// systems have no such call; refusing every save there would protect nobody.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(dir)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Gives a file a second name, `<file>.damaged-<n>` with the smallest free n, so that its own can
/// be written over. On file systems without links, and for files that are somebody else's, it loses
/// its own name.
pub(super) fn link_aside(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(ErrorKind::IsADirectory.into());
    }
    // Why it cannot be linked is of no interest: whether it can be renamed decides.
    to_free_name(path, |free| fs::hard_link(path, free)).or_else(|_| move_aside(path))
}

/// Renames a file to `<file>.damaged-<n>` with the smallest free n.
pub(super) fn move_aside(path: &Path) -> io::Result<()> {
    to_free_name(path, |free| {
        // The standard library only has the rename that overwrites. A `TempPath` is removed when
        // dropped unless told otherwise, and this file must never be.
        let mut file = TempPath::try_from_path(path)?;
        file.disable_cleanup(true);
        file.persist_noclobber(free).map_err(|failed| failed.error)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn st9_a_linked_file_keeps_its_name_until_it_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        fs::write(&path, "torn").unwrap();

        link_aside(&path).unwrap();

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
        move_aside(&path).unwrap();
        assert!(!path.exists());
        fs::write(&path, "fifth").unwrap();
        link_aside(&path).unwrap();

        let contents =
            [1, 2, 3, 4, 5].map(|n| text(&dir.path().join(format!("a.json.damaged-{n}"))));
        assert_eq!(contents, ["older", "older", "third", "older", "fifth"]);
    }

    #[test]
    fn st9_a_file_that_is_gone_needs_no_setting_aside() {
        let dir = tempfile::tempdir().unwrap();

        link_aside(&dir.path().join("a.json")).unwrap();
        move_aside(&dir.path().join("a.json")).unwrap();

        assert_eq!(list(dir.path(), 10).unwrap(), Vec::<OsString>::new());
    }

    #[test]
    fn st4_another_spelling_is_not_the_name() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!spelled_otherwise(dir.path(), "a.json").unwrap());

        fs::write(dir.path().join("A.JSON"), "").unwrap();
        assert!(spelled_otherwise(dir.path(), "a.json").unwrap());
    }

    // Where names are folded, the second file is the first.
    #[cfg(target_os = "linux")]
    #[test]
    fn st4_a_name_beside_another_spelling_is_the_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("A.JSON"), "").unwrap();
        fs::write(dir.path().join("a.json"), "").unwrap();

        assert!(!spelled_otherwise(dir.path(), "a.json").unwrap());
    }

    #[test]
    fn st2_missing_directories_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");

        create_dirs(&deep).unwrap();
        create_dirs(&deep).unwrap();

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

        replace(write_temporary(dir.path(), "a.json.", ".tmp", b"new").unwrap(), &path).unwrap();

        assert_eq!(io::read_to_string(old).unwrap(), "old");
        assert_eq!(text(&path), "new");
    }

    #[test]
    fn st7_a_name_too_long_for_the_file_system_is_not_listed() {
        let dir = tempfile::tempdir().unwrap();

        assert!(!lists(dir.path(), &"\u{4e00}".repeat(250)).unwrap());
    }
}
