//! Every operation of a run is a moment to crash at.

use crate::{
    disk::{Fault, Lie, SimDisk},
    format::{change, said, text},
    image::{Image, Loss, Op},
    promises::{Figures, Recording, crash_everywhere},
    rng::Rng,
    run::{Driver, Event, Said, content, dir, room},
};
use heddle::storage::StorageError;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

/// How much longer than in CI.
pub(crate) fn effort() -> usize {
    std::env::var("HEDDLE_CRASH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn record(start: Image, said: Said, lie: Lie, has_history: bool) -> Recording {
    let mut driver = Driver::new(start.clone(), lie);
    driver.has_history = has_history;
    driver.run(200);
    assert_eq!((driver.failures, driver.gaps), (0, 0));
    Recording { start, log: driver.disk.log(), events: driver.events, said, has_history }
}

fn print(what: &str, figures: &Figures) {
    let Figures { moments, crashes, broken } = figures;
    println!("{what}: {moments} moments, {crashes} crashes, {} broken promises", broken.len());
}

#[test]
fn jr3_jr6_jr7_nothing_promised_is_lost_wherever_a_run_is_broken_off() {
    let run = record(Image::default(), Said::new(), Lie::None, false);

    let figures = crash_everywhere(&run, 1, 24 * effort());

    print("a new room", &figures);
    assert!(figures.moments > 400, "{}", figures.moments);
    assert!(figures.broken.is_empty(), "{:#?}", &figures.broken[..figures.broken.len().min(10)]);
}

#[test]
fn jr3_jr9_nothing_promised_is_lost_of_a_room_that_the_peer_began() {
    let words: Said = (0..30).map(|number| format!("peer-{number}")).collect();
    let start = Image::with(&[(&dir().join("board.json"), &text(30, &words))]);
    let run = record(start, words, Lie::None, false);

    let figures = crash_everywhere(&run, 3, 4 * effort());

    print("a room of the peer's", &figures);
    assert!(figures.broken.is_empty(), "{:#?}", &figures.broken[..figures.broken.len().min(10)]);
}

#[test]
fn hi2_hi4_a_room_that_archives_keeps_its_promises_and_its_history() {
    for (what, lie, steps, losses) in
        [("a room with a history", Lie::None, 2, 16), ("without links", Lie::Links, 7, 8)]
    {
        let run = record(Image::default(), Said::new(), lie, true);

        let figures = crash_everywhere(&run, steps, losses * effort());

        print(what, &figures);
        let broken = &figures.broken[..figures.broken.len().min(10)];
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

#[test]
fn hi2_hi4_a_history_survives_of_a_room_that_the_peer_began() {
    let words: Said = (0..30).map(|number| format!("peer-{number}")).collect();
    let start = Image::with(&[(&dir().join("board.json"), &text(30, &words))]);
    let run = record(start, words, Lie::None, true);

    let figures = crash_everywhere(&run, 5, 6 * effort());

    print("a room of the peer's with a history", &figures);
    assert!(figures.broken.is_empty(), "{:#?}", &figures.broken[..figures.broken.len().min(10)]);
}

/// Appends come in the middle of every sync that a compaction does.
#[test]
fn jr3_jr7_what_is_appended_during_a_compaction_is_kept_wherever_it_is_broken_off() {
    let disk = SimDisk::new(Image::default(), Lie::None);
    let store = Arc::new(room(&disk).open().unwrap().store);
    let events = Arc::new(Mutex::new(Vec::new()));
    let edit = {
        let (disk, store, events) = (disk.clone(), Arc::clone(&store), Arc::clone(&events));
        let clock = AtomicU64::new(0);
        move || {
            let from = clock.fetch_add(1, Ordering::Relaxed);
            let change = change(from + 1, 0, 20);
            let attempt = Event::Attempted { from, said: vec![said(&change)] };
            events.lock().unwrap().push((disk.moment(), attempt));
            store.append(&[change]).unwrap();
            events.lock().unwrap().push((disk.moment(), Event::Appended(from + 1)));
        }
    };
    edit();

    disk.during_syncs(Some(Arc::new(edit)));
    for _ in 0..4 {
        let covered = events.lock().unwrap().iter().filter(|(_, event)| is_append(event)).count();
        store.compact().unwrap();
        let synced = Event::Synced(u64::try_from(covered).unwrap());
        events.lock().unwrap().push((disk.moment(), synced));
    }
    disk.during_syncs(None);

    assert!(store.status().unsynced);
    let events = events.lock().unwrap().clone();
    assert!(events.len() > 40, "{}", events.len());
    let (start, log, said) = (Image::default(), disk.log(), Said::new());
    let run = Recording { start, log, events, said, has_history: false };
    let figures = crash_everywhere(&run, 1, 24 * effort());
    print("appends during compactions", &figures);
    assert!(figures.broken.is_empty(), "{:#?}", &figures.broken[..figures.broken.len().min(10)]);
}

fn is_append(event: &Event) -> bool {
    matches!(event, Event::Appended(_))
}

/// A script that saves over what a room left, whether it was killed or closed.
#[test]
fn jr11_a_save_alone_happens_at_one_instant() {
    for is_closed in [false, true] {
        let mut driver = Driver::new(Image::default(), Lie::None);
        driver.open();
        (0..9).for_each(|_| driver.edit(1));
        driver.compact();
        (0..5).for_each(|_| driver.edit(1));
        driver.sync();
        if is_closed {
            driver.close();
        }
        driver.store = None;
        let start = driver.disk.image();
        let disk = SimDisk::new(start.clone(), Lie::None);
        let after: Said = vec!["saved".to_owned()];
        room(&disk).save(&text(1, &after)).unwrap();

        let crashes = crash_save(&start, &disk.log(), &driver.said, &after);
        println!("a save alone: {} moments, {crashes} crashes", disk.moment() + 1);
    }
}

fn crash_save(start: &Image, log: &[Op], before: &Said, after: &Said) -> usize {
    let mut crashes = 0;
    let mut rng = Rng::new(1);
    for moment in 0..=log.len() {
        let mut image = start.clone();
        log[..moment].iter().for_each(|op| image.apply(op));
        let losses = [Loss::All, Loss::Bytes, Loss::Zeroed, Loss::Names];
        let random = [Loss::Random { sector: 512 }, Loss::Journaled { sector: 512 }];
        let mut left = vec![image.clone()];
        for loss in losses.into_iter().chain(random.into_iter().cycle().take(20)) {
            left.push(image.without_power(loss, &mut rng));
        }
        for image in left {
            let disk = SimDisk::new(image, Lie::None);
            let opened = room(&disk).open().unwrap();
            let mut found = content(&opened);
            assert!(found == *after || (found == *before && moment < log.len()), "{found:?}");
            let next = change(u64::try_from(found.len()).unwrap() + 1, 99, 30);
            let shorter = found.clone();
            found.push(said(&next));
            opened.store.append(&[next]).unwrap();
            for is_synced in [false, true] {
                if is_synced {
                    opened.store.sync().unwrap();
                }
                let left = disk.image().without_power(Loss::Random { sector: 512 }, &mut rng);
                let again = room(&SimDisk::new(left, Lie::None)).open().unwrap();
                let again = content(&again);
                assert!(again == found || (again == shorter && !is_synced), "{moment}: {again:?}");
            }
            crashes += 3;
        }
    }
    crashes
}

/// Whatever call of an opening fails, the room is not taken for an empty one, nor for an older one.
#[test]
fn jr12_an_opening_that_fails_at_any_call_is_an_error() {
    let mut driver = Driver::new(Image::default(), Lie::None);
    driver.open();
    (0..9).for_each(|_| driver.edit(1));
    driver.compact();
    (0..5).for_each(|_| driver.edit(1));
    driver.store = None;
    let open = |first: u64| {
        let disk = SimDisk::new(driver.disk.image(), Lie::None);
        disk.fail(first, 1, Fault::Io);
        (room(&disk).open().map(|opened| content(&opened)), disk.calls())
    };
    let (_, calls) = open(u64::MAX - 1);

    let mut failures = 0;
    for call in 0..calls {
        match open(call).0 {
            Ok(found) => assert_eq!(found, driver.said),
            Err(error) => {
                assert!(matches!(error, StorageError::Io { .. }), "{error}");
                failures += 1;
            }
        }
    }
    assert!(failures > 8, "{failures} of {calls}");
}

#[test]
fn jr3_a_disk_that_does_not_sync_is_noticed() {
    for lie in [Lie::Files, Lie::Directories] {
        let run = record(Image::default(), Said::new(), lie, false);

        let figures = crash_everywhere(&run, 5, 8);

        print(&format!("a disk that lies about its {lie:?}"), &figures);
        assert!(figures.broken.len() > 10, "{lie:?}: {:?}", figures.broken);
    }
}
