//! Appending, syncing, compacting, rewriting, closing.

use crate::{
    format::{LIST, text},
    room::{Room, after, append, content, try_append},
};
use heddle::storage::{FileStore, LoggedDisk, RealDisk, StorageError};
use std::{fs, sync::Arc};

#[test]
fn jr3_what_was_appended_is_there_after_a_kill() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=3);
    append(&opened.store, 4..=4);
    Room::killed(opened);

    let opened = room.open();

    assert_eq!(content(&opened), after(4));
    assert_eq!((opened.changes[1].clock, &*opened.changes[1].client), (2, &b"client-2"[..]));
    assert_eq!(opened.changes[1].time_ms, 1_700_000_000_002);
    assert_eq!(opened.cut_bytes, 0);
}

#[test]
fn jr6_a_torn_end_is_cut_and_counted() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=3);
    opened.store.sync().unwrap();
    append(&opened.store, 4..=4);
    Room::killed(opened);
    let bytes = fs::read(room.path("board.journal")).unwrap();
    fs::write(room.path("board.journal"), &bytes[..bytes.len() - 1]).unwrap();

    let opened = room.open();
    assert_eq!(content(&opened), after(3));
    assert!(opened.cut_bytes > 20, "{}", opened.cut_bytes);
    append(&opened.store, 4..=5);
    Room::killed(opened);

    assert_eq!(content(&room.open()), after(5));
}

#[test]
fn jr8_a_clean_close_leaves_the_snapshot_alone() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=2);
    opened.store.close().unwrap();

    assert_eq!(room.names(), ["board.json"]);
    let text = room.text("board.json");
    assert!(text.starts_with(r#"{"clock":2,"list":["1-0-xx","2-0-xx"],"checksum":"crc32c:"#));
    assert_eq!(content(&room.open()), after(2));
}

#[test]
fn jr7_compaction_leaves_what_came_meanwhile_in_the_journal() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=50);
    let before = opened.store.status();
    opened.store.compact().unwrap();
    let after_it = opened.store.status();
    assert!(before.journal_bytes > 1000 && after_it.journal_bytes == 0, "{before:?} {after_it:?}");
    assert!(after_it.snapshot_bytes > 300, "{after_it:?}");
    append(&opened.store, 51..=53);
    assert!(room.text("board.json").starts_with(r#"{"clock":50,"#));
    Room::killed(opened);

    let opened = room.open();
    assert_eq!((content(&opened), opened.changes.len()), (after(53), 3));
}

#[test]
fn jr7_appends_go_on_while_a_compaction_runs() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=1);
    std::thread::scope(|scope| {
        let compacting = scope.spawn(|| (0..20).for_each(|_| opened.store.compact().unwrap()));
        let syncing = scope.spawn(|| (0..40).for_each(|_| opened.store.sync().unwrap()));
        (2..=2000).for_each(|clock| append(&opened.store, clock..=clock));
        compacting.join().unwrap();
        syncing.join().unwrap();
    });
    opened.store.compact().unwrap();
    append(&opened.store, 2001..=2002);
    Room::killed(opened);

    assert_eq!(content(&room.open()), after(2002));
}

#[test]
fn jr10_a_journal_that_vanished_is_a_failed_store_until_it_is_rewritten() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=3);
    opened.store.sync().unwrap();
    fs::remove_file(room.path("board.journal")).unwrap();
    append(&opened.store, 4..=4);

    let error = opened.store.sync().unwrap_err();
    assert!(error.to_string().contains("removed or replaced"), "{error}");
    assert!(opened.store.status().poisoned);
    assert!(matches!(try_append(&opened.store, 5..=5), Err(StorageError::Poisoned { .. })));
    assert!(matches!(opened.store.close(), Err(StorageError::Poisoned { .. })));

    let (clock, list) = after(4);
    assert_eq!(opened.store.rewrite(&text(clock, &list)).unwrap(), 4);
    append(&opened.store, 5..=5);
    Room::killed(opened);
    assert_eq!(content(&room.open()), after(5));
}

#[test]
fn jr10_a_directory_that_vanished_is_made_again() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=3);
    opened.store.compact().unwrap();
    append(&opened.store, 4..=4);
    fs::remove_dir_all(room.dir.path()).unwrap();
    opened.store.sync().unwrap_err();

    let (clock, list) = after(4);
    opened.store.rewrite(&text(clock, &list)).unwrap();
    append(&opened.store, 5..=5);
    assert_eq!(room.names(), ["board.journal", "board.lock"]);
    opened.store.close().unwrap();

    assert_eq!(room.names(), ["board.json"]);
    assert_eq!(content(&room.open()), after(5));
}

