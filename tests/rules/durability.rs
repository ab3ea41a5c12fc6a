//! A journaled room while its store works (DU12, DU13).

use super::table::{Asked, Table};

const ACK: &str = r#"{"type":"ack","messageId":"m","timestamp":1}"#;
const NOTHING: [&str; 0] = [];

#[test]
fn du12_neither_ack_nor_broadcast_nor_hook_comes_before_the_change_is_stored() {
    let mut table = Table::journaled(&["alice", "bob"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    let batch = table.batch();
    assert_eq!((table.sent(1).len(), table.sent(2).len(), table.asked.len()), (0, 0, 0));
    assert!(table.room.has_unstored());
    table.stored(1);

    assert_eq!(batch, [(1, "alice".into(), r#"[{"a":{"_exists":true}}]"#.into())]);
    assert_eq!(table.sent(1), [ACK]);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"_exists":true}}],"timestamp":1}"#
        ]
    );
    assert_eq!(table.asked, [Asked::Changed(r#"[{"a":{"_exists":true}}]"#.into())]);
    assert!(!table.room.has_unstored());
}

#[test]
fn du12_an_edit_by_the_server_waits_too_and_is_nobodys() {
    let mut table = Table::journaled(&["alice"]);

    table.edit(r#"[{"a":{"_exists":true}}]"#).unwrap();
    assert_eq!(table.batch(), [(1, String::new(), r#"[{"a":{"_exists":true}}]"#.into())]);
    assert_eq!(table.sent(1), NOTHING);
    table.stored(1);

    assert_eq!(table.sent(1).len(), 1);
}

#[test]
fn du12_a_catch_up_waits_for_what_it_shows() {
    let mut table = Table::journaled(&["alice"]);
    table.join_held(2, "bob");
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.forget();

    table.reconnect(2, 7);
    assert_eq!(table.sent(2), NOTHING);
    table.store();

    assert_eq!(
        table.sent(2),
        [r#"{"type":"resync","since":1}"#, r#"{"type":"synced","timestamp":1}"#]
    );
}

#[test]
fn du12_even_the_ack_of_presence_shows_the_clock() {
    let mut table = Table::journaled(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);

    table.show(2, r#"[{"c":{"_exists":true}}]"#);
    assert_eq!(table.sent(2), NOTHING);
    table.store();

    assert_eq!(table.sent(2)[1], r#"{"type":"ack","messageId":"p","timestamp":1}"#);
}

#[test]
fn du12_a_change_is_handed_out_once_and_batches_may_overlap() {
    let mut table = Table::journaled(&["alice"]);
    let clocks = |table: &mut Table| -> Vec<u64> {
        table.batch().into_iter().map(|(clock, ..)| clock).collect()
    };
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.patch(1, r#"[{"a":{"x":1}}]"#);
    assert_eq!(clocks(&mut table), [1, 2]);
    table.patch(1, r#"[{"a":{"x":2}}]"#);
    assert_eq!(clocks(&mut table), [3]);
    assert!(table.room.take_batch().is_none());

    table.stored(1);
    assert_eq!(table.sent(1), [ACK]);
    assert_eq!(table.room.stored_clock(), 1);
    table.stored(3);

    assert_eq!(table.sent(1).len(), 2);
}

#[test]
fn du12_what_was_never_handed_out_is_not_stored() {
    let mut table = Table::journaled(&["alice"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.stored(1);

    assert_eq!(table.sent(1), NOTHING);
    assert_eq!(table.room.stored_clock(), 0);
}

#[test]
fn du12_a_room_that_does_not_journal_waits_for_nothing() {
    let mut table = Table::with(&["alice"]);

    table.patch(1, r#"[{"a":{"_exists":true}}]"#);

    assert_eq!(table.sent(1), [ACK]);
    assert_eq!((table.room.stored_clock(), table.room.has_unstored()), (1, false));
    assert!(table.room.take_batch().is_none());
}

#[test]
fn du13_what_comes_after_an_unstored_change_waits_behind_it() {
    let mut table = Table::journaled(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);

    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.join(3, "cat");
    table.receive(2, r#"{"type":"auth-refresh","token":"t"}"#);
    assert_eq!((table.sent(2).len(), table.sent(3).len(), table.asked.len()), (0, 0, 0));
    table.store();

    let bob = table.sent(2);
    assert_eq!(bob.len(), 3);
    assert!(bob[0].contains("documentPatches") && bob[1].contains("ephemeralPatches"));
    assert_eq!(bob[2], r#"{"type":"clientCount","count":3}"#);
    assert_eq!(table.asked.len(), 2, "the hook and the token");
}

#[test]
fn du13_with_nothing_unstored_nothing_waits() {
    let mut table = Table::journaled(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.store();
    table.forget();

    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.reconnect(2, 0);

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"p","timestamp":1}"#]);
    assert_eq!(table.sent(2).len(), 3);
}

#[test]
fn du13_what_a_partial_store_leaves_waiting_keeps_its_order() {
    let mut table = Table::journaled(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.show(2, r#"[{"c":{"_exists":true}}]"#);
    table.patch(1, r#"[{"a":{"x":1}}]"#);
    table.show(2, r#"[{"c":{"x":1}}]"#);
    table.batch();

    table.stored(1);
    assert_eq!(table.sent(1).len(), 2, "the ack and what bob showed before the second change");
    table.stored(2);

    let sent = table.sent(1);
    assert!(sent[0].starts_with(r#"{"type":"ack""#) && sent[1].contains("ephemeral"));
}
