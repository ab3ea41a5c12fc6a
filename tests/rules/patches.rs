//! SPEC.md section 3.

use heddle::{engine::CloseReason, server::Delivery};

use super::table::{Asked, Table};

#[test]
fn pa1_a_patch_is_applied_broadcast_as_one_frame_and_acked() {
    let mut table = Table::with(&["alice", "bob"]);

    table.receive(
        1,
        r#"{"type":"patch","messageId":"m1","documentPatches":[{"a":{"_exists":true,"x":1}}],"ephemeralPatches":[{"c":{"_exists":true}}]}"#,
    );

    assert_eq!(table.order, [2, 1], "the others are told before the sender");
    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m1","timestamp":1}"#]);
    assert_eq!(
        table.sent(2),
        [concat!(
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"_exists":true,"x":1}}],"timestamp":1,"#,
            r#""ephemeralPatches":[{"c":{"_exists":true}}]}"#
        )]
    );
    assert_eq!(
        table.snapshot(),
        r#"{"timestamp":1,"state":{"a":{"_exists":true,"x":1}},"timestamps":{"a":{"_exists":1,"x":1}}}"#
    );
}

#[test]
fn pa2_the_clock_moves_once_per_frame_with_document_patches() {
    let mut table = Table::with(&["alice"]);

    table.patch(1, r#"[{"a":{"_exists":true}},{"b":{"_exists":true}},{}]"#);
    assert_eq!(table.room.clock(), 1);

    table.patch(1, "[{}]");
    assert_eq!(table.room.clock(), 2);

    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    assert_eq!(table.room.clock(), 2);
}

#[test]
fn pa3_a_readonly_patch_is_acked_and_dropped() {
    let mut table = Table::with(&["alice"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.join_readonly(2, "viewer");
    table.forget();

    table.receive(
        2,
        r#"{"type":"patch","messageId":"m9","documentPatches":[{"a":{"x":1}}],"ephemeralPatches":[{"c":{"_exists":true}}]}"#,
    );

    assert_eq!(table.sent(2), [r#"{"type":"ack","messageId":"m9","timestamp":1}"#]);
    assert_eq!(table.sent(1), [""; 0]);
    assert_eq!(table.asked, []);
    table.join(3, "carol");
    assert_eq!(table.sent(3), [r#"{"type":"clientCount","count":3}"#], "no presence of the viewer");
}

#[test]
fn pa4_a_patch_of_nothing_gets_no_answer() {
    let mut table = Table::with(&["alice", "bob"]);

    for patches in [
        "",
        r#","documentPatches":[]"#,
        r#","documentPatches":null,"ephemeralPatches":null"#,
        r#","ephemeralPatches":[]"#,
    ] {
        table.receive(1, format!(r#"{{"type":"patch","messageId":"m"{patches}}}"#));
    }

    assert_eq!((table.sent(1), table.sent(2), table.room.clock()), (vec![], vec![], 0));
}

#[test]
fn pa5_a_presence_broadcast_has_no_timestamp() {
    let mut table = Table::with(&["alice", "bob"]);

    table.show(1, r#"[{"c":{"_exists":true}}]"#);

    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"_exists":true}}]}"#]
    );
}

#[test]
fn pa6_the_senders_other_sessions_get_its_broadcast() {
    let mut table = Table::with(&["alice", "alice"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":1}"#]);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"_exists":true}}],"timestamp":1}"#
        ]
    );
}

#[test]
fn pa6_nothing_is_encoded_for_nobody() {
    let mut table = Table::with(&["alice", "bob", "old carol"]);
    table.receive(3, r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":1}"#);
    table.leave(2);
    table.leave(3);

    let frame = br#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"_exists":true,"p":{"__buf":1,"len":1,"runs":[]}}}]}"#;
    let deliveries = table.room.receive(1, frame).unwrap();

    let broadcasts =
        deliveries.iter().filter(|delivery| matches!(delivery, Delivery::Broadcast(..)));
    assert_eq!(broadcasts.count(), 0);
}

#[test]
fn pa7_an_ack_repeats_the_message_id_as_it_came() {
    let mut table = Table::with(&["alice"]);

    for message_id in [r#""m\n1""#, "7", "null", r#"{"deep":[1]}"#] {
        table.receive(
            1,
            format!(r#"{{"messageId":{message_id},"type":"patch","ephemeralPatches":[{{}}]}}"#),
        );
        assert_eq!(
            table.sent(1),
            [format!(r#"{{"type":"ack","messageId":{message_id},"timestamp":0}}"#)]
        );
    }
    table.receive(1, r#"{"type":"patch","ephemeralPatches":[{}]}"#);
    assert_eq!(table.sent(1), [r#"{"type":"ack","timestamp":0}"#]);
}

#[test]
fn pa8_acks_and_broadcasts_leave_in_the_order_of_the_changes() {
    let mut table = Table::with(&["alice", "bob"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.patch(2, r#"[{"a":{"x":2}}]"#);
    table.patch(1, r#"[{"a":{"x":3}}]"#);

    assert_eq!(
        table.sent(1),
        [
            r#"{"type":"ack","messageId":"m","timestamp":1}"#,
            r#"{"type":"patch","clientId":"bob","documentPatches":[{"a":{"x":2}}],"timestamp":2}"#,
            r#"{"type":"ack","messageId":"m","timestamp":3}"#,
        ]
    );
}

#[test]
fn pa9_a_frame_with_one_bad_patch_changes_nothing() {
    let mut table = Table::with(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true,"s":"text"}}]"#);
    let before = table.snapshot();

    for bad in [
        r#"[{"b":{"_exists":true}},{"c":7}]"#,
        r#"[{"b":{"_exists":true},"a":{"s":{"__buf":1,"len":1,"runs":[]}}}]"#,
    ] {
        table.join(9, "mallory");
        table.receive(
            9,
            format!(
                r#"{{"type":"patch","messageId":"m","documentPatches":{bad},"ephemeralPatches":[{{"c":{{"_exists":true}}}}]}}"#
            ),
        );
        assert_eq!(table.snapshot(), before);
    }

    table.join(3, "carol");
    assert_eq!(table.sent(3), [r#"{"type":"clientCount","count":3}"#], "no presence either");
}

#[test]
fn pa9_bad_presence_takes_good_document_patches_with_it() {
    let mut table = Table::with(&["alice"]);
    table.show(1, r#"[{"c":{"_exists":true,"s":"text"}}]"#);

    table.receive(
        1,
        r#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"_exists":true}}],"ephemeralPatches":[{"c":{"s":{"__buf":1,"len":1,"runs":[]}}}]}"#,
    );

    assert_eq!(table.room.clock(), 0);
    assert_eq!(table.asked, [Asked::Close(1, CloseReason::FrameRefused), Asked::Left(1, 0)]);
}

#[test]
fn pa10_unknown_frames_are_ignored() {
    let mut table = Table::with(&["alice"]);

    for frame in
        [r#"{"type":"later","documentPatches":7}"#, "{}", r#"{"type":null}"#, r#"{"type":5}"#]
    {
        table.receive(1, frame);
    }

    assert_eq!((table.sent(1), table.asked.len()), (vec![], 0));
}

#[test]
fn pa11_the_server_edits_as_nobody_and_everybody_is_told() {
    let mut table = Table::with(&["alice", "bob"]);

    table.edit(r#"[ {"a": {"_exists":true,"x":1.0}} ]"#).unwrap();

    let broadcast = r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":true,"x":1}}],"timestamp":1}"#;
    assert_eq!(table.sent(1), [broadcast]);
    assert_eq!(table.sent(2), [broadcast]);
    assert_eq!(table.asked, [Asked::Changed(r#"[{"a":{"_exists":true,"x":1}}]"#.into())]);
}

#[test]
fn pa11_a_refused_edit_of_the_server_changes_nothing() {
    let mut table = Table::with(&["alice"]);
    table.edit(r#"[{"a":{"_exists":true,"s":"text"}}]"#).unwrap();
    table.forget();

    for bad in [
        "7",
        "[7]",
        r#"[{"a":7}]"#,
        r#"[{"a":{"_exists":1}}]"#,
        r#"[{"a":{"s":{"__buf":1,"len":1,"runs":[]}}}]"#,
        "[",
    ] {
        assert!(table.edit(bad).is_err(), "{bad}");
    }

    assert_eq!((table.room.clock(), table.sent(1)), (1, vec![]));
}

#[test]
fn pa11_an_edit_of_nothing_does_nothing() {
    let mut table = Table::with(&["alice"]);

    table.edit("[]").unwrap();

    assert_eq!((table.room.clock(), table.sent(1), table.asked.len()), (0, vec![], 0));
}

#[test]
fn d12_hooks_are_told_after_the_ack_and_only_of_documents() {
    let mut table = Table::with(&["alice"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);

    assert_eq!(table.asked, [Asked::Changed(r#"[{"a":{"_exists":true}}]"#.into())]);
}
