//! What a room's file goes through: saves, damage, legacy files, and things in the way.

use super::*;
use crate::storage::{
    Damage,
    contract::{BRACES, check_store, units},
};
use std::{fs, io, path::Path, time::SystemTime};
use tempfile::{TempDir, tempdir};

fn open(dir: &TempDir, id: &str) -> FileStore {
    FileStore::new(dir.path(), &units(id), BRACES)
}

fn put(dir: &TempDir, name: &str, text: &str) {
    fs::write(dir.path().join(name), text).unwrap();
}

/// The directory's files and what they hold, by name, without the checksums of snapshots.
fn files(dir: &TempDir) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), text(&entry.path())))
        .collect();
    files.sort();
    files
}

fn text(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    match text.split_once(",\"checksum\":\"crc32c:") {
        Some((content, rest)) if rest.len() == 10 => format!("{content}}}"),
        _ => text,
    }
}

fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// The operation, the file's name and the kind of an I/O error.
fn io_failure(error: StorageError) -> (&'static str, String, io::ErrorKind) {
    let StorageError::Io { operation, path, source } = error else { panic!("{error}") };
    (operation, path.file_name().unwrap().to_str().unwrap().to_owned(), source.kind())
}

fn damage(error: StorageError) -> (PathBuf, Damage) {
    let StorageError::Damaged { path, damage, .. } = error else { panic!("{error}") };
    (path, damage)
}

#[test]
fn st1_st3_st4_file_store_keeps_the_contract() {
    let dir = tempdir().unwrap();

    check_store(|id| FileStore::new(dir.path(), id, BRACES));
}

#[test]
fn st1_a_store_can_be_shared_by_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<FileStore>();
}

#[test]
fn st2_an_empty_directory_name_is_the_working_directory() {
    let store = FileStore::new("", &units("a"), BRACES);

    assert_eq!(store.path(), Path::new("./a.json"));
}

#[test]
fn st2_a_save_leaves_exactly_the_rooms_file() {
    let parent = tempdir().unwrap();
    let store = FileStore::new(parent.path().join("new/data"), &units("board"), BRACES);

    store.save(b"{1}").unwrap();
    store.save(b"{2}").unwrap();

    let dir = parent.path().join("new/data");
    let names: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["board.json"]);
    assert_eq!(text(&dir.join("board.json")), "{2}");
    assert_eq!(store.path(), dir.join("board.json"));
}

#[test]
fn st2_concurrent_saves_leave_no_other_file() {
    let dir = tempdir().unwrap();
    let stores = [open(&dir, "a"), open(&dir, "a")];

    std::thread::scope(|scope| {
        for store in stores.iter().chain(&stores) {
            scope.spawn(|| (0..20).for_each(|_| store.save(b"{1}").unwrap()));
        }
    });

    assert_eq!(files(&dir), pairs(&[("a.json", "{1}")]));
}

#[cfg(unix)]
#[test]
fn st2_others_may_read_the_file_as_far_as_the_umask_lets_them() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = tempdir().unwrap();
    put(&dir, "plain", "");

    open(&dir, "a").save(b"{}").unwrap();

    assert_eq!(mode(&dir.path().join("a.json")), mode(&dir.path().join("plain")) & 0o644);
}

