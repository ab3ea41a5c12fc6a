//! What is rescued of damaged rooms.

use crate::{
    format::{LIST, change, parse, text},
    room::{RECORDS_START, Room, after, append},
};
use heddle::storage::{Doubt, FileStore, GroupCommit, Loss, Rescue, Salvage, Source, StorageError};
use std::fs;

/// The length of a record of the rooms here.
const RECORD: usize = 43;

fn rescued(room: &Room) -> Rescue {
    let before = room.everything();
    let Salvage::Rescued(rescue) = room.salvage() else { panic!("nothing was rescued") };
    let mut now = room.everything();
    let name = rescue.path.file_name().unwrap().to_str().unwrap();
    now.retain(|(file, ..)| file != name);
    assert_eq!(now, before, "the files of the room are as they were");
    assert!(!rescue.problems.is_empty());
    rescue
}

/// The clock and the content of what was rescued.
fn content(rescue: &Rescue) -> (u64, Vec<String>) {
    let found = parse(&rescue.text).unwrap();
    assert_eq!(found.0, rescue.clock);
    found
}

fn up_to(clock: u64) -> (u64, Vec<String>) {
    (clock, after(clock))
}

fn snapshot_of(room: &Room) -> Source {
    Source::Snapshot(room.path("board.json"))
}

#[test]
fn ck7_what_is_rescued_is_a_snapshot_beside_the_damaged_files() {
    let room = Room::crashed();
    room.flip("board.journal", RECORDS_START + 2 * RECORD + 30);

    let rescue = rescued(&room);

    assert_eq!(rescue.path, room.path("board.salvaged-1.json"));
    let written = String::from_utf8(room.bytes("board.salvaged-1.json")).unwrap();
    assert_eq!(
        written,
        "{\"clock\":5,\"list\":[\"1-0-xx\",\"2-0-xx\",\"3-0-xx\",\"4-0-xx\",\"5-0-xx\"],\"checksum\":\"crc32c:f4b36cb4\"}"
    );
    assert_eq!(rescue.files, [room.path("board.json"), room.path("board.journal")]);
    assert_eq!(rescued(&room).path, room.path("board.salvaged-2.json"));
    room.remove("board.salvaged-1.json");
    assert_eq!(rescued(&room).path, room.path("board.salvaged-1.json"));
}

#[test]
fn ck7_the_room_opens_on_what_was_rescued_once_it_is_in_place() {
    let room = Room::crashed();
    room.flip("board.journal", RECORDS_START + 2 * RECORD + 30);

    let rescue = rescued(&room);
    rescue.files.iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::rename(&rescue.path, room.path("board.json")).unwrap();

    let opened = room.store().open().unwrap();
    assert_eq!(parse(&opened.snapshot.unwrap()).unwrap(), up_to(5));
    append(&opened.store, 6..=6);
    opened.store.close().unwrap();
}

#[test]
fn ck8_the_snapshot_and_the_good_prefix_of_its_journal() {
    let room = Room::crashed();
    room.flip("board.journal", RECORDS_START + RECORD + 30);

    let rescue = rescued(&room);

    assert_eq!(content(&rescue), up_to(4));
    assert_eq!((&rescue.source, rescue.changes), (&snapshot_of(&room), 1));
    assert_eq!(rescue.doubts, []);
    assert_eq!(
        rescue.loss,
        Some(Loss { path: room.path("board.journal"), offset: 1579, bytes: 86, synced: Some(6) })
    );
}

#[test]
fn ck8_damage_to_the_header_or_its_slots_costs_no_change() {
    for at in [0, 8, 20, 40, 50, 300, 509] {
        let room = Room::crashed();
        room.flip("board.journal", at);

        let rescue = rescued(&room);

        assert_eq!((content(&rescue), &rescue.loss), (up_to(6), &None), "{at}");
        assert_eq!((rescue.changes, &rescue.doubts[..]), (3, &[Doubt::Order][..]), "{at}");
    }
    let room = Room::crashed();
    room.flip("board.journal", 520);
    room.flip("board.journal", 1030);
    let rescue = rescued(&room);
    assert_eq!((content(&rescue), rescue.loss, rescue.doubts), (up_to(6), None, Vec::new()));
}

