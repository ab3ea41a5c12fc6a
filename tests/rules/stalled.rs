//! A journaled room whose store fails and recovers (DU14 to DU18).

use heddle::{
    engine::{Access, CloseReason, Input},
    server::RoomError,
};

use super::table::{Asked, Table};

const NOTHING: [&str; 0] = [];

/// Alice and bob in a room whose document, at clock 1, is `a`.
fn drawing() -> Table {
    let mut table = Table::journaled(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true,"x":1}}]"#);
    table.store();
    table.forget();
    table
}

#[test]
fn du14_a_change_that_cannot_be_stored_was_never_there() {
    let mut table = drawing();
    let before = table.snapshot();

    table.patch(1, r#"[{"a":{"x":2},"b":{"_exists":true}}]"#);
    table.patch(2, r#"[{"a":{"_exists":false}}]"#);
    table.fail();

    assert_eq!(table.snapshot(), before);
    assert_eq!((table.room.clock(), table.room.census()), (1, (1, 0)));
    assert_eq!((table.sent(1), table.sent(2)), (vec![], vec![]));
    assert_eq!(table.asked, []);
    assert!(table.room.is_stalled() && !table.room.has_unstored());
    assert!(table.room.take_batch().is_none());
}

#[test]
fn du14_its_number_goes_to_another_change() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.fail();
    table.leave(1);
    table.recover();
    table.forget();

    table.patch(2, r#"[{"a":{"x":3}}]"#);
    assert_eq!(table.batch(), [(2, "bob".into(), r#"[{"a":{"x":3}}]"#.into())]);
    table.stored(2);

    assert_eq!(table.sent(2), [r#"{"type":"ack","messageId":"m","timestamp":2}"#]);
    assert_eq!(
        table.snapshot(),
        r#"{"timestamp":2,"state":{"a":{"_exists":true,"x":3}},"timestamps":{"a":{"_exists":1,"x":2}}}"#
    );
}

#[test]
fn du14_what_was_handed_out_is_taken_back_as_well() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.patch(1, r#"[{"a":{"x":3}}]"#);
    table.patch(1, r#"[{"a":{"x":4}}]"#);
    table.batch();

    table.stored(2);
    table.fail();
    table.stored(4);

    assert_eq!(table.room.clock(), 2);
    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":2}"#]);
}

#[test]
fn du14_who_asked_meanwhile_is_told_what_is_stored() {
    let mut table = drawing();
    table.join_held(3, "cat");
    table.patch(1, r#"[{"a":{"x":2},"c":{"_exists":true}}]"#);
    table.reconnect(3, 0);
    table.show(2, r#"[{"p":{"_exists":true}}]"#);
    table.forget();

    table.fail();

    assert_eq!(
        table.sent(3),
        [
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":true,"x":1}}],"timestamp":1,"#,
                r#""ephemeralPatches":[{"p":{"_exists":true}}]}"#
            ),
            r#"{"type":"synced","timestamp":1}"#,
            r#"{"type":"patch","clientId":"bob","ephemeralPatches":[{"p":{"_exists":true}}]}"#,
        ]
    );
    assert_eq!(table.sent(2), [r#"{"type":"ack","messageId":"p","timestamp":1}"#]);
}

#[test]
fn du14_a_refused_reconnect_is_refused_once() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.receive(
        2,
        r#"{"type":"reconnect","lastTimestamp":1,"protocolVersion":2,"documentPatches":7}"#,
    );

    table.fail();

    let sent = table.sent(2);
    assert_eq!(sent.len(), 2);
    assert!(sent[0].starts_with(r#"{"type":"error","code":"bad-patch""#));
    assert_eq!(sent[1], r#"{"type":"synced","timestamp":1}"#);
}

#[test]
fn du14_the_presence_of_a_frame_that_is_taken_back_stays_and_is_told() {
    let mut table = drawing();
    table.join_held(3, "cat");
    table.forget();
    let both = r#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"x":2}}],"ephemeralPatches":[{"c":{"_exists":true,"x":1}}]}"#;
    table.receive(1, both);
    table.show(1, r#"[{"c":{"x":2}}]"#);

    table.fail();

    let shown = [
        r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"_exists":true,"x":1}}]}"#,
        r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"x":2}}]}"#,
    ];
    assert_eq!(
        (table.sent(2), table.sent(3)),
        (shown.map(String::from).to_vec(), shown.map(String::from).to_vec())
    );
    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"p","timestamp":1}"#]);

    table.recover();
    table.store();

    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"x":2}}],"timestamp":2}"#]
    );
    table.join(4, "dan");
    assert_eq!(
        table.sent(4)[0],
        r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true,"x":2}}]}"#
    );
}