#[test]
fn st2_a_failed_save_removes_its_temporary_file() {
    let dir = tempdir().unwrap();
    let store = open(&dir, "a");
    store.save(b"{1}").unwrap();
    fs::remove_file(store.path()).unwrap();
    fs::create_dir(store.path()).unwrap();
    fs::write(store.path().join("inside"), "").unwrap();

    let (operation, name, _) = io_failure(store.save(b"{2}").unwrap_err());

    assert_eq!((operation, name.as_str()), ("replace", "a.json"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(store.path().join("inside").exists());
}

#[test]
fn st2_a_save_works_again_after_one_that_failed() {
    let dir = tempdir().unwrap();
    let store = open(&dir, "a");
    fs::create_dir(store.path()).unwrap();
    store.save(b"{1}").unwrap_err();
    fs::remove_dir(store.path()).unwrap();

    store.save(b"{2}").unwrap();

    assert_eq!(files(&dir), pairs(&[("a.json", "{2}")]));
}

#[test]
fn st2_what_a_killed_process_left_goes_when_it_is_old() {
    let dir = tempdir().unwrap();
    let age = |name: &str| {
        let file = fs::File::options().write(true).open(dir.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    for name in [
        "a.json.old.heddle-tmp",
        "a.json.young.heddle-tmp",
        "b.json.old.heddle-tmp",
        "a.json.old.tmp",
    ] {
        put(&dir, name, "torn");
    }
    ["a.json.old.heddle-tmp", "b.json.old.heddle-tmp", "a.json.old.tmp"].into_iter().for_each(age);
    let store = open(&dir, "a");

    store.save(b"{1}").unwrap();
    let young = [
        ("a.json", "{1}"),
        ("a.json.old.tmp", "torn"),
        ("a.json.young.heddle-tmp", "torn"),
        ("b.json.old.heddle-tmp", "torn"),
    ];
    assert_eq!(files(&dir), pairs(&young));

    age("a.json.young.heddle-tmp");
    store.save(b"{2}").unwrap();
    let old = [("a.json", "{2}"), ("a.json.old.tmp", "torn"), ("b.json.old.heddle-tmp", "torn")];
    assert_eq!(files(&dir), pairs(&old));
}

#[test]
fn st7_a_missing_file_or_directory_is_an_empty_room() {
    let dir = tempdir().unwrap();

    assert_eq!(open(&dir, "a").load().unwrap(), None);
    assert_eq!(open(&dir, "A").load().unwrap(), None);
    for id in ["a", "A"] {
        let store = FileStore::new(dir.path().join("not/there"), &units(id), BRACES);
        assert_eq!(store.load().unwrap(), None);
    }
    assert_eq!(files(&dir), []);
}

#[test]
fn st7_st9_a_directory_in_the_way_is_an_error_and_stays() {
    let dir = tempdir().unwrap();
    let store = open(&dir, "a");
    fs::create_dir(store.path()).unwrap();

    let in_the_way = io::ErrorKind::IsADirectory;
    assert_eq!(io_failure(store.load().unwrap_err()), ("read", "a.json".to_owned(), in_the_way));
    assert_eq!(
        io_failure(store.save(b"{}").unwrap_err()),
        ("set aside", "a.json".to_owned(), in_the_way)
    );

    assert!(store.path().is_dir());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn st7_a_file_where_the_directory_should_be_is_an_error() {
    let dir = tempdir().unwrap();
    put(&dir, "data", "mine");
    for id in ["a", "A"] {
        let store = FileStore::new(dir.path().join("data"), &units(id), BRACES);

        let (operation, _, kind) = io_failure(store.load().unwrap_err());
        assert_eq!((operation, kind), ("find", io::ErrorKind::NotADirectory));
        assert_eq!(io_failure(store.save(b"{}").unwrap_err()).0, "find");
    }
    assert_eq!(files(&dir), pairs(&[("data", "mine")]));
}

#[cfg(unix)]
#[test]
fn st7_links_that_lead_nowhere_are_errors() {
    use std::os::unix::fs::symlink;
    let dir = tempdir().unwrap();
    symlink("loop.json", dir.path().join("loop.json")).unwrap();
    symlink("nowhere", dir.path().join("dangling.json")).unwrap();
    symlink("nowhere", dir.path().join("Legacy.json")).unwrap();
    symlink("not-mounted", dir.path().join("volume")).unwrap();

    io_failure(open(&dir, "loop").load().unwrap_err());
    let missing = io::ErrorKind::NotFound;
    assert_eq!(
        io_failure(open(&dir, "dangling").load().unwrap_err()),
        ("read", "dangling.json".to_owned(), missing)
    );
    assert_eq!(
        io_failure(open(&dir, "Legacy").load().unwrap_err()),
        ("read", "Legacy.json".to_owned(), missing)
    );
    for below in ["volume", "volume/rooms"] {
        let store = FileStore::new(dir.path().join(below), &units("a"), BRACES);
        assert_eq!(
            io_failure(store.load().unwrap_err()),
            ("find", "a.journal".to_owned(), missing)
        );
        store.save(b"{}").unwrap_err();
    }
}

#[cfg(unix)]
#[test]
fn st7_st9_a_socket_in_the_way_is_an_error_and_set_aside() {
    let dir = tempdir().unwrap();
    let store = open(&dir, "a");
    let _socket = std::os::unix::net::UnixListener::bind(store.path()).unwrap();

    assert_eq!(
        io_failure(store.load().unwrap_err()),
        ("read", "a.json".to_owned(), io::ErrorKind::InvalidInput)
    );
    store.save(b"{}").unwrap();

    assert_eq!(store.load().unwrap().unwrap(), b"{}");
    assert!(dir.path().join("a.json.damaged-1").exists());
}

fn damaged_is_told_and_left(text: &[u8], offset: Option<u64>, message: &str) {
    let dir = tempdir().unwrap();
    let store = open(&dir, "a");
    fs::write(store.path(), text).unwrap();

    let error = store.load().unwrap_err();

    assert!(error.to_string().ends_with(message), "{error}");
    let (path, damage) = damage(error);
    assert_eq!((path, damage.offset), (store.path(), offset));
    assert_eq!(fs::read(store.path()).unwrap(), text);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn st7_an_empty_file_is_damaged() {
    damaged_is_told_and_left(b"", None, "a.json is damaged: no brace");
}

#[test]
fn st7_a_truncated_file_is_damaged() {
    damaged_is_told_and_left(b"{1, 2", Some(5), "a.json is damaged: a brace is open at byte 5");
}

#[test]
fn st7_a_file_of_zeros_is_damaged() {
    damaged_is_told_and_left(&[0; 64], None, "no brace");
}

#[test]
fn st7_a_file_with_a_tail_of_zeros_is_damaged() {
    damaged_is_told_and_left(b"{1}\0\0\0", Some(6), "a brace is open at byte 6");
}

#[test]
fn st9_a_save_over_a_damaged_file_keeps_it_beside() {
    let dir = tempdir().unwrap();
    put(&dir, "a.json", "{torn");
    put(&dir, "a.json.damaged-1", "{older");
    let store = open(&dir, "a");
    store.load().unwrap_err();

    store.save(b"{1}").unwrap();
    store.save(b"{2}").unwrap();

    let kept = [("a.json", "{2}"), ("a.json.damaged-1", "{older"), ("a.json.damaged-2", "{torn")];
    assert_eq!(files(&dir), pairs(&kept));
    assert_eq!(store.load().unwrap().unwrap(), b"{2}");
}

#[test]
fn st9_a_store_that_never_loaded_looks_before_it_overwrites() {
    let dir = tempdir().unwrap();
    put(&dir, "torn.json", "{torn");
    put(&dir, "sound.json", "{0}");

    open(&dir, "torn").save(b"{1}").unwrap();
    open(&dir, "sound").save(b"{1}").unwrap();

    let kept = [("sound.json", "{1}"), ("torn.json", "{1}"), ("torn.json.damaged-1", "{torn")];
    assert_eq!(files(&dir), pairs(&kept));
}

#[test]
fn st9_what_a_store_has_read_or_written_it_overwrites_without_looking_again() {
    let dir = tempdir().unwrap();
    for id in ["written", "read"] {
        put(&dir, &format!("{id}.json"), "{0}");
    }
    let (written, read) = (open(&dir, "written"), open(&dir, "read"));
    written.save(b"{1}").unwrap();
    read.load().unwrap();

    for store in [&written, &read] {
        fs::write(store.path(), "{torn").unwrap();
        store.save(b"{2}").unwrap();
    }

    assert_eq!(files(&dir), pairs(&[("read.json", "{2}"), ("written.json", "{2}")]));
}

#[test]
fn st9_a_file_that_was_repaired_after_the_load_is_kept_beside_too() {
    let dir = tempdir().unwrap();
    put(&dir, "a.json", "{torn");
    let store = open(&dir, "a");
    store.load().unwrap_err();
    put(&dir, "a.json", "{restored}");

    store.save(b"{1}").unwrap();

    assert_eq!(files(&dir), pairs(&[("a.json", "{1}"), ("a.json.damaged-1", "{restored}")]));
}

#[test]
fn st9_a_damaged_file_that_was_removed_after_the_load_leaves_nothing_to_keep() {
    let dir = tempdir().unwrap();
    put(&dir, "a.json", "{torn");
    let store = open(&dir, "a");
    store.load().unwrap_err();
    fs::remove_file(store.path()).unwrap();

    store.save(b"{1}").unwrap();

    assert_eq!(files(&dir), pairs(&[("a.json", "{1}")]));
}

#[test]
fn st6_the_peers_file_is_read_and_then_superseded() {
    let dir = tempdir().unwrap();
    put(&dir, "My Room.json", "{peer}");
    let store = open(&dir, "My Room");

    assert_eq!(store.load().unwrap().unwrap(), b"{peer}");
    store.save(b"{ours}").unwrap();

    assert_eq!(store.load().unwrap().unwrap(), b"{ours}");
    assert_eq!(open(&dir, "My Room").load().unwrap().unwrap(), b"{ours}");
    assert_eq!(files(&dir), pairs(&[("My Room.json", "{peer}"), ("~4dy~20~52oom.json", "{ours}")]));
}

#[test]
fn st6_only_byte_equal_names_are_the_peers() {
    let dir = tempdir().unwrap();
    put(&dir, "Board.json", "{Board}");
    put(&dir, "caf\u{e9}.json", "{composed}");
    put(&dir, "~41.json", "{A}");

    for id in ["BOARD", "bOARD", "cafe\u{301}", "CAF\u{c9}", "~41", "board.json", "Board "] {
        assert_eq!(open(&dir, id).load().unwrap(), None, "{id:?}");
    }
    assert_eq!(open(&dir, "Board").load().unwrap().unwrap(), b"{Board}");
    assert_eq!(open(&dir, "A").load().unwrap().unwrap(), b"{A}");
}

#[test]
fn st6_st9_a_damaged_file_of_the_peer_is_an_error_and_kept_beside() {
    let dir = tempdir().unwrap();
    put(&dir, "Board.json", "{torn");
    let store = open(&dir, "Board");

    assert_eq!(damage(store.load().unwrap_err()).0, dir.path().join("Board.json"));
    store.save(b"{1}").unwrap();

    assert_eq!(files(&dir), pairs(&[("Board.json.damaged-1", "{torn"), ("~42oard.json", "{1}")]));

    put(&dir, "Board.json", "{restored}");
    store.save(b"{2}").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("Board.json")).unwrap(), "{restored}");
}

// Only where file systems fold names can one room's name lead to the file of another.
#[cfg(any(target_os = "macos", windows))]
#[test]
fn st4_a_file_of_another_spelling_is_neither_read_nor_written() {
    let dir = tempdir().unwrap();
    put(&dir, "Board.json", "{Board}");
    let store = open(&dir, "board");

    assert!(matches!(store.load(), Err(StorageError::NameTaken { .. })));
    assert!(matches!(store.save(b"{board}"), Err(StorageError::NameTaken { .. })));

    assert_eq!(files(&dir), pairs(&[("Board.json", "{Board}")]));
}
