//! Slow readers (SR).

use heddle::{engine::CloseReason, server::Delivery};

use super::table::{Asked, Table};

const NOTHING: [&str; 0] = [];

const ACK: &str = r#"{"type":"ack","messageId":"m","timestamp":2}"#;
const COUNT: &str = r#"{"type":"clientCount","count":2}"#;
const COUNT_OF_THREE: &str = r#"{"type":"clientCount","count":3}"#;

/// Alice and bob in a room whose document, at clock 1, is `a`.
fn drawing(mut table: Table) -> Table {
    table.patch(1, r#"[{"a":{"_exists":true,"x":1}}]"#);
    table.store();
    table.forget();
    table
}

fn plain() -> Table {
    drawing(Table::with(&["alice", "bob"]))
}

fn journaled() -> Table {
    drawing(Table::journaled(&["alice", "bob"]))
}

#[test]
fn sr2_a_session_that_lags_is_sent_nothing() {
    let mut table = plain();

    table.lag(2);
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.join(3, "carol");
    table.leave(3);

    assert_eq!(table.sent(2), NOTHING);
}

#[test]
fn sr3_it_gets_one_diff_for_all_that_it_missed() {
    let mut table = plain();
    table.patch(1, r#"[{"d":{"_exists":true}}]"#);
    table.forget();

    table.lag(2);
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.patch(1, r#"[{"a":{"x":3}},{"b":{"_exists":true}},{"d":{"_exists":false}}]"#);
    table.show(1, r#"[{"c":{"_exists":true,"at":5}}]"#);
    table.drained(2);

    assert_eq!(
        table.sent(2),
        [
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"d":{"_exists":false},"b":{"_exists":true},"a":{"x":3}}],"#,
                r#""timestamp":4,"ephemeralPatches":[{"c":{"_exists":true,"at":5}}]}"#
            ),
            COUNT,
        ]
    );
    table.patch(1, r#"[{"a":{"x":4}}]"#);
    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"x":4}}],"timestamp":5}"#]
    );
}

#[test]
fn sr3_who_missed_nothing_gets_the_count_alone() {
    let mut table = plain();

    table.lag(2);
    table.drained(2);
    table.drained(2);

    assert_eq!(table.sent(2), [COUNT]);
}

#[test]
fn sr3_tombstones_are_sent_even_after_clock_0() {
    let mut table = Table::with(&["alice", "bob"]);

    table.lag(2);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);
    table.drained(2);

    assert_eq!(
        table.sent(2)[0],
        r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":false}}],"timestamp":2}"#
    );
}

#[test]
fn sr3_presence_that_went_meanwhile_is_taken_back_first() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    table.show(
        1,
        r#"[{"a1":{"_exists":true,"old":1},"a2":{"_exists":true},"a3":{"_exists":true}}]"#,
    );
    table.show(3, r#"[{"c":{"_exists":true}}]"#);
    table.show(2, r#"[{"b":{"_exists":true}}]"#);
    table.forget();

    table.lag(2);
    table.show(1, r#"[{"a1":{"_exists":false},"a2":{"_exists":false},"never":{"_exists":false}}]"#);
    table.show(1, r#"[{"a1":{"_exists":true}}]"#);
    table.leave(3);
    table.drained(2);

    assert_eq!(
        table.sent(2),
        [
            concat!(
                r#"{"type":"patch","clientId":"","ephemeralPatches":["#,
                r#"{"a1":{"_exists":false},"a2":{"_exists":false},"c":{"_exists":false}}]}"#
            ),
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"a1":{"_exists":true}}]}"#,
            COUNT,
        ]
    );
}

