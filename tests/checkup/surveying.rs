//! Which rooms a directory holds.

use crate::room::Room;
use heddle::storage::{LeftoverKind, RealDisk, Survey, survey};

fn surveyed(room: &Room) -> Survey {
    survey(&RealDisk, room.dir.path()).unwrap()
}

/// The ids and the file names of the rooms that these files belong to.
fn rooms(files: &[&str]) -> Vec<(Option<String>, String, Option<String>)> {
    let room = Room::new();
    for file in files {
        room.write(file, "");
    }
    let found = surveyed(&room);
    assert_eq!(found.leftovers, []);
    let text = |id: Vec<u16>| String::from_utf16(&id).unwrap();
    let rooms = found.rooms.into_iter();
    rooms.map(|room| (room.id.map(text), room.file, room.legacy_file)).collect()
}

fn own(id: &str, file: &str) -> (Option<String>, String, Option<String>) {
    (Some(id.to_owned()), file.to_owned(), None)
}

#[test]
fn ck1_rooms_are_found_by_any_of_their_files() {
    assert_eq!(
        rooms(&[
            "b.json",
            "b.journal",
            "b.lock",
            "c.journal",
            "d.journal-new",
            "~41.json",
            "~.json"
        ]),
        [
            own("b", "b.json"),
            own("c", "c.json"),
            own("d", "d.json"),
            own("", "~.json"),
            own("A", "~41.json"),
        ]
    );
}

#[test]
fn ck1_a_file_of_the_peers_is_its_rooms() {
    let legacy = |id: &str, file: &str, name: &str| {
        (Some(id.to_owned()), file.to_owned(), Some(name.to_owned()))
    };
    let long = "a".repeat(129);
    let hash = "~~c12cb024a2e5551cca0e08fce8f1c5e314555cc3fef6329ee994a3db752166ae";

    assert_eq!(
        rooms(&["My Room.json", "~4dy~20~52oom.journal"]),
        [legacy("My Room", "~4dy~20~52oom.json", "My Room.json")]
    );
    assert_eq!(
        rooms(&[&format!("{long}.json"), &format!("{hash}.journal")]),
        [legacy(&long, &format!("{hash}.json"), &format!("{long}.json"))]
    );
    assert_eq!(rooms(&[&format!("{hash}.json")]), [(None, format!("{hash}.json"), None)]);
}

#[test]
fn ck5_leftovers_are_told_from_rooms() {
    let room = Room::new();
    for file in [
        "a.json",
        "a.json.00ff.heddle-tmp",
        "a.json.damaged-1",
        "a.journal.damaged-12",
        "My Room.json.damaged-2",
        "a.salvaged-3.json",
        "a.journal",
        "a.journal-new",
        "~41.json",
        "A.json",
    ] {
        room.write(file, "");
    }
    room.write("b.lock", format!("{:<32}\n", 4242));

    let found = surveyed(&room);

    let kinds: Vec<_> =
        found.leftovers.iter().map(|leftover| (&*leftover.file, leftover.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("A.json", LeftoverKind::Superseded),
            ("My Room.json.damaged-2", LeftoverKind::SetAside),
            ("a.journal-new", LeftoverKind::UnusedJournal),
            ("a.journal.damaged-12", LeftoverKind::SetAside),
            ("a.json.00ff.heddle-tmp", LeftoverKind::Temporary),
            ("a.json.damaged-1", LeftoverKind::SetAside),
            ("a.salvaged-3.json", LeftoverKind::Salvaged),
            ("b.lock", LeftoverKind::Lock),
        ]
    );
    let rooms: Vec<_> = found.rooms.iter().map(|room| &*room.file).collect();
    assert_eq!(rooms, ["a.json", "~41.json"]);
}

#[test]
fn ck5_what_is_not_ours_is_passed_over() {
    assert_eq!(
        rooms(&[
            "README.md",
            "yarn.lock",
            "notes",
            "a.json.bak",
            "A.journal",
            ".gitignore",
            "x.lock.json~"
        ]),
        []
    );
}

#[test]
fn ck1_an_open_room_without_files_is_a_room() {
    let room = Room::new();
    let store = room.open();

    assert_eq!(surveyed(&room).rooms.len(), 1);
    store.close().unwrap();
    assert_eq!(surveyed(&room), Survey::default());
}

#[test]
fn ck4_a_directory_that_cannot_be_listed_is_an_error() {
    let room = Room::new();
    room.write("file", "");

    for name in ["missing", "file"] {
        let error = survey(&RealDisk, &room.path(name)).unwrap_err();
        assert!(error.to_string().starts_with("could not list "), "{error}");
    }
}
