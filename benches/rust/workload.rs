//! Plays one scenario a number of times and prints nothing: for programs that count what the processor does.
//!
//! `workload <scenario> <times> [planted]` plays it once more for every hundred percent that `planted` has summed up to;
//! `workload` alone prints the names of the scenarios. `yardstick` is none of them and nothing of heddle's: it says what a unit
//! of work costs as this compiler and this C library have it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on has failed"
)]

mod frames;
mod stage;

use std::{
    env,
    hint::black_box,
    io::{self, Write},
};

use frames::Kind;
use heddle::protocol::canvas::snapshot;
use stage::{HASH_KEYS, Stage};

/// Shapes in the room.
const SHAPES: usize = 1_000;

/// Sessions beside the one that sends.
const RECEIVERS: u64 = 10;

/// What can be played besides the kinds of frames.
const OTHERS: [&str; 4] = ["catch-up", "cold-join", "snapshot-encode", "snapshot-decode"];

const JOURNALED: &str = "-journaled";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((scenario, numbers)) = arguments.split_first() else {
        return list(&mut io::stdout().lock());
    };
    let number = |at: usize| numbers.get(at).map_or(0, |text| text.parse().unwrap());
    let (times, planted): (usize, usize) = (number(0), number(1));
    let mut play = scenario_named(scenario);
    let mut owed = 0;
    for turn in 0..times {
        play(turn);
        owed += planted;
        if owed >= 100 {
            owed -= 100;
            play(turn);
        }
    }
    Ok(())
}

fn list(out: &mut impl Write) -> io::Result<()> {
    for kind in Kind::ALL {
        writeln!(out, "{0}\n{0}{JOURNALED}", kind.name())?;
    }
    for name in OTHERS {
        writeln!(out, "{name}")?;
    }
    Ok(())
}

/// Sets the scenario up and gives what plays it.
fn scenario_named(name: &str) -> Box<dyn FnMut(usize)> {
    let mut stage = Stage::new(SHAPES, RECEIVERS, name.ends_with(JOURNALED));
    let base = name.trim_end_matches(JOURNALED);
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == base) {
        let round = Stage::round(kind);
        for frame in &round {
            stage.play(frame);
        }
        return Box::new(move |turn| stage.play(&round[turn % round.len()]));
    }
    for frame in &Stage::round(Kind::Small)[..5] {
        stage.play(frame);
    }
    match name {
        "catch-up" => {
            let request = stage.request(5);
            Box::new(move |_| stage.catch_up(&request))
        }
        "cold-join" => {
            let request = frames::reconnect(0);
            Box::new(move |_| stage.visit(&request))
        }
        "snapshot-encode" => Box::new(move |_| drop(black_box(stage.snapshot()))),
        "snapshot-decode" => {
            let text = stage.snapshot();
            Box::new(move |_| drop(black_box(snapshot::decode(&text, HASH_KEYS))))
        }
        _ => {
            let texts = Kind::ALL.map(|kind| kind.frame(1));
            Box::new(move |_| texts.iter().for_each(|text| yardstick(text)))
        }
    }
}

/// Reads JSON and writes it again.
fn yardstick(text: &[u8]) {
    let value: serde_json::Value = serde_json::from_slice(text).unwrap();
    drop(black_box(serde_json::to_vec(&value).unwrap()));
}
