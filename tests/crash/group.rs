//! Several rooms of one directory, committed together.

use crate::{
    disk::{Lie, SimDisk},
    format::{LIST, change, parse, said},
    image::{Image, Loss, Op},
    rng::Rng,
    run::{Said, content, dir},
};
use heddle::storage::{Change, Disk, FileStore, GroupCommit, RoomStore};
use std::sync::Arc;

const ROOMS: usize = 3;

fn files(disk: &SimDisk, room: usize) -> FileStore {
    let id: Vec<u16> = format!("room-{room}").encode_utf16().collect();
    FileStore::new_on(Arc::new(disk.clone()), dir(), &id, LIST)
}

/// A run, and what each room had been promised after so many operations of the disk.
struct Recording {
    log: Vec<Op>,
    stories: Vec<Said>,
    promises: Vec<(usize, usize, usize)>,
}

fn record(lie: Lie) -> Recording {
    let disk = SimDisk::new(Image::default(), lie);
    let mut group = GroupCommit::default();
    let mut rng = Rng::new(5);
    let mut open_rooms: Vec<Option<RoomStore>> = (0..ROOMS).map(|_| None).collect();
    let mut stories = vec![Said::new(); ROOMS];
    let mut promises = Vec::new();
    for _ in 0..40 {
        for (room, slot) in open_rooms.iter_mut().enumerate() {
            if slot.is_none() {
                let opened = files(&disk, room).open().unwrap();
                assert_eq!(content(&opened), stories[room]);
                *slot = Some(opened.store);
            }
        }
        let mut changes: Vec<(usize, Vec<Change>)> = Vec::new();
        for (room, story) in stories.iter_mut().enumerate() {
            if rng.below(4) > 0 {
                let clock = u64::try_from(story.len()).unwrap();
                let count = u64::try_from(1 + rng.below(3)).unwrap();
                let made: Vec<_> =
                    (clock + 1..=clock + count).map(|clock| change(clock, 0, 60)).collect();
                story.extend(made.iter().map(said));
                changes.push((room, made));
            }
        }
        let batch: Vec<_> = changes
            .iter()
            .map(|(room, changes)| (open_rooms[*room].as_ref().unwrap(), changes.as_slice()))
            .collect();
        let (outcomes, full) = group.commit(&batch);
        assert!(outcomes.iter().all(Result::is_ok) && full.is_empty());
        promises
            .extend(changes.iter().map(|(room, _)| (disk.moment(), *room, stories[*room].len())));
        let room = rng.below(ROOMS);
        match rng.below(8) {
            0 => open_rooms[room].as_ref().unwrap().compact().unwrap(),
            1 => open_rooms[room].take().unwrap().close().unwrap(),
            2 => open_rooms[room].take().unwrap().release(),
            _ => {}
        }
    }
    Recording { log: disk.log(), stories, promises }
}

/// What is broken when the run is broken off anywhere.
fn crash_everywhere(run: &Recording, losses: usize) -> (usize, Vec<String>) {
    let kinds = [
        Loss::All,
        Loss::Names,
        Loss::Zeroed,
        Loss::Random { sector: 512 },
        Loss::Random { sector: 4096 },
        Loss::Journaled { sector: 512 },
    ];
    let (mut crashes, mut broken) = (0, Vec::new());
    let mut image = Image::default();
    for moment in 0..=run.log.len() {
        if let Some(op) = moment.checked_sub(1).and_then(|at| run.log.get(at)) {
            image.apply(op);
        }
        for number in 0..losses {
            let mut rng = Rng::new(u64::try_from(moment * 100 + number).unwrap());
            let left = image.without_power(kinds[(moment + number) % kinds.len()], &mut rng);
            let disk = SimDisk::new(left, Lie::None);
            crashes += 1;
            for (room, story) in run.stories.iter().enumerate() {
                let promised =
                    run.promises.iter().filter(|(at, who, _)| *at <= moment && *who == room);
                let promised = promised.map(|(_, _, length)| *length).max().unwrap_or(0);
                let alone = files(&disk, room).load().ok().flatten();
                let alone = alone.map_or(0, |text| parse(&text).unwrap().1.len());
                if alone < promised {
                    broken.push(format!("{moment}: read alone, room {room} has {alone}"));
                }
                match files(&disk, room).open().map(|opened| content(&opened)) {
                    Ok(found) if found.len() >= promised && story.starts_with(&found) => {}
                    Ok(found) => broken.push(format!(
                        "{moment}: room {room} has {} of {promised} promised changes",
                        found.len()
                    )),
                    Err(error) => broken.push(format!("{moment}: room {room}: {error}")),
                }
            }
        }
    }
    (crashes, broken)
}

#[test]
fn jr13_what_a_group_commit_stored_survives_power_loss_at_any_instant() {
    let run = record(Lie::None);

    let (crashes, broken) = crash_everywhere(&run, 6);

    println!(
        "{ROOMS} rooms together: {} moments, {crashes} crashes, {} broken promises",
        run.log.len() + 1,
        broken.len()
    );
    assert!(broken.is_empty(), "{:#?}", &broken[..broken.len().min(10)]);
}

