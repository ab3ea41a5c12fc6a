//! SPEC.md section 2.

use super::table::Table;

#[test]
fn jn1_who_joins_gets_the_presence_of_the_others_first() {
    let mut table = Table::with(&["alice", "bob"]);
    table.show(1, r#"[{"cursor/alice":{"_exists":true,"x":1}}]"#);
    table.show(2, r#"[{"cursor/bob":{"_exists":true,"x":2}}]"#);

    table.join(3, "carol");

    assert_eq!(
        table.sent(3),
        [
            concat!(
                r#"{"type":"patch","clientId":"","ephemeralPatches":[{"cursor/alice":{"_exists":true,"x":1},"#,
                r#""cursor/bob":{"_exists":true,"x":2}}]}"#
            ),
            r#"{"type":"clientCount","count":3}"#
        ]
    );
}

#[test]
fn jn1_without_presence_there_is_no_such_patch() {
    let mut table = Table::with(&["alice"]);

    table.join(2, "bob");

    assert_eq!(table.sent(2), [r#"{"type":"clientCount","count":2}"#]);
}

#[test]
fn jn2_joins_and_leaves_are_counted_for_everybody() {
    let mut table = Table::new();

    table.join(1, "alice");
    table.join(2, "bob");
    table.leave(2);

    let counts = [1, 2, 1].map(|count| format!(r#"{{"type":"clientCount","count":{count}}}"#));
    assert_eq!(table.sent(1), counts);
}

#[test]
fn jn3_a_held_session_gets_presence_and_counts_but_no_document_before_its_first_frame() {
    let mut table = Table::with(&["alice"]);
    table.join_held(2, "bob");
    table.forget();

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.receive(
        1,
        r#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"x":1}}],"ephemeralPatches":[{"c":{"_exists":true}}]}"#,
    );
    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"_exists":true}}]}"#]
    );

    table.reconnect(2, 0);
    table.forget();
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    assert_eq!(
        table.sent(2),
        [r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"x":2}}],"timestamp":3}"#]
    );
}

#[test]
fn jn3_the_first_frame_may_be_a_patch() {
    let mut table = Table::with(&["alice"]);
    table.join_held(2, "bob");
    table.patch(2, r#"[{"a":{"_exists":true}}]"#);
    table.forget();

    table.patch(1, r#"[{"a":{"x":2}}]"#);

    assert_eq!(table.sent(2).len(), 1);
}

#[test]
fn jn3_frames_that_do_not_ask_for_documents_do_not_lift_the_hold() {
    let mut table = Table::with(&["alice"]);
    table.join_held(2, "bob");
    table.receive(2, r#"{"type":"auth-refresh","token":"t"}"#);
    table.receive(2, r#"{"type":"from-the-future"}"#);
    table.forget();

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);

    assert_eq!(table.sent(2), [""; 0]);
}

#[test]
fn jn4_a_session_that_is_not_held_gets_documents_at_once() {
    let mut table = Table::with(&["alice", "bob"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);

    assert_eq!(table.sent(2).len(), 1);
}
