//! Prints what went into the simulated adapters and what came out, for the real one to be compared with.
//!
//! `traces <mode> <runs>` prints one JSON text per client and run, one per line; `traces` alone the names of the modes.

#![expect(
    dead_code,
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the simulator is test code, of which this needs a part"
)]

#[path = "mod.rs"]
mod simulator;

use std::io::{BufWriter, Result, Write, stdout};

use serde_json::json;
use simulator::{
    modes::{MODES, mode},
    run::run,
    world::Record,
};

fn main() -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        for mode in MODES {
            writeln!(out, "{}", mode.name)?;
        }
        return out.flush();
    };
    let runs: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in 0..runs {
        for (client, version, trace) in run(mode(&name), seed, Record::Traces).traces {
            let line =
                json!({ "seed": seed, "client": client, "version": version, "trace": trace });
            writeln!(out, "{line}")?;
        }
    }
    out.flush()
}
