//! SPEC.md section 6.

use super::table::Table;

#[test]
fn pr1_presence_merges_per_client_by_the_rules_of_the_document() {
    let mut table = Table::with(&["alice", "bob"]);
    table.show(1, r#"[{"c":{"_exists":true,"x":1,"trail":[1]}}]"#);
    table.show(
        1,
        r#"[{"c":{"y":2,"trail":{"__buf":1,"len":2,"runs":[[1,[5]]]}}},{"gone":{"_exists":true}}]"#,
    );
    table.show(1, r#"[{"gone":{"_exists":false}}]"#);
    table.show(2, r#"[{"c":{"_exists":true,"x":3}}]"#);

    table.join(3, "carol");

    // Two clients may use one key; whose is read last is not defined.
    let presence = table.sent(3).remove(0);
    assert!(presence.contains(r#""c":{"_exists":true,"x":1,"trail":[1,5],"y":2}"#), "{presence}");
    assert!(presence.contains(r#""c":{"_exists":true,"x":3}"#), "{presence}");
    assert!(!presence.contains("gone"), "{presence}");
}

#[test]
fn pr2_presence_is_broadcast_as_it_came() {
    let mut table = Table::with(&["alice", "bob"]);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.show(1, r#"[{"c":{"_exists":false}}]"#);
    table.forget();

    table.show(1, r#"[{"c":{"x":1,"t":{"__buf":1,"len":0,"runs":[]}}}]"#);

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"x":1,"t":{"__buf":1,"len":0,"runs":[]}}}]}"#
        ]
    );
}

#[test]
fn pr3_the_presence_of_a_client_goes_with_its_last_session() {
    let mut table = Table::with(&["alice", "alice", "bob"]);
    table.show(1, r#"[{"c1":{"_exists":true},"c2":{"_exists":true}}]"#);
    table.forget();

    table.leave(1);
    assert_eq!(table.sent(3), [r#"{"type":"clientCount","count":2}"#]);

    table.leave(2);
    assert_eq!(
        table.sent(3),
        [
            r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c1":{"_exists":false},"c2":{"_exists":false}}]}"#,
            r#"{"type":"clientCount","count":1}"#
        ]
    );
}

#[test]
fn pr3_who_showed_nothing_leaves_without_deletions() {
    let mut table = Table::with(&["alice", "bob"]);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.show(1, r#"[{"c":{"_exists":false}}]"#);
    table.forget();

    table.leave(1);

    assert_eq!(table.sent(2), [r#"{"type":"clientCount","count":1}"#]);
}

#[test]
fn pr4_a_client_that_is_back_before_its_old_session_left_keeps_its_presence() {
    let mut table = Table::with(&["alice", "bob"]);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);

    table.join(3, "alice");
    table.leave(1);
    table.join(4, "carol");

    assert_eq!(
        table.sent(4),
        [
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true}}]}"#,
            r#"{"type":"clientCount","count":3}"#
        ]
    );
}

#[test]
fn pr5_nobody_is_sent_the_presence_of_its_own_client() {
    let mut table = Table::with(&["alice"]);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);

    table.join(2, "alice");
    table.reconnect(2, 0);

    assert_eq!(
        table.sent(2),
        [r#"{"type":"clientCount","count":2}"#, r#"{"type":"synced","timestamp":0}"#]
    );
}

#[test]
fn pr6_an_update_to_presence_that_is_not_alive_is_broadcast_and_not_stored() {
    let mut table = Table::with(&["alice", "bob"]);

    table.show(1, r#"[{"c":{"x":1}}]"#);
    table.join(3, "carol");

    assert_eq!(
        table.sent(2).first().map(String::as_str),
        Some(r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"x":1}}]}"#)
    );
    assert_eq!(table.sent(3), [r#"{"type":"clientCount","count":3}"#]);
}