#[test]
fn ck8_a_journal_with_a_snapshot_of_its_own_needs_no_other() {
    for spoil in [
        |room: &Room| room.flip("board.json", 30),
        |room: &Room| room.write("board.json", "{\"clock\":3,\"li"),
        |room: &Room| room.write("board.json", ""),
    ] {
        let room = Room::rewritten();
        spoil(&room);

        // Recovery would not need the file either, but it stops at anything that is wrong.
        let rescue = rescued(&room);

        assert_eq!(content(&rescue), up_to(6));
        assert_eq!((&rescue.source, rescue.changes), (&Source::State, 3));
        assert_eq!((rescue.doubts, rescue.loss), (Vec::new(), None));
    }
}

#[test]
fn ck8_a_journal_that_goes_back_to_the_empty_room_needs_no_snapshot() {
    let room = Room::young();
    room.write("board.json", "[]");

    let rescue = rescued(&room);

    assert_eq!(content(&rescue), up_to(6));
    assert_eq!((&rescue.source, rescue.changes), (&Source::Beginning, 6));
    assert_eq!((rescue.doubts, rescue.loss), (Vec::new(), None));
}

#[test]
fn ck8_the_snapshot_alone_when_the_journal_does_not_fit() {
    let other = Room::new();
    other.write("board.json", text(3, &after(2)));
    let store = other.open();
    append(&store, 4..=5);
    store.sync().unwrap();
    let room = Room::crashed();
    room.write("board.journal", other.bytes("board.journal"));

    let rescue = rescued(&room);

    assert_eq!(content(&rescue), up_to(3));
    assert_eq!((&rescue.source, rescue.changes), (&snapshot_of(&room), 0));
    assert_eq!(rescue.doubts, []);
    let loss = rescue.loss.unwrap();
    assert_eq!((loss.offset, loss.bytes, loss.synced), (1536, 86, Some(5)));
}

#[test]
fn ck8_nothing_is_taken_from_the_journal_of_another_room() {
    let room = Room::crashed();
    let other = tempfile::tempdir().unwrap();
    fs::copy(room.path("board.json"), other.path().join("a.json")).unwrap();
    let store = FileStore::new(other.path(), &[0x61], LIST).open().unwrap().store;
    append(&store, 4..=5);
    store.sync().unwrap();
    fs::copy(other.path().join("a.journal"), room.path("board.journal")).unwrap();

    let rescue = rescued(&room);

    assert_eq!((content(&rescue), rescue.changes), (up_to(3), 0));
}

#[test]
fn ck8_a_damaged_log_of_several_rooms_does_not_hide_the_journal() {
    let room = Room::crashed();
    room.write("heddle-sync-0.log", [1; 100]);

    let rescue = rescued(&room);

    assert_eq!((content(&rescue), rescue.changes), (up_to(6), 3));
}

#[test]
fn ck8_what_only_a_log_of_several_rooms_has_is_rescued_too() {
    let room = Room::new();
    let store = room.open();
    append(&store, 1..=3);
    store.compact().unwrap();
    append(&store, 4..=4);
    store.sync().unwrap();
    let journal = room.bytes("board.journal");
    let other = FileStore::new(room.dir.path(), &[0x61], LIST).open().unwrap().store;
    append(&other, 1..=1);
    other.sync().unwrap();
    let changes = [5, 6].map(|clock| change(clock, 0, 2));
    let others = [change(2, 0, 2)];
    let rooms = [(&store, &changes[..]), (&other, &others[..])];
    let (outcomes, _) = GroupCommit::default().commit(&rooms);
    assert!(outcomes.iter().all(Result::is_ok));
    let log = room.bytes("heddle-sync-0.log");
    drop((store, other));
    // What power loss may leave of it.
    room.write("board.journal", journal);
    room.write("heddle-sync-0.log", log);
    room.flip("board.json", 30);

    let rescue = rescued(&room);

    assert_eq!((rescue.clock, rescue.changes, rescue.loss), (6, 3, None));
}