#[test]
fn du14_who_leaves_meanwhile_has_shown_its_presence() {
    let mut table = drawing();
    table.join(3, "alice");
    table.forget();
    table.receive(
        1,
        r#"{"type":"patch","documentPatches":[{"a":{"x":2}}],"ephemeralPatches":[{"c":{"_exists":true}}]}"#,
    );
    table.leave(1);

    table.fail();
    table.recover();
    table.store();

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"_exists":true}}]}"#,
            r#"{"type":"clientCount","count":2}"#
        ]
    );
    assert_eq!(table.room.clock(), 1);
}

#[test]
fn du15_what_would_change_the_document_waits_without_an_answer() {
    let mut table = drawing();
    table.fail();

    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.receive(
        2,
        r#"{"type":"reconnect","lastTimestamp":1,"protocolVersion":2,"documentPatches":[{"a":{"x":3}}]}"#,
    );

    assert_eq!((table.sent(1), table.sent(2)), (vec![], vec![]));
    assert_eq!(table.room.clock(), 1);
    assert!(table.snapshot().contains(r#""x":1"#));
}

#[test]
fn du15_everything_else_goes_on() {
    let mut table = drawing();
    table.fail();
    table.join_readonly(3, "cat");
    table.forget();

    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.patch(3, r#"[{"a":{"x":9}}]"#);
    table.reconnect(3, 0);
    table.receive(1, r#"{"type":"auth-refresh","token":"t"}"#);

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"p","timestamp":1}"#]);
    assert_eq!(table.sent(2).len(), 1);
    let cat = table.sent(3);
    assert_eq!(cat[1], r#"{"type":"ack","messageId":"m","timestamp":1}"#);
    assert!(cat[2].contains(r#""documentPatches":[{"a":{"_exists":true,"x":1}}]"#));
    assert_eq!(table.asked.len(), 1);
}

#[test]
fn du15_the_presence_of_a_waiting_patch_is_told_at_once_and_only_once() {
    let mut table = drawing();
    table.fail();

    table.receive(
        1,
        r#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"x":2}}],"ephemeralPatches":[{"c":{"_exists":true}}]}"#,
    );

    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"_exists":true}}]}"#]
    );
    assert_eq!(table.sent(1), NOTHING);
    table.recover();
    table.store();
    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":2}"#]);
    assert!(!table.sent(2)[0].contains("ephemeral"));
}

#[test]
fn du15_bad_frames_are_refused_at_once() {
    let mut table = drawing();
    table.fail();

    table.receive(1, "{");
    table.receive(
        2,
        r#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"x":2}}],"ephemeralPatches":[{"c":{"_exists":true,"x":1}},{"c":{"x":{"__buf":1,"len":1,"runs":[]}}}]}"#,
    );

    let closed = |session| Asked::Close(session, CloseReason::FrameRefused);
    assert_eq!([&table.asked[0], &table.asked[2]], [&closed(1), &closed(2)]);
    table.recover();
    assert_eq!(table.room.clock(), 1);
}

#[test]
fn du16_behind_a_waiting_reconnect_everything_of_its_session_waits() {
    let mut table = drawing();
    table.fail();
    table.join_held(3, "cat");
    table.forget();
    table.receive(
        3,
        r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2,"documentPatches":[{"b":{"_exists":true}}]}"#,
    );

    // An ack would move the client's cursor over what the answer to its reconnect is about to bring.
    table.show(3, r#"[{"c":{"_exists":true}}]"#);
    assert_eq!((table.sent(3), table.sent(1)), (vec![], vec![]));
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.recover();
    table.store();

    let cat = table.sent(3);
    assert!(cat[0].contains(r#"[{"b":{"_exists":true},"a":{"_exists":true,"x":1}}]"#), "{cat:?}");
    assert_eq!(cat[1], r#"{"type":"synced","timestamp":2}"#);
    assert_eq!(cat[2], r#"{"type":"ack","messageId":"p","timestamp":2}"#);
    assert!(cat[3].contains(r#""clientId":"alice""#));
}

#[test]
fn du16_a_session_is_held_again_when_its_reconnect_is_taken_back() {
    let mut table = drawing();
    table.join_held(3, "cat");
    table.forget();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.receive(
        3,
        r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2,"documentPatches":[{"b":{"_exists":true}}]}"#,
    );
    table.show(3, r#"[{"c":{"_exists":true}}]"#);

    table.fail();
    assert_eq!(table.sent(3), NOTHING);
    table.show(2, r#"[{"d":{"_exists":true}}]"#);
    assert_eq!(table.sent(3).len(), 1, "presence reaches it all the same");
    table.recover();
    table.store();

    let cat = table.sent(3);
    assert!(cat[0].starts_with(r#"{"type":"patch","clientId":"","documentPatches""#), "{cat:?}");
    assert_eq!(cat[1], r#"{"type":"synced","timestamp":3}"#);
    assert_eq!(cat[2], r#"{"type":"ack","messageId":"p","timestamp":3}"#);
}

#[test]
fn du16_who_has_too_many_frames_waiting_is_closed() {
    let mut table = drawing();
    table.fail();
    let large = format!(r#"[{{"a":{{"x":"{}"}}}}]"#, "x".repeat(9 << 20));

    table.patch(1, &large);
    table.patch(2, &large);
    assert_eq!(table.asked, []);
    table.patch(1, &large);

    assert_eq!(table.asked[0], Asked::Close(1, CloseReason::TooManyFramesWait));
    table.recover();
    assert_eq!(table.room.clock(), 2, "bob's frame waited, alice's are gone");
}

#[test]
fn du16_small_frames_are_bounded_too() {
    let mut table = drawing();
    table.fail();
    table.receive(
        1,
        r#"{"type":"reconnect","lastTimestamp":1,"protocolVersion":2,"documentPatches":[{"a":{"x":3}}]}"#,
    );

    let room_for = ((16 << 20) + (64 << 10) - 95) / 64;
    for _ in 0..room_for {
        table.receive(1, "{}");
    }
    assert_eq!(table.asked, []);
    table.receive(1, "{}");

    assert_eq!(table.asked[0], Asked::Close(1, CloseReason::TooManyFramesWait));
}

#[test]
fn du16_who_leaves_takes_its_waiting_frames_along() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.fail();
    table.patch(1, r#"[{"a":{"x":3}}]"#);
    table.patch(2, r#"[{"a":{"x":4}}]"#);

    table.leave(1);
    table.recover();

    assert_eq!(table.batch(), [(2, "bob".into(), r#"[{"a":{"x":4}}]"#.into())]);
}

#[test]
fn du17_what_waited_is_handled_in_the_order_in_which_it_came() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    table.patch(2, r#"[{"a":{"x":3}}]"#);
    table.fail();
    table.patch(1, r#"[{"a":{"x":4}}]"#);
    table.patch(2, r#"[{"a":{"x":5}}]"#);

    table.recover();
    assert_eq!((table.sent(1), table.sent(2)), (vec![], vec![]), "provisional again");
    let batch = table.batch();
    table.stored(5);

    let made: Vec<_> = batch.iter().map(|(clock, client, _)| (*clock, client.as_str())).collect();
    assert_eq!(made, [(2, "alice"), (3, "bob"), (4, "alice"), (5, "bob")]);
    assert!(table.snapshot().contains(r#""x":5"#));
    let bob = table.sent(2);
    assert_eq!(bob.iter().filter(|frame| frame.contains("ack")).count(), 2);
}

#[test]
fn du17_waiting_frames_are_judged_when_they_are_handled() {
    let mut table = drawing();
    table.fail();
    table.patch(1, r#"[{"a":{"x":"text"}}]"#);
    table.patch(2, r#"[{"a":{"x":{"__buf":1,"len":1,"runs":[]}}}]"#);
    table.handle(Input::AccessChanged { session: 1, access: Access::ReadOnly });

    table.recover();

    assert_eq!(table.asked[0], Asked::Close(2, CloseReason::FrameRefused));
    assert_eq!(table.sent(1)[0], r#"{"type":"ack","messageId":"m","timestamp":1}"#);
}

#[test]
fn du17_the_store_may_fail_again() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    for _ in 0..3 {
        table.fail();
        table.recover();
    }

    assert_eq!(table.sent(1), NOTHING);
    table.store();

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":2}"#]);
    assert_eq!(table.sent(2).len(), 1);
}

#[test]
fn du18_the_server_cannot_edit_while_nothing_can_be_stored() {
    let mut table = drawing();
    table.fail();

    let refused = table.edit(r#"[{"a":{"x":2}}]"#);
    assert!(matches!(refused, Err(RoomError::Stalled)));
    assert_eq!(refused.unwrap_err().to_string(), "nothing can be stored at the moment");
    table.recover();

    assert!(table.edit(r#"[{"a":{"x":2}}]"#).is_ok());
}

#[test]
fn du18_an_edit_of_the_server_that_was_taken_back_is_made_again() {
    let mut table = drawing();
    table.edit(r#"[{"a":{"x":2}}]"#).unwrap();
    table.patch(1, r#"[{"a":{"y":3}}]"#);

    table.fail();
    assert_eq!(table.sent(2), NOTHING);
    table.recover();

    let made: Vec<_> =
        table.batch().into_iter().map(|(clock, client, _)| (clock, client)).collect();
    assert_eq!(made, [(2, String::new()), (3, "alice".into())]);
}
