//! Archived journals: what is kept of what a room was, and what happens when the archive is not what it should be.

use crate::{
    format::{START_MS, change, said, text},
    room::{Room, after, append, content},
};
use heddle::storage::{RoomStore, StorageError, Wanted};
use std::fs;

fn wanted(stored: u64) -> Wanted {
    Wanted { after: 0, stored, since_ms: 0, limit: usize::MAX }
}

/// The clocks that are listed, and how many errors.
fn listed(store: &RoomStore, wanted: Wanted) -> (Vec<u64>, usize) {
    let listing = store.list_history(wanted).unwrap();
    (listing.changes.iter().map(|change| change.clock).collect(), listing.errors.len())
}

/// An open room of ten changes, of which six to ten are in the journal, and whose history goes back to the start.
fn ten_changes() -> (Room, RoomStore) {
    let room = Room::new();
    let store = room.open().store;
    store.keep_history(0);
    append(&store, 1..=5);
    store.compact().unwrap();
    append(&store, 6..=10);
    (room, store)
}

fn archived(room: &Room) -> Vec<String> {
    let entries = fs::read_dir(room.path("board.history")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn assert_remembers_all(store: &RoomStore, clock: u64) {
    let listing = store.list_history(wanted(clock)).unwrap();
    assert!(listing.errors.is_empty(), "{:?}", listing.errors);
    let clocks: Vec<u64> = listing.changes.iter().map(|change| change.clock).collect();
    assert_eq!(clocks, (1..=clock).collect::<Vec<_>>());
    for past in &listing.changes {
        let made = change(past.clock, 0, 2);
        assert_eq!((past.time_ms, &past.client), (made.time_ms, &made.client));
    }
    for past in 0..=clock {
        assert_eq!(store.snapshot_at(past, clock).unwrap(), text(past, &after(past).1));
    }
}

#[test]
fn hi1_without_being_told_to_a_room_archives_nothing() {
    let room = Room::new();
    let store = room.open().store;
    append(&store, 1..=5);
    store.compact().unwrap();
    append(&store, 6..=6);
    store.rewrite(&text(6, &after(6).1)).unwrap();
    store.close().unwrap();

    assert_eq!(room.names(), ["board.json"]);
}

#[test]
fn hi2_hi5_hi6_everything_is_remembered_across_compactions_closes_and_kills() {
    let (room, store) = ten_changes();
    assert_remembers_all(&store, 10);
    store.close().unwrap();
    assert_eq!(room.names(), ["board.history", "board.json"]);

    let opened = room.open();
    opened.store.keep_history(0);
    assert_remembers_all(&opened.store, 10);
    append(&opened.store, 11..=12);
    Room::killed(opened);
    let opened = room.open();
    opened.store.keep_history(0);
    assert_remembers_all(&opened.store, 12);
    opened.store.compact().unwrap();
    append(&opened.store, 13..=13);
    opened.store.compact().unwrap();

    assert_remembers_all(&opened.store, 13);
    assert_eq!(content(&opened), after(12));
    assert_eq!(
        archived(&room),
        [
            "1-5-1700000000005.journal",
            "10.json",
            "11-12-1700000000012.journal",
            "12.json",
            "13-13-1700000000013.journal",
            "5.json",
            "6-10-1700000000010.journal",
        ]
    );
}

#[test]
fn hi2_a_snapshot_that_a_journal_holds_is_archived_in_it() {
    let (room, store) = ten_changes();
    store.rewrite(&text(10, &after(10).1)).unwrap();
    append(&store, 11..=12);
    assert_remembers_all(&store, 12);

    store.compact().unwrap();

    assert_remembers_all(&store, 12);
    assert!(!archived(&room).contains(&"10.json".to_owned()), "it is in the journal");
}

#[test]
fn hi5_a_list_is_of_what_is_wanted_and_stored() {
    let (_room, store) = ten_changes();
    let all = wanted(9);

    assert_eq!(listed(&store, Wanted { after: 3, ..all }), ((4..=9).collect(), 0));
    assert_eq!(listed(&store, Wanted { after: 3, limit: 2, ..all }), (vec![4, 5], 0));
    assert_eq!(listed(&store, Wanted { after: 3, limit: 3, ..all }), (vec![4, 5, 6], 0));
    assert_eq!(listed(&store, Wanted { since_ms: START_MS + 8, ..all }), (vec![8, 9], 0));
    assert_eq!(listed(&store, Wanted { since_ms: START_MS + 4, ..all }), ((4..=9).collect(), 0));
}

#[test]
fn hi3_what_lies_wholly_before_the_retention_is_removed() {
    let (room, store) = ten_changes();
    fs::write(room.path("board.history").join("notes.txt"), "mine").unwrap();
    fs::write(room.path("board.history").join("0f.heddle-tmp"), "of a dead process").unwrap();
    store.keep_history(START_MS + 5);
    store.compact().unwrap();
    let both = ["1-5-1700000000005.journal", "5.json", "6-10-1700000000010.journal", "notes.txt"];
    assert_eq!(archived(&room), both);

    store.keep_history(START_MS + 6);
    store.compact().unwrap();
    assert_eq!(archived(&room), ["5.json", "6-10-1700000000010.journal", "notes.txt"]);
    assert_eq!(listed(&store, wanted(10)), ((6..=10).collect(), 0));

    store.keep_history(START_MS + 11);
    store.close().unwrap();
    assert_eq!(archived(&room), ["notes.txt"]);
    assert_eq!(content(&room.open()), after(10));
}

#[test]
fn hi7_what_is_not_there_is_said_with_what_is() {
    let (_room, store) = ten_changes();
    store.keep_history(START_MS + 6);
    store.compact().unwrap();
    append(&store, 11..=13);

    for (clock, stored) in [(4, 12), (13, 12), (u64::MAX, 12)] {
        let error = store.snapshot_at(clock, stored).unwrap_err();
        let StorageError::NoHistory { clock: asked, available } = &error else { panic!("{error}") };
        assert_eq!((*asked, &available[..]), (clock, &[(5, 12)][..]));
        let message = format!("there is no history of the clock {clock}; there is of 5 to 12");
        assert_eq!(error.to_string(), message);
    }
    assert_eq!(store.snapshot_at(5, 12).unwrap(), text(5, &after(5).1));
}

#[test]
fn hi4_a_damaged_archive_costs_what_is_damaged() {
    for damage in ["changed", "cut", "gone"] {
        let (room, store) = ten_changes();
        store.close().unwrap();
        let path = room.path("board.history").join("1-5-1700000000005.journal");
        let mut bytes = fs::read(&path).unwrap();
        match damage {
            "changed" => bytes[1600] ^= 1,
            "cut" => bytes.truncate(1600),
            _ => {}
        }
        fs::remove_file(&path).unwrap();
        if damage != "gone" {
            fs::write(&path, bytes).unwrap();
        }

        let opened = room.open();
        assert_eq!(content(&opened), after(10));
        opened.store.keep_history(0);
        append(&opened.store, 11..=11);
        opened.store.compact().unwrap();

        assert!(opened.store.take_history_trouble().is_none());
        let (clocks, errors) = listed(&opened.store, wanted(11));
        assert_eq!((clocks, errors), ((6..=11).collect(), usize::from(damage != "gone")));
        assert!(opened.store.snapshot_at(3, 11).is_err());
        assert_eq!(opened.store.snapshot_at(7, 11).unwrap(), text(7, &after(7).1));
    }
}

#[test]
fn hi4_a_snapshot_that_is_gone_or_another_is_damage() {
    let (room, store) = ten_changes();
    store.compact().unwrap();
    let path = room.path("board.history").join("5.json");
    for other in [None, Some(text(5, &["other".to_owned()]))] {
        fs::remove_file(&path).unwrap();
        if let Some(other) = other {
            fs::write(&path, other).unwrap();
        } else {
            assert!(matches!(store.snapshot_at(7, 10), Err(StorageError::Damaged { .. })));
            fs::write(&path, "torn").unwrap();
        }
        assert!(matches!(store.snapshot_at(7, 10), Err(StorageError::Damaged { .. })));
    }
    assert_eq!(store.snapshot_at(5, 10).unwrap(), text(5, &after(5).1));
}

#[test]
fn hi4_an_archive_that_cannot_be_written_is_told_once_and_costs_only_history() {
    let room = Room::new();
    let store = room.open().store;
    store.keep_history(0);
    for episode in 0..2 {
        fs::write(room.path("board.history"), "in the way").unwrap();
        let first = episode * 6 + 1;
        append(&store, first..=first + 2);
        store.compact().unwrap();
        let error = store.take_history_trouble().unwrap();
        assert!(matches!(error, StorageError::History { .. }), "{error}");
        append(&store, first + 3..=first + 3);
        store.compact().unwrap();
        assert!(store.take_history_trouble().is_none());

        fs::remove_file(room.path("board.history")).unwrap();
        append(&store, first + 4..=first + 5);
        store.compact().unwrap();
        assert!(store.take_history_trouble().is_none());
        assert_eq!(listed(&store, wanted(first + 5)), (vec![first + 4, first + 5], 0));
        let error = store.snapshot_at(1, first + 5).unwrap_err();
        assert!(matches!(error, StorageError::NoHistory { .. }), "{error}");
        fs::remove_dir_all(room.path("board.history")).unwrap();
    }
    store.close().unwrap();
    assert_eq!(content(&room.open()), after(12));
}

/// Between a compaction and the next the store failed, and the last change was taken back.
#[test]
fn hi8_what_was_taken_back_is_no_history() {
    let (room, store) = ten_changes();
    store.compact().unwrap();
    let (_, mut list) = after(9);
    store.rewrite(&text(9, &list)).unwrap();
    let other = change(10, 1, 2);
    list.push(said(&other));
    store.append(&[other]).unwrap();

    for _ in 0..2 {
        assert_eq!(listed(&store, wanted(10)), ((1..=10).collect(), 0));
        assert_eq!(store.snapshot_at(9, 10).unwrap(), text(9, &after(9).1));
        assert_eq!(store.snapshot_at(10, 10).unwrap(), text(10, &list));
        store.compact().unwrap();
    }
    assert_eq!(archived(&room).len(), 4, "{:?}", archived(&room));
}

#[test]
fn hi8_the_history_of_a_room_goes_back_with_it() {
    let (room, store) = ten_changes();
    store.close().unwrap();
    let before = archived(&room);
    room.files().save(&text(3, &after(3).1)).unwrap();
    assert_eq!(archived(&room), before, "saving alone leaves the archive alone");
    let store = room.open().store;
    store.keep_history(0);
    let other: Vec<_> = (4..=7).map(|clock| change(clock, 1, 2)).collect();
    let list = [after(3).1, other.iter().map(said).collect()].concat();
    store.append(&other).unwrap();

    for _ in 0..2 {
        assert_eq!(listed(&store, wanted(7)), ((1..=7).collect(), 0));
        assert_eq!(store.snapshot_at(2, 7).unwrap(), text(2, &after(2).1));
        assert_eq!(store.snapshot_at(6, 7).unwrap(), text(6, &list[..6]));
        store.compact().unwrap();
    }
    let kept = ["1-5-1700000000005.journal", "3.json", "4-7-1700000000007.journal"];
    assert_eq!(archived(&room), kept);
}

#[test]
fn hi2_hi7_a_journal_that_is_given_up_is_archived_as_far_as_it_can_be_read() {
    let (room, store) = ten_changes();
    store.sync().unwrap();
    fs::remove_file(room.path("board.journal")).unwrap();
    store.sync().unwrap_err();
    store.rewrite(&text(10, &after(10).1)).unwrap();

    let error = store.take_history_trouble().unwrap();
    assert!(error.to_string().contains("it ends with the clock 5"), "{error}");
    append(&store, 11..=11);
    let clocks = [(1..=5).collect(), vec![11]].concat();
    assert_eq!(listed(&store, wanted(11)), (clocks, 0));
    let error = store.snapshot_at(7, 11).unwrap_err();
    assert!(error.to_string().ends_with("there is of 0 to 5, 10 to 11"), "{error}");
}

#[test]
fn hi5_a_room_that_is_closed_has_no_files_to_read() {
    let (_room, store) = ten_changes();
    store.close().unwrap();

    assert!(matches!(store.list_history(wanted(10)), Err(StorageError::Io { .. })));
    assert!(matches!(store.snapshot_at(3, 10), Err(StorageError::Io { .. })));
}
