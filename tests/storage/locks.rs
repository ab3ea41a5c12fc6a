//! One owner for a room's files.

use crate::{
    format::text,
    room::{Room, after, append, content},
};
use heddle::storage::{Owner, StorageError};
use std::{
    fs,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

fn owner(error: &StorageError) -> Owner {
    let StorageError::Locked { owner, .. } = error else { panic!("{error}") };
    *owner
}

const ROOM: &str = "HEDDLE_TEST_ROOM";

/// Another process that opens the room and holds it: this program, told to run one test alone.
fn other_process(room: &Room) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "locks::another_process_holds_a_room", "--nocapture"])
        .env(ROOM, room.dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut said, mut byte) = (Vec::new(), [0]);
    let out = child.stdout.as_mut().unwrap();
    while !said.ends_with(b"holding") {
        assert_eq!(out.read(&mut byte).unwrap(), 1, "it ended: {said:?}");
        said.extend(byte);
    }
    child
}

#[test]
fn another_process_holds_a_room() {
    let Some(dir) = std::env::var_os(ROOM) else { return };
    let opened = Room::files_in(Path::new(&dir)).open().unwrap();
    append(&opened.store, 1..=3);
    println!("holding");
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn lk2_lk3_another_process_has_the_room_until_it_is_killed() {
    let room = Room::new();
    let mut other = other_process(&room);

    let refused = owner(&room.files().open().unwrap_err());
    let pid = if cfg!(windows) { None } else { Some(other.id()) };
    assert_eq!(refused, Owner { pid, this_process: false, closing: false });
    assert!(!owner(&room.files().save(&text(9, &[])).unwrap_err()).this_process);
    assert_eq!(room.files().load().unwrap().unwrap(), text(3, &after(3).1));

    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(content(&room.open()), after(3));
}

#[test]
fn lk5_a_lock_file_that_was_removed_is_made_again() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=1);
    fs::remove_file(room.path("board.lock")).unwrap();

    opened.store.compact().unwrap();

    assert_eq!(room.names(), ["board.journal", "board.json", "board.lock"]);
    opened.store.close().unwrap();
    assert_eq!(room.names(), ["board.json"]);
}

#[test]
fn lk1_a_second_opener_is_refused_and_told_who_has_the_room() {
    let room = Room::new();
    let first = room.open();
    let pid = Some(std::process::id());

    let refused = owner(&room.files().open().unwrap_err());
    assert_eq!(refused, Owner { pid, this_process: true, closing: false });
    first.store.begin_close();
    let refused = owner(&room.files().open().unwrap_err());
    assert_eq!(refused, Owner { pid, this_process: true, closing: true });

    first.store.close().unwrap();
    room.open();
}

#[test]
fn lk4_a_save_does_not_go_behind_an_open_rooms_back() {
    let room = Room::new();
    let opened = room.open();
    append(&opened.store, 1..=1);

    assert!(owner(&room.files().save(&text(9, &[])).unwrap_err()).this_process);
    assert_eq!(room.files().load().unwrap().unwrap(), text(1, &["1-0-xx".to_owned()]));
    opened.store.close().unwrap();

    room.files().save(&text(9, &[])).unwrap();
    assert_eq!(room.names(), ["board.json"]);
}

#[test]
fn lk3_a_lock_file_alone_blocks_nobody() {
    let room = Room::new();
    fs::write(room.path("board.lock"), "4242").unwrap();

    let opened = room.open();
    drop(opened);

    room.open().store.close().unwrap();
    assert_eq!(room.names(), Vec::<String>::new());
}
