//! SPEC.md sections 4 and 5, as far as frames show them; the document's own tests show the rest.

use super::table::Table;

fn drawing() -> Table {
    let mut table = Table::with(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true,"x":1,"y":2,"points":[1,2,3]}}]"#);
    table.forget();
    table
}

#[test]
fn mg1_mg6_fields_merge_and_carry_the_clock_of_their_last_write() {
    let mut table = drawing();

    table.patch(2, r#"[{"a":{"y":20,"z":null}}]"#);

    assert_eq!(
        table.snapshot(),
        concat!(
            r#"{"timestamp":2,"state":{"a":{"_exists":true,"x":1,"y":20,"points":[1,2,3],"z":null}},"#,
            r#""timestamps":{"a":{"_exists":1,"x":1,"y":2,"points":1,"z":2}}}"#
        )
    );
}

#[test]
fn mg3_mg4_an_update_to_a_key_never_seen_is_broadcast_acked_and_not_stored() {
    let mut table = drawing();

    table.patch(1, r#"[{"ghost":{"x":1}}]"#);

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":2}"#]);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"ghost":{"x":1}}],"timestamp":2}"#
        ]
    );
    assert!(!table.snapshot().contains("ghost"));
}

#[test]
fn mg5_an_update_to_a_tombstone_is_left_out_of_the_broadcast() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);
    table.forget();

    table.patch(1, r#"[{"a":{"x":9},"b":{"_exists":true,"x":1}},{"a":{"y":9}}]"#);

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":3}"#]);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"b":{"_exists":true,"x":1}},{}],"timestamp":3}"#
        ]
    );
}

#[test]
fn mg5_an_update_behind_a_deletion_in_the_same_frame_is_left_out() {
    let mut table = drawing();

    table.patch(1, r#"[{"a":{"_exists":false}},{"a":{"x":9}}]"#);

    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"_exists":false}},{}],"timestamp":2}"#
        ]
    );
}

#[test]
fn mg7_mg8_deltas_go_out_as_they_came_and_are_stored_as_arrays() {
    let mut table = drawing();

    table.patch(1, r#"[{"a":{"points":{"__buf":1,"len":4,"runs":[[1,[7]],[3,[-0.5,8]]]}}}]"#);

    assert_eq!(
        table.sent(2),
        [concat!(
            r#"{"type":"patch","clientId":"alice","documentPatches":"#,
            r#"[{"a":{"points":{"__buf":1,"len":4,"runs":[[1,[7]],[3,[-0.5,8]]]}}}],"timestamp":2}"#
        )]
    );
    assert!(table.snapshot().contains(r#""points":[1,7,3,-0.5]"#));

    table.reconnect(2, 1);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"points":[1,7,3,-0.5]}}],"timestamp":2}"#,
            r#"{"type":"synced","timestamp":2}"#
        ]
    );
}

