//! The state of a room's files.

use crate::room::{RECORDS_START, Room, append, complaints};
use heddle::storage::{Owner, StorageError};
use std::{fs, thread};

#[test]
fn ck1_a_room_is_measured() {
    let room = Room::crashed();
    let journal = room.bytes("board.journal");
    room.write("board.journal", [&journal[..], &[7; 13]].concat());

    let found = room.inspect();

    assert_eq!(complaints(&found), Vec::<String>::new());
    assert_eq!((found.clock, found.changes.len(), found.torn_bytes), (Some(6), 3, 13));
    assert_eq!(found.snapshot_bytes, Some(76));
    assert_eq!(found.journal_bytes, Some(1536 + 3 * 43 + 13));
    assert_eq!(found.owner, None);
}

#[test]
fn ck1_a_room_may_lack_a_snapshot_or_a_journal() {
    let young = Room::young().inspect();
    let closed = Room::crashed();
    closed.open().close().unwrap();
    let closed = closed.inspect();

    assert_eq!((young.clock, young.snapshot_bytes, young.changes.len()), (Some(6), None, 6));
    assert_eq!((closed.clock, closed.journal_bytes, closed.changes.len()), (Some(6), None, 0));
}

#[test]
fn ck2_inspecting_changes_nothing() {
    let room = Room::crashed();
    room.flip("board.json", 30);
    room.write("board.lock", format!("{:<32}\n", 4242));
    room.write("board.json.00.heddle-tmp", "");
    let before = room.everything();

    assert!(!room.inspect().problems.is_empty());

    assert_eq!(room.everything(), before);
}

#[test]
fn ck2_an_open_room_is_told_with_its_owner() {
    let room = Room::crashed();
    let store = room.open();

    let found = room.inspect();

    let pid = Some(std::process::id());
    assert_eq!(found.owner, Some(Owner { pid, this_process: true, closing: false }));
    assert_eq!((found.clock, complaints(&found)), (Some(6), Vec::new()));
    drop(store);
    assert_eq!(room.inspect().owner, None);
}

#[test]
fn ck2_nobody_is_refused_a_room_that_is_inspected() {
    let room = Room::crashed();

    thread::scope(|scope| {
        let opener = scope.spawn(|| (0..200).for_each(|_| drop(room.open())));
        while !opener.is_finished() {
            room.inspect();
        }
    });
}

#[test]
fn ck2_a_room_that_is_written_is_not_taken_for_damaged() {
    let room = Room::crashed();
    let store = room.open();

    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for clock in 7..=800 {
                append(&store, clock..=clock);
                if clock % 5 == 0 {
                    store.compact().unwrap();
                }
            }
        });
        while !writer.is_finished() {
            let found = room.inspect();
            assert!(found.is_passing || found.problems.is_empty(), "{:?}", complaints(&found));
            assert!(found.owner.is_some());
        }
    });
}

#[test]
fn ck3_damage_is_told_while_the_room_is_open_too() {
    let room = Room::crashed();
    let store = room.open();
    append(&store, 7..=7);
    room.flip("board.journal", RECORDS_START + 20);

    let found = room.inspect();

    assert!(found.owner.is_some() && !found.is_passing);
    assert_eq!(found.problems.len(), 1);
}

#[test]
fn ck3_damage_is_told_with_file_offset_clock_and_reason() {
    let told = |spoil: &dyn Fn(&Room)| {
        let room = Room::crashed();
        spoil(&room);
        let found = room.inspect();
        (complaints(&found), found.clock)
    };

    assert_eq!(
        told(&|room| room.flip("board.journal", RECORDS_START + 43 + 30)),
        (
            vec!["board.journal is damaged: a record does not have the checksum it says at byte 1579".to_owned()],
            Some(4)
        )
    );
    assert_eq!(
        told(&|room| room.flip("board.journal", 40)),
        (
            vec![
                "board.journal is damaged: its header has another checksum than it says at byte 0"
                    .to_owned()
            ],
            Some(3)
        )
    );
    let (complaints, clock) = told(&|room| room.flip("board.json", 30));
    assert!(complaints[0].starts_with("board.json is damaged: its content has the checksum"));
    assert_eq!((complaints.len(), clock), (1, None));
}

#[test]
fn ck3_each_damaged_file_is_told() {
    let room = Room::crashed();
    room.flip("board.json", 30);
    room.flip("board.journal", 40);

    let found = room.inspect();

    assert_eq!(found.problems.len(), 2);
    assert_eq!((found.snapshot_bytes, found.journal_bytes), (Some(76), Some(1536 + 3 * 43)));
}

#[test]
fn ck3_what_cannot_be_read_is_told_from_damage() {
    let room = Room::new();
    fs::create_dir(room.path("board.json")).unwrap();

    let found = room.inspect();

    assert!(matches!(&found.problems[..], [StorageError::Io { operation: "read", .. }]));
}