#[test]
fn ck9_a_changed_snapshot_that_still_reads_is_used_and_doubted() {
    let room = Room::crashed();
    let edited = String::from_utf8(room.bytes("board.json")).unwrap().replace("2-0-xx", "2-0-yy");
    room.write("board.json", edited);

    let rescue = rescued(&room);

    let (clock, list) = content(&rescue);
    assert_eq!((clock, &*list[1], &*list[5]), (6, "2-0-yy", "6-0-xx"));
    assert_eq!((&rescue.source, rescue.changes), (&snapshot_of(&room), 3));
    assert_eq!(rescue.doubts, [Doubt::Content, Doubt::Order]);
}

#[test]
fn ck9_a_changed_checksum_beside_a_snapshot_that_the_journal_names_is_no_doubt() {
    let room = Room::crashed();
    let end = room.bytes("board.json").len();
    room.flip("board.json", end - 3);

    let rescue = rescued(&room);

    assert_eq!((content(&rescue), rescue.doubts), (up_to(6), Vec::new()));
}

#[test]
fn ck9_a_whole_journal_is_believed_more_than_a_changed_snapshot() {
    let room = Room::rewritten();
    let edited = String::from_utf8(room.bytes("board.json")).unwrap().replace(":3,", ":9,");
    room.write("board.json", edited);

    let rescue = rescued(&room);

    assert_eq!((content(&rescue), rescue.source), (up_to(6), Source::State));
}

#[test]
fn ck10_where_nothing_can_be_read_nothing_is_written() {
    let room = Room::crashed();
    room.write("board.json", "");
    let before = room.everything();

    let Salvage::Hopeless(problems) = room.salvage() else { panic!("something was rescued") };

    assert!(matches!(&problems[..], [StorageError::Damaged { .. }]));
    assert_eq!(room.everything(), before);
}

#[test]
fn ck11_of_a_healthy_room_nothing_is_written() {
    let torn = Room::crashed();
    torn.write("board.journal", [&torn.bytes("board.journal")[..], &[7; 13]].concat());
    for room in [Room::crashed(), Room::rewritten(), Room::young(), torn] {
        let before = room.everything();

        assert!(matches!(room.salvage(), Salvage::Healthy(6)));

        assert_eq!(room.everything(), before);
    }
    assert!(matches!(Room::new().salvage(), Salvage::Absent));
}

#[test]
fn ck11_an_open_room_is_refused_and_a_left_lock_is_not() {
    let room = Room::crashed();
    room.flip("board.journal", RECORDS_START + 30);
    let store = {
        let other = Room::crashed();
        fs::copy(other.path("board.journal"), room.path("whole")).unwrap();
        fs::rename(room.path("board.journal"), room.path("spoiled")).unwrap();
        fs::rename(room.path("whole"), room.path("board.journal")).unwrap();
        room.open()
    };
    fs::rename(room.path("spoiled"), room.path("board.journal")).unwrap();

    let error = room.files().salvage().unwrap_err();
    assert!(matches!(error, StorageError::Locked { owner, .. } if owner.this_process));
    assert!(!room.path("board.salvaged-1.json").exists());
    drop(store);

    assert!(matches!(room.salvage(), Salvage::Rescued(_)));
}

#[test]
fn ck8_whatever_byte_rots_what_is_rescued_is_a_prefix_or_doubted() {
    let room = Room::crashed();
    let (snapshot, journal) = (room.bytes("board.json"), room.bytes("board.journal"));
    let mut rescues = 0;
    for at in (0..snapshot.len()).chain(snapshot.len()..snapshot.len() + journal.len()) {
        let in_records = at.checked_sub(snapshot.len() + RECORDS_START);
        // Nearly all of the header is zeros.
        if at >= snapshot.len() && in_records.is_none() && at % 16 != 0 {
            continue;
        }
        room.write("board.json", &snapshot);
        room.write("board.journal", &journal);
        match at.checked_sub(snapshot.len()) {
            None => room.flip("board.json", at),
            Some(at) => room.flip("board.journal", at),
        }

        let Salvage::Rescued(rescue) = room.salvage() else { continue };

        rescues += 1;
        fs::remove_file(&rescue.path).unwrap();
        if rescue.doubts.contains(&Doubt::Content) {
            assert!(at < snapshot.len(), "{at}");
            continue;
        }
        let whole = in_records.map_or(6, |at| 3 + u64::try_from(at / RECORD).unwrap());
        assert_eq!(content(&rescue), up_to(whole), "{at}");
    }
    assert!(rescues > 200, "{rescues}");
}
