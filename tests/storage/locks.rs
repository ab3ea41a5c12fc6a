//! One owner for a room's files.

use crate::{
    format::text,
    room::{Room, append},
};
use heddle::storage::{Owner, StorageError};
use std::fs;

fn owner(error: &StorageError) -> Owner {
    let StorageError::Locked { owner, .. } = error else { panic!("{error}") };
    *owner
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