#[test]
fn jr13_a_group_commit_costs_one_sync() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let stores: Vec<_> = (0..20).map(|room| files(&disk, room).open().unwrap().store).collect();
    let mut group = GroupCommit::default();
    let mut commit = |clock| {
        let changes = [change(clock, 0, 10)];
        let batch: Vec<_> = stores.iter().map(|store| (store, &changes[..])).collect();
        let before = disk.log().len();
        let (outcomes, _) = group.commit(&batch);
        assert!(outcomes.iter().all(Result::is_ok));
        let syncs = |op: &&Op| matches!(op, Op::SyncFile(_) | Op::SyncDir(_));
        disk.log()[before..].iter().filter(syncs).count()
    };
    // The first makes the journals, the second the log.
    commit(1);
    commit(2);

    assert_eq!(commit(3), 1);
    assert_eq!(commit(4), 1);
}

#[test]
fn jr13_a_disk_that_does_not_sync_is_noticed() {
    let (_, broken) = crash_everywhere(&record(Lie::Files), 2);

    assert!(broken.len() > 10, "{broken:?}");
}

#[test]
fn jr14_a_log_is_gone_when_its_rooms_are_closed_or_were_opened_again() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let logs = |disk: &SimDisk| {
        disk.image().names().filter(|path| path.extension().is_some_and(|it| it == "log")).count()
    };
    let open = |disk: &SimDisk| -> Vec<_> {
        (0..ROOMS).map(|room| files(disk, room).open().unwrap().store).collect()
    };
    let mut group = GroupCommit::default();
    let stores = open(&disk);
    for clock in 1..=3 {
        let changes = [change(clock, 0, 10)];
        let batch: Vec<_> = stores.iter().map(|store| (store, &changes[..])).collect();
        assert!(group.commit(&batch).0.iter().all(Result::is_ok));
    }
    assert_eq!(logs(&disk), 1);

    let left = SimDisk::new(disk.image(), Lie::None);
    assert_eq!(logs(&left), 1);
    drop(open(&left));
    assert_eq!(logs(&left), 0);

    for store in &stores {
        store.close().unwrap();
    }
    drop(stores);
    assert_eq!(logs(&disk), 0);
}

/// Three rooms with one change each that is in their journals and in no log.
fn three_rooms(disk: &SimDisk) -> (GroupCommit, Vec<RoomStore>) {
    let rooms: Vec<_> = (0..ROOMS).map(|room| files(disk, room).open().unwrap().store).collect();
    let mut group = GroupCommit::default();
    commit(&mut group, &rooms, 1);
    (group, rooms)
}

fn commit(group: &mut GroupCommit, rooms: &[RoomStore], clock: u64) {
    let changes = [change(clock, 0, 10)];
    let batch: Vec<_> = rooms.iter().map(|store| (store, &changes[..])).collect();
    assert!(group.commit(&batch).0.iter().all(Result::is_ok));
}

/// How many changes each room has after a power loss that spares nothing unsynced, but what happened to names perhaps.
fn left_without_power(disk: &SimDisk) -> Vec<usize> {
    let left = |loss| {
        let left = SimDisk::new(disk.image().without_power(loss, &mut Rng::new(1)), Lie::None);
        let changes = |room| content(&files(&left, room).open().unwrap()).len();
        (0..ROOMS).map(changes).collect::<Vec<_>>()
    };
    let left = [Loss::All, Loss::Bytes].map(left);
    left[0].iter().zip(&left[1]).map(|(all, bytes)| *all.min(bytes)).collect()
}

#[test]
fn jr13_a_journal_that_the_log_does_not_wholly_cover_is_synced_itself() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let (mut group, rooms) = three_rooms(&disk);
    commit(&mut group, &rooms, 2);

    // One room has changes that nobody has asked to sync.
    rooms[1].append(&[change(3, 0, 10)]).unwrap();
    let changes = [change(4, 0, 10)];
    let others = [change(3, 0, 10)];
    let batch = [(&rooms[0], &others[..]), (&rooms[1], &changes[..]), (&rooms[2], &others[..])];
    assert!(group.commit(&batch).0.iter().all(Result::is_ok));

    assert_eq!(left_without_power(&disk), [3, 4, 3]);
}

#[test]
fn jr13_what_was_appended_one_by_one_is_synced_together() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let (mut group, rooms) = three_rooms(&disk);
    commit(&mut group, &rooms, 2);
    for room in &rooms {
        room.append(&[change(3, 0, 10)]).unwrap();
        room.append(&[change(4, 0, 10)]).unwrap();
    }
    assert_eq!(left_without_power(&disk), [2, 2, 2]);

    let before = disk.log().len();
    let nothing: Vec<(&RoomStore, &[Change])> = rooms.iter().map(|room| (room, &[][..])).collect();
    assert!(group.commit(&nothing).0.iter().all(Result::is_ok));

    let syncs = |op: &&Op| matches!(op, Op::SyncFile(_) | Op::SyncDir(_));
    assert_eq!(disk.log()[before..].iter().filter(syncs).count(), 1);
    assert_eq!(left_without_power(&disk), [4, 4, 4]);
}

