//! Bytes that rot: whatever is changed in a synced room is told, or makes no difference.

use crate::{
    disk::{Lie, SimDisk},
    format::{LIST, change, text},
    image::Image,
    run::{Said, content, dir, room},
};
use heddle::storage::{FileStore, StorageError};
use std::sync::Arc;

/// The files of a room that was killed after a sync.
#[derive(Clone)]
struct Files {
    snapshot: Vec<u8>,
    journal: Vec<u8>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    told: u64,
    harmless: u64,
}

impl Files {
    fn of(id: &str, changes: u64, size: usize) -> Self {
        let disk = SimDisk::new(Image::default(), Lie::None);
        let id: Vec<u16> = id.encode_utf16().collect();
        let files = FileStore::new_on(Arc::new(disk.clone()), dir(), &id, LIST);
        let store = files.open().unwrap().store;
        let append = |clocks: std::ops::RangeInclusive<u64>| {
            clocks.for_each(|clock| store.append(&[change(clock, 0, size)]).unwrap());
        };
        append(1..=changes);
        store.compact().unwrap();
        append(changes + 1..=2 * changes);
        store.sync().unwrap();
        let name = String::from_utf16(&id).unwrap();
        let image = disk.image();
        let bytes = |name: String| image.bytes(image.file(&dir().join(name)).unwrap()).to_vec();
        Self { snapshot: bytes(format!("{name}.json")), journal: bytes(format!("{name}.journal")) }
    }

    fn image(&self) -> Image {
        Image::with(&[
            (&dir().join("board.json"), &self.snapshot),
            (&dir().join("board.journal"), &self.journal),
        ])
    }

    /// What the room says, or that it is damaged; then its files must be as they were.
    fn open(&self) -> Option<Said> {
        let disk = SimDisk::new(self.image(), Lie::None);
        let error = match room(&disk).open() {
            Ok(opened) => return Some(content(&opened)),
            Err(error) => error,
        };
        assert!(matches!(error, StorageError::Damaged { .. }), "{error}");
        let image = disk.image();
        for (name, bytes) in [("board.json", &self.snapshot), ("board.journal", &self.journal)] {
            assert_eq!(image.bytes(image.file(&dir().join(name)).unwrap()), bytes, "{name}");
        }
        assert_eq!(image.names().count(), 2);
        None
    }

    /// The records of the journal, without its header.
    fn records(&self) -> Vec<Vec<u8>> {
        let mut rest = &self.journal[HEADER..];
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[..4].try_into().unwrap());
            let (record, after) = rest.split_at(8 + usize::try_from(length).unwrap());
            records.push(record.to_vec());
            rest = after;
        }
        records
    }
}

/// The bytes before the records.
const HEADER: usize = 1536;

impl Figures {
    fn look(&mut self, what: &str, files: &Files, sound: &Said) {
        match files.open() {
            None => self.told += 1,
            Some(found) => {
                assert_eq!(&found, sound, "{what} changed what the room says");
                self.harmless += 1;
            }
        }
    }

    fn print(&self, what: &str) {
        println!("{what}: {} told, {} harmless, 0 wrong", self.told, self.harmless);
    }
}

fn room_of_20_kilobytes() -> (Files, Said) {
    let files = Files::of("board", 60, 130);
    let size = files.snapshot.len() + files.journal.len();
    assert!((18_000..24_000).contains(&size), "{size}");
    let sound = files.open().unwrap();
    assert_eq!(sound.len(), 120);
    (files, sound)
}

