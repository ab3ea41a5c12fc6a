//! A disk that fails at each of its calls: what was promised before stays, nothing else is promised,
//! and the room goes on once the disk does.

use crate::{
    crashes::effort,
    disk::{Fault, Lie, SimDisk},
    image::Image,
    promises::{Recording, crash_everywhere},
    run::{Driver, Said, content, room},
};

const EDITS: u64 = 50;
const FAULTS: [Fault; 4] = [Fault::NoSpace, Fault::Io, Fault::ShortThenNoSpace, Fault::Short];

/// How many calls a run makes when nothing fails.
fn calls(has_history: bool) -> u64 {
    let mut driver = Driver::new(Image::default(), Lie::None);
    driver.has_history = has_history;
    driver.run(EDITS);
    driver.disk.calls()
}

/// A run in which calls fail; gives what is wrong with it.
fn run(first: u64, count: u64, fault: Fault, has_history: bool) -> (u64, Vec<String>, usize) {
    let mut driver = Driver::new(Image::default(), Lie::None);
    driver.has_history = has_history;
    driver.disk.fail(first, count, fault);
    driver.run(EDITS);

    let failures = driver.failures;
    let end = SimDisk::new(driver.disk.image(), Lie::None);
    let mut wrong = Vec::new();
    if content(&room(&end).open().unwrap()) != driver.said {
        wrong.push("something else is there in the end".to_owned());
    }
    let log = driver.disk.log();
    let (start, said) = (Image::default(), Said::new());
    // What could not be archived is missing in the history, and only there.
    let recording = Recording { start, log, events: driver.events, said, has_history: false };
    let figures = crash_everywhere(&recording, 19, 3);
    wrong.extend(figures.broken);
    (failures, wrong, figures.crashes)
}

#[test]
fn jr10_a_failing_call_breaks_no_promise_and_the_room_goes_on() {
    fail_everywhere(false, 60);
}

#[test]
fn hi4_a_failing_call_breaks_no_promise_of_a_room_that_archives() {
    fail_everywhere(true, 40);
}

fn fail_everywhere(has_history: bool, places: usize) {
    let calls = calls(has_history);
    let step =
        usize::try_from(calls).unwrap() / (places * effort()).min(usize::try_from(calls).unwrap());
    let (mut runs, mut failures, mut crashes) = (0, 0, 0);
    for (turn, fault) in FAULTS.into_iter().enumerate() {
        for count in [1, 3] {
            for first in (0..calls).skip(turn % step).step_by(step) {
                let (errors, wrong, moments) = run(first, count, fault, has_history);
                runs += 1;
                failures += errors;
                crashes += moments;
                assert!(wrong.is_empty(), "{count} x {fault:?} from call {first}: {wrong:#?}");
            }
        }
    }
    println!(
        "{calls} calls, {runs} runs with faults, {failures} errors, {crashes} crashes: 0 lost"
    );
    assert!(failures > 100, "{failures}");
}