#[test]
fn mg7_a_delta_on_a_missing_field_starts_from_nothing() {
    let mut table = drawing();

    table.patch(1, r#"[{"a":{"new":{"__buf":1,"len":2,"runs":[[1,[5]]]}},"b":{"_exists":true,"p":{"__buf":1,"len":1,"runs":[]}}}]"#);

    let snapshot = table.snapshot();
    assert!(snapshot.contains(r#""new":[0,5]"#), "{snapshot}");
    assert!(snapshot.contains(r#""b":{"_exists":true,"p":[0]}"#), "{snapshot}");
}

#[test]
fn mg9_malformed_deltas_are_refused() {
    for delta in [
        r#"{"__buf":1}"#,
        r#"{"__buf":1,"len":1}"#,
        r#"{"__buf":1,"runs":[]}"#,
        r#"{"__buf":1,"len":-1,"runs":[]}"#,
        r#"{"__buf":1,"len":1.5,"runs":[]}"#,
        r#"{"__buf":1,"len":"1","runs":[]}"#,
        r#"{"__buf":1,"len":1,"runs":{}}"#,
        r#"{"__buf":1,"len":1,"runs":[1]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[-1,[1]]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0.5,[1]]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0,[null]]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0,["1"]]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0,[1e999]]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0,[1],2]]}"#,
        r#"{"__buf":1,"len":1,"runs":[[0,7]]}"#,
    ] {
        let mut table = drawing();

        table.patch(1, &format!(r#"[{{"a":{{"points":{delta}}}}}]"#));

        let error = table.sent(1).concat();
        assert!(error.starts_with(r#"{"type":"error","code":"bad-delta","#), "{delta}: {error}");
        assert_eq!(table.room.clock(), 1);
    }
}

#[test]
fn mg9_a_delta_on_what_is_no_array_of_numbers_is_refused() {
    for value in ["1", "null", "{}", r#""[1]""#, r#"[1,"2"]"#, "[null]", r#"{"__buf":2}"#] {
        let mut table = Table::with(&["alice"]);
        table.patch(1, &format!(r#"[{{"a":{{"_exists":true,"p":{value}}}}}]"#));
        table.forget();

        table.patch(1, r#"[{"a":{"p":{"__buf":1,"len":1,"runs":[]}}}]"#);

        let error = table.sent(1).concat();
        assert!(
            error.contains(r#"field \"p\" of \"a\" is no array of numbers"#),
            "{value}: {error}"
        );
    }
}

#[test]
fn mg9_an_object_whose_buf_is_not_1_is_a_value_like_others() {
    let mut table = drawing();

    table.patch(1, r#"[{"a":{"p":{"__buf":2,"len":-1},"q":{"__buf":"1"},"r":{"len":1}}}]"#);

    assert!(
        table.snapshot().contains(r#""p":{"__buf":2,"len":-1},"q":{"__buf":"1"},"r":{"len":1}"#)
    );
}

#[test]
fn mg10_a_delta_builds_on_earlier_patches_of_its_frame() {
    let mut table = Table::with(&["alice"]);

    table.patch(
        1,
        r#"[{"a":{"_exists":true,"p":[1]}},{"a":{"p":{"__buf":1,"len":2,"runs":[[1,[2]]]}}},{"a":{"p":{"__buf":1,"len":3,"runs":[[2,[3]]]}}}]"#,
    );

    assert!(table.snapshot().contains(r#""p":[1,2,3]"#));
}

#[test]
fn mg10_a_delta_is_refused_for_what_an_earlier_patch_of_its_frame_left() {
    for patches in [
        r#"[{"a":{"points":"text"}},{"a":{"points":{"__buf":1,"len":1,"runs":[]}}}]"#,
        r#"[{"a":{"_exists":false}},{"a":{"_exists":true,"points":7}},{"a":{"points":{"__buf":1,"len":1,"runs":[]}}}]"#,
    ] {
        let mut table = drawing();
        table.patch(1, patches);
        assert_eq!(table.room.clock(), 1, "{patches}");
    }
    // A deletion in between takes the bad base away, and then there is nothing that the delta would change.
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"points":7}},{"a":{"_exists":false}},{"a":{"points":{"__buf":1,"len":1,"runs":[]}}}]"#);
    assert_eq!(table.room.clock(), 2);
}

#[test]
fn tb1_tb3_a_tombstone_replaces_the_component_and_stays() {
    let mut table = drawing();

    table.patch(1, r#"[{"a":{"_exists":false,"x":5},"never":{"_exists":false}}]"#);

    assert_eq!(
        table.snapshot(),
        concat!(
            r#"{"timestamp":2,"state":{"a":{"_exists":false},"never":{"_exists":false}},"#,
            r#""timestamps":{"a":{"_exists":2},"never":{"_exists":2}}}"#
        )
    );
}

#[test]
fn tb2_a_creation_on_a_tombstone_has_none_of_the_old_fields() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);

    table.patch(1, r#"[{"a":{"_exists":true,"z":1}}]"#);

    assert_eq!(
        table.snapshot(),
        r#"{"timestamp":3,"state":{"a":{"_exists":true,"z":1}},"timestamps":{"a":{"_exists":3,"z":3}}}"#
    );
}

#[test]
fn tb3_a_client_that_missed_a_deletion_is_told_after_a_restart() {
    let mut table = drawing();
    table.patch(1, r#"[{"a":{"_exists":false}}]"#);
    let snapshot = table.snapshot();

    let mut restarted = Table::new();
    restarted.room.restore(snapshot.as_bytes()).unwrap();
    restarted.join(1, "bob");
    restarted.forget();
    restarted.reconnect(1, 1);

    assert_eq!(
        restarted.sent(1),
        [
            r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"_exists":false}}],"timestamp":2}"#,
            r#"{"type":"synced","timestamp":2}"#
        ]
    );
}