#[test]
fn jr9_a_peers_file_is_left_alone_until_something_changes() {
    let room = Room::new();
    let (clock, list) = after(2);
    fs::write(room.path("board.json"), text(clock, &list)).unwrap();
    let opened = room.open();
    assert_eq!(content(&opened), after(2));
    opened.store.close().unwrap();
    assert_eq!(room.text("board.json").as_bytes(), text(clock, &list));

    let opened = room.open();
    append(&opened.store, 3..=3);
    Room::killed(opened);
    assert_eq!(content(&room.open()), after(3));
}

#[test]
fn jr4_a_snapshot_that_does_not_fit_is_an_error_and_nothing_is_replayed() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=2);
    opened.store.compact().unwrap();
    append(&opened.store, 3..=3);
    Room::killed(opened);
    fs::write(room.path("board.json"), text(2, &["other".to_owned()])).unwrap();
    let before = fs::read(room.path("board.journal")).unwrap();

    let error = room.files().open().unwrap_err();

    let StorageError::Damaged { path, damage, clock } = error else { panic!("{error}") };
    assert_eq!((path, clock), (room.path("board.journal"), Some(2)));
    assert!(damage.reason.contains("continues a snapshot"), "{damage}");
    assert_eq!(fs::read(room.path("board.journal")).unwrap(), before);
    assert_eq!(room.names(), ["board.journal", "board.json"]);
}

#[test]
fn jr11_a_saved_snapshot_replaces_what_a_kill_left() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=2);
    Room::killed(opened);
    assert_eq!(room.files().load().unwrap().unwrap(), text(2, &after(2).1));

    room.files().save(&text(7, &[])).unwrap();

    assert_eq!(room.names(), ["board.json"]);
    assert_eq!(content(&room.open()), (7, Vec::new()));
}

#[test]
fn jr11_a_damaged_journal_is_kept_beside_a_saved_snapshot() {
    let room = Room::new();
    fs::write(room.path("board.journal"), "HEDDLEJ1 and nothing else").unwrap();
    let error = room.files().load().unwrap_err();
    assert!(matches!(error, StorageError::Damaged { .. }), "{error}");

    room.files().save(&text(7, &[])).unwrap();

    assert_eq!(room.names(), ["board.journal.damaged-1", "board.json"]);
    assert_eq!(room.text("board.journal.damaged-1"), "HEDDLEJ1 and nothing else");
}

#[test]
fn jr12_a_directory_in_the_way_of_the_journal_is_an_error() {
    for name in ["board.journal", "board.journal-new"] {
        let room = Room::new();
        fs::create_dir(room.path(name)).unwrap();

        for error in [room.files().open().unwrap_err(), room.files().load().unwrap_err()] {
            assert!(matches!(error, StorageError::Io { operation: "read", .. }), "{error}");
        }
        assert_eq!(room.names(), [name]);
    }
}

#[test]
fn jr9_a_room_that_nobody_changes_is_not_written() {
    let room = Room::new();
    room.open().store.close().unwrap();
    assert_eq!(room.names(), Vec::<String>::new());

    room.files().save(&text(3, &after(3).1)).unwrap();
    let before = fs::metadata(room.path("board.json")).unwrap().modified().unwrap();
    let opened = room.open();
    opened.store.sync().unwrap();
    opened.store.compact().unwrap();
    opened.store.close().unwrap();
    assert_eq!(fs::metadata(room.path("board.json")).unwrap().modified().unwrap(), before);
}

#[test]
fn jr5_clocks_that_do_not_ascend_by_one_are_refused() {
    let room = Room::new();
    let opened = room.open();
    try_append(&opened.store, 2..=2).unwrap_err();
    append(&opened.store, 1..=1);
    try_append(&opened.store, 1..=1).unwrap_err();
    try_append(&opened.store, 3..=3).unwrap_err();

    assert!(!opened.store.status().poisoned);
    append(&opened.store, 2..=2);
}

#[test]
fn every_operation_is_in_the_log_of_a_logged_disk() {
    let room = Room::new();
    let log = room.path("log");
    let disk = LoggedDisk::to_file(Arc::new(RealDisk), &log).unwrap();
    let id: Vec<u16> = "board".encode_utf16().collect();
    let files = FileStore::new_on(Arc::new(disk), room.dir.path(), &id, LIST);
    let opened = files.open().unwrap();
    let before = room.text("log").lines().count();

    append(&opened.store, 1..=1);
    opened.store.sync().unwrap();
    append(&opened.store, 2..=2);
    opened.store.sync().unwrap();

    let text = room.text("log").replace(&*room.dir.path().to_string_lossy(), "");
    let lines: Vec<&str> = text.lines().skip(before).collect();
    assert_eq!(
        lines,
        [
            "create /board.journal-new",
            "write-at /board.journal-new 0 1579",
            "write-at /board.journal-new 1024 28",
            "sync-all /board.journal-new",
            "is-at /board.journal-new",
            "rename /board.journal-new /board.journal",
            "sync-dir ",
            "write-at /board.journal 1579 43",
            "is-at /board.journal",
            "sync-data /board.journal",
            "write-at /board.journal 512 28",
        ]
    );
}
