//! SPEC.md section 7.

use super::table::Table;

/// A room at clock 3: `a` created and changed, `b` created and deleted.
fn room_with_history() -> Table {
    let mut table = Table::with(&["alice"]);
    table.patch(1, r#"[{"a":{"_exists":true,"x":1,"y":1},"b":{"_exists":true}}]"#);
    table.patch(1, r#"[{"b":{"_exists":false}}]"#);
    table.patch(1, r#"[{"a":{"x":3}}]"#);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.join(2, "bob");
    table.forget();
    table
}

#[test]
fn rc1_a_reconnect_brings_what_is_newer_the_others_presence_and_synced() {
    let mut table = room_with_history();

    table.reconnect(2, 1);

    assert_eq!(
        table.sent(2),
        [
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"x":3},"b":{"_exists":false}}],"timestamp":3,"#,
                r#""ephemeralPatches":[{"c":{"_exists":true}}]}"#
            ),
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
}

#[test]
fn rc1_who_lacks_no_document_still_gets_presence_without_a_timestamp() {
    let mut table = room_with_history();

    table.reconnect(2, 3);

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true}}]}"#,
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
}

#[test]
fn rc1_who_lacks_nothing_gets_only_synced() {
    let mut table = Table::with(&["alice"]);

    table.reconnect(1, 0);

    assert_eq!(table.sent(1), [r#"{"type":"synced","timestamp":0}"#]);
}

#[test]
fn rc2_the_clients_own_patches_are_applied_and_broadcast_first() {
    let mut table = room_with_history();

    table.receive(
        2,
        r#"{"type":"reconnect","lastTimestamp":3,"protocolVersion":2,"documentPatches":[{"a":{"y":4}}],"ephemeralPatches":[{"d":{"_exists":true}}]}"#,
    );

    assert_eq!(
        table.sent(1),
        [concat!(
            r#"{"type":"patch","clientId":"bob","documentPatches":[{"a":{"y":4}}],"timestamp":4,"#,
            r#""ephemeralPatches":[{"d":{"_exists":true}}]}"#
        )]
    );
    assert_eq!(
        table.sent(2),
        [
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"y":4}}],"timestamp":4,"#,
                r#""ephemeralPatches":[{"c":{"_exists":true}}]}"#
            ),
            r#"{"type":"synced","timestamp":4}"#
        ]
    );
}

#[test]
fn rc3_a_client_that_is_ahead_is_asked_for_what_it_knows() {
    let mut table = room_with_history();

    table.receive(
        2,
        r#"{"type":"reconnect","lastTimestamp":9,"protocolVersion":2,"documentPatches":[{"a":{"y":4}}]}"#,
    );

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"resync","since":3}"#,
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true}}]}"#,
            r#"{"type":"synced","timestamp":4}"#
        ]
    );
}