#[test]
fn jr13_what_is_too_much_for_a_log_is_synced_by_itself() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let (mut group, rooms) = three_rooms(&disk);
    commit(&mut group, &rooms, 2);
    for clock in 3..=6 {
        for room in &rooms {
            room.append(&[change(clock, 0, 40 << 10)]).unwrap();
        }
    }
    assert!(rooms.iter().all(|room| !room.can_share_sync()));

    let nothing: Vec<(&RoomStore, &[Change])> = rooms.iter().map(|room| (room, &[][..])).collect();
    assert!(group.commit(&nothing).0.iter().all(Result::is_ok));

    assert_eq!(left_without_power(&disk), [6, 6, 6]);
}

#[test]
fn jr13_journals_are_synced_where_their_log_cannot_be_written() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let (mut group, rooms) = three_rooms(&disk);
    let others: Vec<_> =
        (0..16).map(|number| dir().join(format!("heddle-sync-{number}.log"))).collect();
    for path in &others {
        Disk::create(&disk, path).unwrap();
    }

    commit(&mut group, &rooms, 2);

    assert_eq!(left_without_power(&disk), [2, 2, 2]);
}

#[test]
fn jr14_a_log_goes_only_when_its_rooms_are_safe_without_it() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let (mut group, rooms) = three_rooms(&disk);
    commit(&mut group, &rooms, 2);

    for room in &rooms {
        room.release();
    }
    drop(rooms);

    assert_eq!(disk.image().names().filter(|path| path.ends_with("heddle-sync-0.log")).count(), 0);
    assert_eq!(left_without_power(&disk), [2, 2, 2]);
}

#[test]
fn jr14_a_full_log_is_replaced_and_settled() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let (mut group, rooms) = three_rooms(&disk);

    let changes = [change(2, 0, 2 << 20)];
    let batch: Vec<_> = rooms.iter().map(|store| (store, &changes[..])).collect();
    let (outcomes, full) = group.commit(&batch);
    assert!(outcomes.iter().all(Result::is_ok));
    commit(&mut group, &rooms, 3);
    assert_eq!(full.len(), 1);
    for log in full {
        log.settle().unwrap();
    }

    let logs = disk.image();
    let logs: Vec<_> =
        logs.names().filter(|path| path.extension().is_some_and(|it| it == "log")).collect();
    assert_eq!(logs, [&dir().join("heddle-sync-1.log")]);
    assert_eq!(left_without_power(&disk), [3, 3, 3]);
}

/// A log of one batch, which says that this journal has a byte at this offset.
fn log_of_one_byte(name: &str, journal: &[u8], offset: u64) -> Vec<u8> {
    let id = &journal[12..28];
    let mut log = [b"HEDDLEL1", &1_u32.to_le_bytes()[..], id].concat();
    let checksum = crc32c::crc32c(&log);
    log.extend(checksum.to_le_bytes());
    let size = |count: usize| u32::try_from(count).unwrap().to_le_bytes();
    let name = [&size(name.len()), name.as_bytes()].concat();
    let entry = [&name, id, &offset.to_le_bytes(), &size(1), b"x"].concat();
    let length = size(entry.len());
    let checksum = crc32c::crc32c_append(crc32c::crc32c_append(checksum, &length), &entry);
    [log, length.to_vec(), checksum.to_le_bytes().to_vec(), entry].concat()
}

/// Bytes so far from the end of their journal were put in place with all that lies between, for which no memory is large
/// enough; and bytes of the header were put over what the journal says of itself.
#[test]
fn an_entry_of_a_log_that_no_journal_has_there_is_none() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let store = files(&disk, 0).open().unwrap().store;
    store.append(&[change(1, 0, 10)]).unwrap();
    store.sync().unwrap();
    drop(store);
    let path = dir().join("room-0.journal");
    let image = disk.image();
    let journal = image.bytes(image.file(&path).unwrap());

    for offset in [u64::MAX, u64::MAX / 2, 1 << 40, 1 << 20, 12, 0] {
        let log = log_of_one_byte("room-0.json", journal, offset);
        let log_path = dir().join("heddle-sync-0.log");
        let disk = SimDisk::new(Image::with(&[(&path, journal), (&log_path, &log)]), Lie::None);

        let opened = files(&disk, 0).open().unwrap();

        assert_eq!(content(&opened).len(), 1, "{offset}");
        let image = disk.image();
        assert_eq!(image.bytes(image.file(&path).unwrap()), journal, "{offset}");
    }
}