#[test]
fn jr2_jr5_every_flipped_bit_is_told_or_harmless() {
    let (files, sound) = room_of_20_kilobytes();
    let threads = 4;
    let count = |first: usize| {
        let mut figures = Figures::default();
        for at in (first..files.snapshot.len() + files.journal.len()).step_by(threads) {
            for bit in 0..8 {
                let mut files = files.clone();
                match at.checked_sub(files.snapshot.len()) {
                    None => files.snapshot[at] ^= 1 << bit,
                    Some(at) => files.journal[at] ^= 1 << bit,
                }
                figures.look(&format!("bit {bit} of byte {at}"), &files, &sound);
            }
        }
        figures
    };

    let mut figures = Figures::default();
    std::thread::scope(|scope| {
        let count = &count;
        // All of them started before the first is waited for.
        let started: Vec<_> = (0..threads).map(|first| scope.spawn(move || count(first))).collect();
        for counting in started {
            let Figures { told, harmless } = counting.join().unwrap();
            figures.told += told;
            figures.harmless += harmless;
        }
    });

    figures.print("flipped bits");
    assert!(figures.told > 140_000 && figures.harmless < 10_000, "{figures:?}");
}

#[test]
fn jr2_jr5_a_file_of_any_other_length_is_told() {
    let (files, sound) = room_of_20_kilobytes();
    let mut figures = Figures::default();
    for length in 0..files.snapshot.len() {
        let mut files = files.clone();
        files.snapshot.truncate(length);
        figures.look(&format!("{length} bytes of the snapshot"), &files, &sound);
    }
    for length in 0..files.journal.len() {
        let mut files = files.clone();
        files.journal.truncate(length);
        figures.look(&format!("{length} bytes of the journal"), &files, &sound);
    }

    figures.print("truncated files");
    assert_eq!(figures.harmless, 0);
}

#[test]
fn jr2_jr5_zeroed_pages_are_told_or_harmless() {
    let (files, sound) = room_of_20_kilobytes();
    let mut figures = Figures::default();
    for size in [512, 4096] {
        for start in (0..files.snapshot.len()).step_by(size) {
            let mut files = files.clone();
            files.snapshot.iter_mut().skip(start).take(size).for_each(|byte| *byte = 0);
            figures.look(&format!("zeros from {start} in the snapshot"), &files, &sound);
        }
        for start in (0..files.journal.len()).step_by(size) {
            let mut files = files.clone();
            files.journal.iter_mut().skip(start).take(size).for_each(|byte| *byte = 0);
            figures.look(&format!("zeros from {start} in the journal"), &files, &sound);
        }
    }

    figures.print("zeroed pages");
    assert!(figures.told >= 40, "{figures:?}");
}

#[test]
fn jr5_swapped_repeated_and_missing_records_are_told() {
    let (files, sound) = room_of_20_kilobytes();
    let records = files.records();
    assert_eq!(records.len(), 60);
    let mut figures = Figures::default();
    let mut look = |what: &str, records: Vec<Vec<u8>>| {
        let mut files = files.clone();
        files.journal.truncate(HEADER);
        files.journal.extend(records.concat());
        figures.look(what, &files, &sound);
    };
    for first in 0..records.len() {
        for second in first + 1..records.len() {
            let mut swapped = records.clone();
            swapped.swap(first, second);
            look(&format!("records {first} and {second} swapped"), swapped);
        }
        let mut missing = records.clone();
        missing.remove(first);
        look(&format!("record {first} missing"), missing);
    }

    figures.print("swapped and missing records");
    assert_eq!(figures.harmless, 0);
}

#[test]
fn jr2_jr4_files_of_another_room_or_of_nothing_are_told() {
    let (files, _) = room_of_20_kilobytes();
    let other = Files::of("other", 60, 130);
    let smaller = Files::of("board", 20, 10);
    let with_snapshot = |bytes: &[u8]| Files { snapshot: bytes.to_vec(), ..files.clone() };
    let with_journal = |bytes: &[u8]| Files { journal: bytes.to_vec(), ..files.clone() };

    for snapshot in [&smaller.snapshot[..], b"null", b"[]", b"", b"{}", &text(60, &[])] {
        assert_eq!(with_snapshot(snapshot).open(), None);
    }
    for journal in [&other.journal[..], &smaller.journal, b"null", b"[]", b"", &files.snapshot] {
        assert_eq!(with_journal(journal).open(), None);
    }
}