#[test]
fn rc3_being_exactly_at_the_clock_is_not_ahead() {
    let mut table = Table::with(&["alice"]);
    table.patch(1, "[{}]");
    table.forget();

    table.reconnect(1, 1);

    assert_eq!(table.sent(1), [r#"{"type":"synced","timestamp":1}"#]);
}

#[test]
fn rc4_a_readonly_client_gets_no_resync_and_its_patches_are_dropped() {
    let mut table = room_with_history();
    table.join_readonly(3, "viewer");
    table.forget();

    table.receive(
        3,
        r#"{"type":"reconnect","lastTimestamp":9,"protocolVersion":2,"documentPatches":[{"a":{"y":4}}],"ephemeralPatches":[{"d":{"_exists":true}}]}"#,
    );

    assert_eq!(
        table.sent(3),
        [
            r#"{"type":"patch","clientId":"","ephemeralPatches":[{"c":{"_exists":true}}]}"#,
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
    assert_eq!(table.sent(1), [""; 0]);
}

#[test]
fn rc5_a_client_that_has_seen_nothing_is_sent_no_tombstones() {
    let mut table = room_with_history();

    table.reconnect(2, 0);

    assert_eq!(
        table.sent(2),
        [
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":true,"x":3,"y":1}}],"timestamp":3,"#,
                r#""ephemeralPatches":[{"c":{"_exists":true}}]}"#
            ),
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
}

#[test]
fn rc5_a_room_of_tombstones_has_nothing_for_a_new_client() {
    let mut table = Table::with(&["alice"]);
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);
    table.forget();

    table.reconnect(1, 0);

    assert_eq!(table.sent(1), [r#"{"type":"synced","timestamp":1}"#]);
}

#[test]
fn rc5_a_client_that_has_seen_one_change_is_sent_tombstones() {
    let mut table = Table::with(&["alice"]);
    table.patch(1, r#"[{"a":{"_exists":true}}]"#);
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);
    table.forget();

    table.reconnect(1, 1);

    assert_eq!(
        table.sent(1),
        [
            r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":false}}],"timestamp":2}"#,
            r#"{"type":"synced","timestamp":2}"#
        ]
    );
}

#[test]
fn rc6_rc7_a_refused_reconnect_is_served_with_all_that_it_touched() {
    let mut table = room_with_history();

    table.receive(
        2,
        concat!(
            r#"{"type":"reconnect","lastTimestamp":3,"protocolVersion":2,"documentPatches":"#,
            r#"[{"a":{"y":4},"b":{"x":1},"new":{"_exists":true},"bad":7}],"ephemeralPatches":[{"d":{"_exists":true}}]}"#
        ),
    );

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"error","code":"bad-patch","message":"component \"bad\" must be an object"}"#,
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":true,"x":3,"y":1},"#,
                r#""b":{"_exists":false},"bad":{"_exists":false},"new":{"_exists":false}}],"timestamp":3,"#,
                r#""ephemeralPatches":[{"c":{"_exists":true}}]}"#
            ),
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
    assert_eq!(
        (table.room.clock(), table.sent(1), table.asked.len()),
        (3, vec![], 0),
        "nobody else sees any of it"
    );
}

#[test]
fn rc6_rc7_a_delta_without_a_base_is_refused_the_same_way_and_gets_no_resync() {
    let mut table = room_with_history();

    table.receive(
        2,
        concat!(
            r#"{"type":"reconnect","lastTimestamp":99,"protocolVersion":2,"documentPatches":"#,
            r#"[{"a":{"x":{"__buf":1,"len":1,"runs":[]}}}]}"#
        ),
    );

    let sent = table.sent(2);
    assert!(sent[0].starts_with(r#"{"type":"error","code":"bad-delta","#), "{sent:?}");
    assert!(
        sent[1].contains(r#""documentPatches":[{"a":{"_exists":true,"x":3,"y":1}}]"#),
        "{sent:?}"
    );
    assert_eq!(sent[2..], [r#"{"type":"synced","timestamp":3}"#]);
}

#[test]
fn rc6_a_reconnect_that_is_too_deep_is_served_too() {
    let mut table = room_with_history();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));

    table.receive(
        2,
        format!(
            r#"{{"type":"reconnect","lastTimestamp":3,"protocolVersion":2,"documentPatches":[{{"a":{{"y":{deep}}},"new":{{"_exists":true}}}}]}}"#
        ),
    );

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"error","code":"too-deep","message":"nested deeper than the limit of 64"}"#,
            concat!(
                r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":true,"x":3,"y":1},"new":{"_exists":false}}],"#,
                r#""timestamp":3,"ephemeralPatches":[{"c":{"_exists":true}}]}"#
            ),
            r#"{"type":"synced","timestamp":3}"#
        ]
    );
}

#[test]
fn rc8_last_timestamp_is_a_number() {
    for (last_timestamp, newest) in [
        ("-5", true),
        ("null", true),
        ("1e400", true),
        ("0", true),
        ("2.5", true),
        ("1e21", false),
        ("1e-7", true),
    ] {
        let mut table = room_with_history();
        table.receive(
            2,
            format!(
                r#"{{"type":"reconnect","lastTimestamp":{last_timestamp},"protocolVersion":2}}"#
            ),
        );
        let sent = table.sent(2).concat();
        assert_eq!(sent.contains("documentPatches"), newest, "{last_timestamp}: {sent}");
        assert!(sent.ends_with(r#"{"type":"synced","timestamp":3}"#), "{last_timestamp}: {sent}");
    }
    for last_timestamp in ["\"1\"", "true", "{}", "[]"] {
        let mut table = room_with_history();
        table.receive(
            2,
            format!(
                r#"{{"type":"reconnect","lastTimestamp":{last_timestamp},"protocolVersion":2}}"#
            ),
        );
        assert!(
            table.sent(2).concat().starts_with(r#"{"type":"error","code":"bad-frame","#),
            "{last_timestamp}"
        );
    }
    let mut table = room_with_history();
    table.receive(2, r#"{"type":"reconnect","protocolVersion":2}"#);
    assert!(table.sent(2).concat().starts_with(r#"{"type":"error","code":"bad-frame","#));
}

#[test]
fn rc8_fractions_of_a_clock_are_cut_off() {
    let mut table = room_with_history();

    table.receive(2, r#"{"type":"reconnect","lastTimestamp":2.9,"protocolVersion":2}"#);

    assert!(table.sent(2).concat().contains(r#""documentPatches":[{"a":{"x":3}}]"#));
}