#[test]
fn sr3_presence_that_stayed_as_it_was_is_not_sent_again() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    table.show(1, r#"[{"a1":{"_exists":true,"x":1},"a2":{"_exists":true}}]"#);
    table.show(3, r#"[{"c":{"_exists":true}}]"#);
    table.forget();

    table.lag(2);
    table.show(1, r#"[{"a1":{"x":2}}]"#);
    table.drained(2);

    let changed =
        r#"{"type":"patch","clientId":"","ephemeralPatches":[{"a1":{"_exists":true,"x":2}}]}"#;
    assert_eq!(table.sent(2), [changed, COUNT_OF_THREE]);

    table.lag(2);
    table.drained(2);
    assert_eq!(table.sent(2), [COUNT_OF_THREE]);
}

#[test]
fn sr3_a_key_that_went_of_one_client_is_sent_again_of_another() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    table.show(1, r#"[{"k":{"_exists":true,"of":"alice"}}]"#);
    table.show(3, r#"[{"k":{"_exists":true,"of":"carol"},"l":{"_exists":true}}]"#);
    table.forget();

    table.lag(2);
    table.show(1, r#"[{"k":{"_exists":false}}]"#);
    table.drained(2);

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"k":{"_exists":false}}]}"#,
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"k":{"_exists":true,"of":"carol"}}]}"#,
            COUNT_OF_THREE,
        ]
    );
}

#[test]
fn sr3_each_session_is_told_what_went_since_it_began_to_lag() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    table.show(1, r#"[{"a1":{"_exists":true},"a2":{"_exists":true}}]"#);
    table.forget();

    table.lag(2);
    table.show(1, r#"[{"a1":{"_exists":false}}]"#);
    table.lag(3);
    table.forget();
    table.show(1, r#"[{"a2":{"_exists":false}}]"#);
    table.drained(2);
    table.drained(3);

    assert!(table.sent(2)[0].contains(r#"[{"a1":{"_exists":false},"a2":{"_exists":false}}]"#));
    assert!(table.sent(3)[0].contains(r#"[{"a2":{"_exists":false}}]"#));
}

#[test]
fn sr3_nobody_is_told_that_presence_of_its_own_client_went() {
    let mut table = Table::with(&["alice", "alice", "bob"]);
    table.show(1, r#"[{"a":{"_exists":true}}]"#);
    table.forget();

    table.lag(2);
    table.show(1, r#"[{"a":{"_exists":false}}]"#);
    table.drained(2);

    assert_eq!(table.sent(2), [r#"{"type":"clientCount","count":3}"#]);
}

#[test]
fn sr4_a_frame_of_a_session_that_lags_is_answered_after_the_diff() {
    let mut table = Table::with(&["alice", "bob"]);
    table.lag(2);
    table.patch(1, r#"[{"a":{"_exists":true,"x":1}}]"#);

    table.patch(2, r#"[{"a":{"x":2}}]"#);

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":true,"x":1}}],"timestamp":1}"#,
            COUNT,
            ACK,
        ]
    );
    table.drained(2);
    assert_eq!(table.sent(2), NOTHING);
}

#[test]
fn sr5_a_session_that_is_held_back_gets_presence_and_no_document() {
    let mut table = Table::with(&["alice"]);
    table.join_held(2, "bob");
    table.forget();

    table.lag(2);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.drained(2);

    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true}}]}"#, COUNT,]
    );
    table.patch(1, r#"[{"a":{"x":1}}]"#);
    assert_eq!(table.sent(2), NOTHING);
    table.reconnect(2, 0);
    assert_eq!(table.sent(2).len(), 2);
}

#[test]
fn sr5_a_mute_session_stays_mute() {
    let mut table = Table::with(&["alice", "bob"]);
    table.receive(2, r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":9}"#);
    table.forget();

    table.lag(2);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.drained(2);
    table.patch(1, r#"[{"a":{"x":1}}]"#);

    assert_eq!(table.sent(2), NOTHING);
}

#[test]
fn sr5_a_session_of_version_1_is_one_again() {
    let mut table = Table::with(&["alice", "bob"]);
    table.receive(2, r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":1}"#);
    table.lag(2);
    table.patch(1, r#"[{"a":{"_exists":true,"p":[1,2]}}]"#);
    table.drained(2);
    table.forget();

    table.patch(1, r#"[{"a":{"p":{"__buf":1,"len":3,"runs":[[2,[3]]]}}}]"#);

    assert!(table.sent(2)[0].contains(r#"{"a":{"p":[1,2,3]}}"#));
}

#[test]
fn sr6_the_diff_waits_for_the_store_like_all_that_shows_the_document() {
    let mut table = journaled();
    table.lag(2);
    table.patch(1, r#"[{"a":{"x":2}}]"#);

    table.drained(2);
    assert_eq!(table.sent(2), NOTHING);
    table.store();

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"x":2}}],"timestamp":2}"#,
            COUNT,
        ]
    );
}

#[test]
fn sr6_what_was_on_its_way_when_it_began_to_lag_still_reaches_it() {
    let mut table = journaled();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.lag(2);
    table.patch(1, r#"[{"a":{"x":3}}]"#);
    table.store();

    assert_eq!(table.sent(2).len(), 1);
    table.drained(2);

    assert_eq!(
        table.sent(2)[0],
        r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"x":3}}],"timestamp":3}"#
    );
}

#[test]
fn sr6_a_number_that_is_given_again_is_not_taken_for_seen() {
    let mut table = journaled();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.lag(2);
    table.fail();
    table.leave(1);
    table.recover();
    table.forget();
    table.join(3, "carol");

    table.patch(3, r#"[{"a":{"x":3}}]"#);
    table.store();
    table.drained(2);

    assert_eq!(
        table.sent(2)[0],
        r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"x":3}}],"timestamp":2}"#
    );
}

#[test]
fn sr6_a_diff_that_shows_what_was_taken_back_is_told_anew() {
    let mut table = journaled();
    table.lag(2);
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.store();
    table.patch(1, r#"[{"a":{"x":3}}]"#);
    table.drained(2);
    table.forget();

    table.fail();

    let diff = r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"x":2}}],"timestamp":2}"#;
    assert_eq!(table.sent(2), [COUNT, diff]);
}

