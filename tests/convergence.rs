//! Every replica becomes equal to the room: the simulator's modes, each with a thousand seeds.
//!
//! `SEEDS` and `FIRST` choose others. A failing run prints its mode and seed and everything that happened in it.

#![expect(
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the simulator is test code: what it takes for granted may fail the test"
)]

mod simulator;

use serde_json::json;
use simulator::{
    modes::mode,
    patch::Patch,
    replica::{Changes, Replica},
    run::run,
    world::Record,
};

fn converges(name: &str) {
    let number = |variable: &str, otherwise: u64| {
        std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (first, seeds) = (number("FIRST", 0), number("SEEDS", 1_000));
    for seed in first..first + seeds {
        check(name, seed);
    }
}

fn check(name: &str, seed: u64) {
    if let Some(failure) = run(mode(name), seed, Record::Nothing).failure {
        let log = run(mode(name), seed, Record::Log).log.join("\n");
        panic!("mode {name}, seed {seed}: {failure}\n{log}");
    }
}

macro_rules! modes {
    ($($test:ident $name:literal)*) => {
        $(#[test] fn $test() { converges($name); })*
    };
}

modes! {
    mg1_pa8_live_edits_converge "live"
    pa1_pa8_many_frames_in_one_step_converge "steps"
    rc1_rc2_offline_edits_converge_after_leaving "leaves"
    rc1_rc2_offline_edits_converge_after_broken_connections "drops"
    mg5_tb1_tb2_deletions_against_late_updates_converge "deletes"
    tb3_clean_restarts_of_the_server_converge "restarts"
    tb3_restarts_with_frames_in_the_air_converge "crashes"
    lc2_a_room_that_closes_when_empty_and_reopens_converges "empty"
    pr4_pa6_an_old_socket_that_closes_late_converges "hops"
    jn4_sessions_that_are_not_held_back_converge "bare"
    cv1_versions_1_and_2_converge "versions"
    rc3_a_rolled_back_server_is_healed "rollback"
    jn3_everything_at_once_converges "all"
    sr2_sr3_slow_readers_converge "lags"
    sr3_sr6_slow_readers_of_a_slow_store_converge "lags-stored"
    sr6_slow_readers_of_a_failing_store_converge "lags-failing"
    rc10_long_catch_ups_while_everything_goes_on_converge "walks"
    rc10_du12_long_catch_ups_beside_a_slow_store_converge "walks-stored"
    rc10_du14_long_catch_ups_beside_a_failing_store_converge "walks-failing"
    rc10_sr2_long_catch_ups_of_slow_readers_converge "walks-lagging"
    du12_du13_a_slow_store_converges "slow"
    du14_du15_du16_du17_a_failing_store_converges "failing"
    du12_du14_du19_a_killed_server_goes_on_from_what_is_stored "killed"
    du14_du16_everything_at_once_with_a_store_converges "stored"
}

#[test]
fn a_seed_decides_everything() {
    let [first, second] = [(); 2].map(|()| run(mode("all"), 7, Record::Traces));

    assert!(first.traces.iter().all(|(.., trace)| trace.len() > 10));
    assert_eq!(first.traces, second.traces);
}

/// The same as in `__test__/replica.test.ts`, where the real adapter does it.
#[test]
fn limit_1_a_client_shows_what_it_is_about_to_overwrite_in_the_room() {
    let x = |value| Patch::from([("a/Box".to_owned(), [("x".to_owned(), json!(value))].into())]);
    let edit = |value| Changes { document: x(value), ..Changes::default() };
    let mut bob = Replica::new("bob", 2);
    bob.connect();
    bob.opened(0);
    bob.received(&json!({ "type": "clientCount", "count": 2 }));
    bob.push(0, &edit(1), &Changes::default());
    bob.received(&json!({ "type": "ack", "messageId": "bob-1", "timestamp": 1 }));
    bob.push(1, &edit(2), &Changes::default());

    bob.received(
        &json!({ "type": "patch", "clientId": "ann", "documentPatches": [x(3)], "timestamp": 2 }),
    );
    let pulled = bob.pull();
    bob.push(34, &Changes::default(), &pulled);

    assert_eq!(bob.in_flight, [("bob-2".to_owned(), x(2))]);
    bob.received(&json!({ "type": "ack", "messageId": "bob-2", "timestamp": 3 }));
    assert_eq!((bob.mirror, bob.last_timestamp), (x(3), 3));
}
