//! Catch-ups that come in several frames, or in steps: SPEC.md RC10 to RC12, and what of RC5 depends on them.

use super::table::{Asked, Table};

#[test]
fn rc10_d15_a_long_catch_up_comes_in_frames_of_which_the_last_alone_has_the_rooms_clock() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    table.patch(1, r#"[{"old":{"_exists":true}}]"#);
    for key in ["a", "b", "c"] {
        table.patch(1, &format!(r#"[{{"{key}":{{"_exists":true,"x":1}}}}]"#));
    }
    table.show(1, r#"[{"p":{"_exists":true}}]"#);
    table.show(3, r#"[{"q":{"_exists":true}}]"#);
    table.forget();

    table.room.set_piece_bytes(40, 40);
    table.reconnect(2, 1);
    let at_once = table.sent(2);
    table.walk(2);

    let piece = |rest: &str| format!(r#"{{"type":"patch","clientId":"",{rest}}}"#);
    assert_eq!(at_once, [""; 0]);
    assert_eq!(
        table.sent(2),
        [
            piece(r#""documentPatches":[{"a":{"_exists":true,"x":1}}],"timestamp":1"#),
            piece(r#""documentPatches":[{"b":{"_exists":true,"x":1}}],"timestamp":1"#),
            piece(r#""documentPatches":[{"c":{"_exists":true,"x":1}}],"timestamp":1"#),
            piece(r#""documentPatches":[{}],"timestamp":4"#),
            piece(r#""ephemeralPatches":[{"p":{"_exists":true}}]"#),
            piece(r#""ephemeralPatches":[{"q":{"_exists":true}}]"#),
            r#"{"type":"synced","timestamp":4}"#.to_owned()
        ]
    );
}

/// A room with so many components at clock 1, told one by one, in which session 2 has begun to be caught up.
fn walking(components: usize) -> Table {
    let mut table = Table::with(&["alice", "bob"]);
    let keys: Vec<String> =
        (0..components).map(|it| format!(r#""{it}":{{"_exists":true}}"#)).collect();
    table.patch(1, &format!("[{{{}}}]", keys.join(",")));
    table.room.set_piece_bytes(1, 1);
    table.reconnect(2, 0);
    table.forget();
    table
}

#[test]
fn rc10_what_changes_meanwhile_is_told_at_the_end_by_the_last_frame() {
    let mut table = walking(3);
    table.step(&[2]);
    table.room.set_piece_bytes(1_000, 1_000);
    table.patch(1, r#"[{"0":{"x":1},"1":{"_exists":false},"new":{"_exists":true}}]"#);
    table.patch(1, r#"[{"2":{"x":2}}]"#);
    table.forget();

    table.walk(2);

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","documentPatches":[{"1":{"_exists":false},"2":{"_exists":true,"x":2}}],"timestamp":0}"#,
            r#"{"type":"patch","clientId":"","documentPatches":[{"2":{"x":2},"new":{"_exists":true},"1":{"_exists":false},"0":{"x":1}}],"timestamp":3}"#,
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
    table.patch(1, r#"[{"0":{"x":4}}]"#);
    assert_eq!(table.sent(2).len(), 1, "from here on it is told everything at once");
}

#[test]
fn rc10_presence_and_counts_go_on_meanwhile_and_documents_do_not() {
    let mut table = walking(3);

    table.patch(1, r#"[{"0":{"x":1}}]"#);
    table.show(1, r#"[{"p":{"_exists":true}}]"#);
    table.join(3, "carol");

    let sent = table.sent(2);
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].contains("ephemeralPatches") && sent[1].contains("clientCount"), "{sent:?}");
}

#[test]
fn rc11_a_crowd_shares_its_steps_and_who_comes_later_gets_on_where_they_are() {
    let mut table = walking(50);
    let crowd: Vec<u64> = (2..102).collect();
    for session in 3..102 {
        table.join(session, &format!("client-{session}"));
        table.reconnect(session, 0);
    }
    for _ in 0..20 {
        table.step(&crowd);
    }
    table.join(200, "late");
    table.reconnect(200, 0);
    table.pieces = 0;
    table.forget();

    let everybody: Vec<u64> = crowd.iter().copied().chain([200]).collect();
    for _ in 0..200 {
        table.step(&everybody);
    }
    assert!(everybody.iter().all(|session| !table.room.walks(*session)));

    assert_eq!(table.pieces, 50, "30 for all, 20 for who came late");
    let late = table.sent(200);
    assert!(late[0].contains(r#""20""#), "{}", late[0]);
    assert_eq!(late.iter().filter(|text| text.contains("_exists")).count(), 50);
}

#[test]
fn rc11_who_came_with_another_clock_gets_steps_of_its_own() {
    let mut table = Table::with(&["alice", "bob", "carol"]);
    for key in ["a", "b", "c"] {
        table.patch(1, &format!(r#"[{{"{key}":{{"_exists":true}}}}]"#));
    }
    table.room.set_piece_bytes(1, 1);
    table.reconnect(2, 0);
    table.reconnect(3, 1);
    table.forget();

    for _ in 0..20 {
        table.step(&[2, 3]);
        table.step(&[3, 2]);
    }

    let stamps = |sent: Vec<String>| -> Vec<String> {
        let documents = sent.iter().filter(|text| text.contains("documentPatches"));
        documents.filter_map(|text| text.rsplit(':').next().map(str::to_owned)).collect()
    };
    assert_eq!(stamps(table.sent(2)), ["0}", "0}", "0}", "3}"]);
    assert_eq!(stamps(table.sent(3)), ["1}", "1}", "3}"]);
}

#[test]
fn rc11_who_is_not_ready_misses_a_step_and_is_told_it_later() {
    let mut table = walking(3);
    table.join(3, "carol");
    table.reconnect(3, 0);
    table.forget();

    table.step(&[2, 3]);
    table.step(&[3]);
    table.step(&[2, 3]);
    table.walk(2);
    table.walk(3);

    let keys = |sent: Vec<String>| -> Vec<String> {
        let keys = sent
            .iter()
            .filter_map(|text| text.split("[{\"").nth(1)?.split('"').next().map(str::to_owned));
        keys.collect()
    };
    assert_eq!(keys(table.sent(2)), ["0", "2", "1"]);
    assert_eq!(keys(table.sent(3)), ["0", "1", "2"]);
}

#[test]
fn rc12_who_reconnects_again_leaves_or_sends_something_meanwhile_is_served() {
    let mut table = walking(3);
    table.step(&[2]);
    table.join(3, "carol");
    table.reconnect(3, 0);
    table.leave(3);
    table.reconnect(2, 0);
    table.forget();

    table.patch(2, r#"[{"0":{"x":1}}]"#);

    let sent = table.sent(2);
    let last: Vec<&str> = sent.iter().rev().take(2).map(String::as_str).collect();
    assert_eq!(
        last,
        [r#"{"type":"ack","messageId":"m","timestamp":2}"#, r#"{"type":"synced","timestamp":1}"#]
    );
    assert!(!table.room.walks(2) && !table.room.walks(3));
    assert_eq!(
        table.asked,
        [Asked::Walks(2, false), Asked::Changed(r#"[{"0":{"x":1}}]"#.to_owned())]
    );
}

#[test]
fn rc10_du12_a_step_that_shows_what_is_not_stored_waits_and_is_given_back() {
    let mut table = Table::journaled(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true},"b":{"_exists":true}}]"#);
    table.store();
    table.room.set_piece_bytes(1, 1);
    table.reconnect(2, 0);
    table.patch(1, r#"[{"a":{"x":1}}]"#);
    table.batch();
    table.forget();

    table.step(&[2]);
    table.step(&[2]);
    let early = table.sent(2);
    table.fail();
    table.walk(2);

    assert_eq!(early, [""; 0]);
    let sent = table.sent(2).concat();
    assert!(
        sent.contains(r#"{"a":{"_exists":true}}"#) && sent.contains(r#"{"b":{"_exists":true}}"#),
        "{sent}"
    );
}

#[test]
fn rc10_presence_is_in_the_last_frame_where_it_fits() {
    let mut table = Table::with(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.show(1, r#"[{"p":{"_exists":true}}]"#);
    table.forget();

    table.room.set_piece_bytes(1_000, 1_000);
    table.reconnect(2, 0);
    let together = table.sent(2);
    table.room.set_piece_bytes(1, 1);
    table.join(3, "carol");

    assert_eq!(together.len(), 2);
    assert!(together[0].contains("documentPatches") && together[0].contains("ephemeralPatches"));
    assert_eq!(table.sent(3).len(), 2, "presence and clientCount");
}

#[test]
fn rc10_the_presence_of_a_crowd_comes_in_pieces_too() {
    let mut table = Table::with(&["alice", "bob", "carol", "dave"]);
    for session in 1..=3 {
        table.show(session, &format!(r#"[{{"p{session}":{{"_exists":true}}}}]"#));
    }
    table.room.set_piece_bytes(1, 1);

    table.join(5, "erin");
    let joined = table.sent(5);
    table.forget();
    table.reconnect(4, 0);
    let caught_up = table.sent(4);

    for sent in [&joined[..3], &caught_up[..3]] {
        for (piece, key) in sent.iter().zip(["p1", "p2", "p3"]) {
            let entry = format!(r#"{{"{key}":{{"_exists":true}}}}"#);
            assert!(piece.contains(&format!(r#""ephemeralPatches":[{entry}]}}"#)), "{piece}");
        }
    }
}

#[test]
fn rc10_a_client_that_has_seen_nothing_still_has_seen_nothing_after_the_first_frames() {
    let mut table = Table::with(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.patch(1, r#"[{"b":{"_exists":true}}]"#);
    table.forget();

    table.room.set_piece_bytes(1, 1);
    table.reconnect(2, 0);
    table.walk(2);

    let sent = table.sent(2);
    assert_eq!(sent.len(), 4);
    assert!(sent[0].ends_with(r#""timestamp":0}"#) && sent[1].ends_with(r#""timestamp":0}"#));
    assert!(sent[2].ends_with(r#"[{}],"timestamp":2}"#), "{sent:?}");
}

#[test]
fn rc5_a_client_whose_first_catch_up_may_have_been_cut_off_is_told_what_was_deleted() {
    let mut table = Table::with(&["alice", "bob"]);
    for key in ["a", "b"] {
        table.patch(1, &format!(r#"[{{"{key}":{{"_exists":true}}}}]"#));
    }
    table.room.set_piece_bytes(1, 1);
    table.reconnect(2, 0);
    table.step(&[2]);
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);
    table.forget();

    table.reconnect(2, 0);
    table.walk(2);

    let sent = table.sent(2);
    assert!(sent[0].contains(r#"{"a":{"_exists":false}}"#), "{sent:?}");
}

#[test]
fn rc10_what_a_client_hands_in_is_answered_by_the_first_frame() {
    let mut table = Table::with(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.forget();

    table.room.set_piece_bytes(60, 60);
    table.receive(
        2,
        r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2,"documentPatches":[{"b":{"_exists":true},"c":{"_exists":true},"d":{"_exists":true}}]}"#,
    );

    table.walk(2);
    let sent = table.sent(2);
    assert!(["b", "c", "d"].iter().all(|key| sent[0].contains(&format!("\"{key}\""))), "{sent:?}");
    assert!(sent[1].contains(r#"{"a":{"_exists":true}}"#), "{sent:?}");
}