#[test]
fn sr6_a_frame_that_waited_for_the_store_is_answered_after_the_diff() {
    let mut table = journaled();
    table.fail();
    table.patch(2, r#"[{"b":{"_exists":true}}]"#);
    table.lag(2);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);

    table.recover();
    table.store();

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true}}]}"#,
            COUNT,
            ACK,
        ]
    );
}

#[test]
fn sr6_a_session_that_a_failed_store_moves_stays_out_of_its_group() {
    let mut table = journaled();
    table.join_held(3, "carol");
    table.patch(3, r#"[{"b":{"_exists":true}}]"#);
    table.lag(3);
    table.forget();

    table.fail();
    table.show(1, r#"[{"c":{"_exists":true}}]"#);

    assert_eq!(table.sent(3), NOTHING);
    table.drained(3);
    assert!(table.sent(3)[0].contains(r#""ephemeralPatches":[{"c":{"_exists":true}}]"#));
}

#[test]
fn sr8_who_lags_while_too_much_presence_goes_is_closed() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    table.lag(2);
    for batch in 0..20 {
        let keys: Vec<String> = (0..1_000).map(|key| format!("key {batch} {key}")).collect();
        let list = |exists: bool| {
            let entry = |key: &String| format!(r#""{key}":{{"_exists":{exists}}}"#);
            format!("[{{{}}}]", keys.iter().map(entry).collect::<Vec<_>>().join(","))
        };
        table.show(1, &list(true));
        table.show(1, &list(false));
    }

    assert_eq!(table.asked, [Asked::Close(2, CloseReason::TooSlow), Asked::Left(2, 2)]);
    assert_eq!(table.sent(2), NOTHING);
    table.lag(3);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.drained(3);
    assert_eq!(table.asked.len(), 2);
}

#[test]
fn sr2_nothing_is_encoded_for_those_who_lag() {
    let mut table = plain();
    table.lag(2);

    let frame = r#"{"type":"patch","documentPatches":[{"a":{"x":2}}]}"#;
    let deliveries = table.room.receive(1, frame.as_bytes()).unwrap();

    let is_broadcast = |delivery: &Delivery| matches!(delivery, Delivery::Broadcast(..));
    assert!(!deliveries.iter().any(is_broadcast));
}
