//! Every operation of a run is a moment to crash at.

use crate::{
    disk::Lie,
    format::text,
    image::Image,
    promises::{Figures, Recording, crash_everywhere},
    run::{Driver, Said, dir},
};

/// How much longer than in CI.
pub(crate) fn effort() -> usize {
    std::env::var("HEDDLE_CRASH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn record(start: Image, said: Said, lie: Lie) -> Recording {
    let mut driver = Driver::new(start.clone(), lie);
    driver.run(200);
    assert_eq!(driver.failures, 0);
    Recording { start, log: driver.disk.log(), events: driver.events, said }
}

fn print(what: &str, figures: &Figures) {
    let Figures { moments, crashes, broken } = figures;
    println!("{what}: {moments} moments, {crashes} crashes, {} broken promises", broken.len());
}

#[test]
fn jr3_jr6_jr7_nothing_promised_is_lost_wherever_a_run_is_broken_off() {
    let run = record(Image::default(), Said::new(), Lie::None);

    let figures = crash_everywhere(&run, 1, 24 * effort());

    print("a new room", &figures);
    assert!(figures.moments > 400, "{}", figures.moments);
    assert!(figures.broken.is_empty(), "{:#?}", &figures.broken[..figures.broken.len().min(10)]);
}

#[test]
fn jr3_jr9_nothing_promised_is_lost_of_a_room_that_the_peer_began() {
    let words: Said = (0..30).map(|number| format!("peer-{number}")).collect();
    let start = Image::with(&[(&dir().join("board.json"), &text(30, &words))]);
    let run = record(start, words, Lie::None);

    let figures = crash_everywhere(&run, 3, 4 * effort());

    print("a room of the peer's", &figures);
    assert!(figures.broken.is_empty(), "{:#?}", &figures.broken[..figures.broken.len().min(10)]);
}

#[test]
fn jr3_a_disk_that_does_not_sync_is_noticed() {
    for lie in [Lie::Files, Lie::Directories] {
        let run = record(Image::default(), Said::new(), lie);

        let figures = crash_everywhere(&run, 5, 8);

        print(&format!("a disk that lies about its {lie:?}"), &figures);
        assert!(figures.broken.len() > 10, "{lie:?}: {:?}", figures.broken);
    }
}
