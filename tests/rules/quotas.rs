//! SPEC.md section 11: what a room may hold.

use heddle::{
    engine::{CloseReason, Quota, RefusalCode},
    protocol::limits::Limits,
    server::RoomError,
};

use super::table::{Asked, Table};

/// A room of two clients under the default limits but for a quota.
fn room(quota: Quota) -> Table {
    let mut table = Table::with_limits(Limits { quota, ..Limits::default() });
    table.join(1, "alice");
    table.join(2, "bob");
    table.forget();
    table
}

/// A patch that is accepted.
fn accepts(table: &mut Table, document: &str) {
    let clock = table.room.clock();
    table.patch(2, document);
    assert_eq!(table.room.clock(), clock + 1, "{:?}", table.sent(2));
    table.forget();
}

/// A patch that is refused from wherever it comes, and changes nothing.
fn refuses(table: &mut Table, document: &str, code: RefusalCode) {
    let before = (table.snapshot(), table.room.document_bytes());

    let edit = table.edit(document);
    assert!(matches!(&edit, Err(RoomError::BadPatch(refusal)) if refusal.code == code), "{edit:?}");
    table.receive(
        2,
        format!(
            r#"{{"type":"reconnect","lastTimestamp":0,"protocolVersion":2,"documentPatches":{document}}}"#
        ),
    );
    assert_eq!(table.refused, [(2, code)]);
    assert!(table.asked.is_empty(), "RC6: a reconnect is served");
    table.forget();
    table.patch(1, document);
    assert_eq!(table.refused, [(1, code)]);
    assert_eq!(table.asked, [Asked::Close(1, CloseReason::FrameRefused), Asked::Left(1, 1)]);
    let error = table.sent(1).concat();
    assert!(error.contains(&format!(r#""code":"{}""#, code.as_str())), "{error}");

    assert_eq!((table.snapshot(), table.room.document_bytes()), before);
    table.join(1, "alice");
    table.forget();
}

#[test]
fn lm8_a_component_has_so_many_fields_and_not_one_more() {
    let mut table = room(Quota { fields: 3, ..Quota::NONE });
    accepts(&mut table, r#"[{"a":{"_exists":true,"x":1}}]"#);
    accepts(&mut table, r#"[{"a":{"y":1}}]"#);
    accepts(&mut table, r#"[{"a":{"x":2,"y":2}}]"#);

    refuses(&mut table, r#"[{"a":{"z":1}}]"#, RefusalCode::TooManyFields);
    refuses(
        &mut table,
        r#"[{"b":{"_exists":true,"x":1}},{"b":{"y":1}},{"b":{"z":1}}]"#,
        RefusalCode::TooManyFields,
    );
    accepts(&mut table, r#"[{"a":{"_exists":false}},{"a":{"_exists":true,"z":1}}]"#);
}

#[test]
fn lm8_fields_of_components_that_are_not_there_do_not_count() {
    let mut table = room(Quota { fields: 1, ..Quota::NONE });

    accepts(&mut table, r#"[{"a":{"x":1,"y":1}}]"#);
}

#[test]
fn lm9_a_component_has_so_many_bytes_and_not_one_more() {
    // The key a, _exists with true, x with a number.
    let mut table = room(Quota { component_bytes: 1 + 11 + 5, ..Quota::NONE });
    accepts(&mut table, r#"[{"a":{"_exists":true,"x":1234}}]"#);

    refuses(&mut table, r#"[{"a":{"x":12345}}]"#, RefusalCode::ComponentTooLarge);
    refuses(&mut table, r#"[{"bb":{"_exists":true,"x":1234}}]"#, RefusalCode::ComponentTooLarge);
    accepts(&mut table, r#"[{"a":{"x":"large"}},{"a":{"x":1}}]"#);
    accepts(&mut table, r#"[{"a":{"y":12}}]"#);
    refuses(&mut table, r#"[{"a":{"x":12}}]"#, RefusalCode::ComponentTooLarge);
}

#[test]
fn lm9_an_array_counts_what_its_numbers_take() {
    let mut table = room(Quota { component_bytes: 1 + 11 + 1 + 24 + 8 * 3, ..Quota::NONE });
    accepts(
        &mut table,
        r#"[{"a":{"_exists":true,"x":{"__buf":1,"len":3,"runs":[[0,[0.1,0.2,0.3]]]}}}]"#,
    );

    refuses(
        &mut table,
        r#"[{"a":{"x":{"__buf":1,"len":4,"runs":[]}}}]"#,
        RefusalCode::ComponentTooLarge,
    );
    let digits = "[0.1234567890123456789,0.1234567890123456789,0.1234567890123456789]";
    accepts(&mut table, &format!(r#"[{{"a":{{"x":{digits}}}}}]"#));
    refuses(&mut table, r#"[{"a":{"y":1}}]"#, RefusalCode::ComponentTooLarge);
}

#[test]
fn lm10_the_document_has_so_many_bytes_and_not_one_more() {
    // Each component: 64, its key, and its fields with 8 for each.
    let component = 64 + 1 + (8 + 11);
    let mut table = room(Quota { document_bytes: 2 * component, ..Quota::NONE });
    accepts(&mut table, r#"[{"a":{"_exists":true}}]"#);
    accepts(&mut table, r#"[{"b":{"_exists":true}}]"#);
    assert_eq!(table.room.document_bytes(), 2 * component);

    refuses(&mut table, r#"[{"a":{"x":1}}]"#, RefusalCode::DocumentTooLarge);
    refuses(&mut table, r#"[{"c":{"_exists":true}}]"#, RefusalCode::DocumentTooLarge);
    accepts(&mut table, r#"[{"a":{"_exists":false}}]"#);
    assert_eq!(table.room.document_bytes(), component + 65, "a tombstone counts its key");
    refuses(&mut table, r#"[{"a":{"_exists":true,"x":1}}]"#, RefusalCode::DocumentTooLarge);
    accepts(&mut table, r#"[{"a":{"_exists":true}}]"#);
}

#[test]
fn lm11_so_many_components_are_alive_and_not_one_more() {
    let mut table = room(Quota { components: 2, ..Quota::NONE });
    accepts(&mut table, r#"[{"a":{"_exists":true},"b":{"_exists":true}}]"#);

    refuses(&mut table, r#"[{"c":{"_exists":true}}]"#, RefusalCode::TooManyComponents);
    accepts(&mut table, r#"[{"c":{"_exists":true},"a":{"_exists":false}}]"#);
    refuses(&mut table, r#"[{"a":{"_exists":true}}]"#, RefusalCode::TooManyComponents);
}

#[test]
fn lm12_a_client_shows_so_many_bytes_and_not_one_more() {
    let entry = 64 + 1 + (8 + 11) + (8 + 2);
    let mut table = room(Quota { presence_bytes: entry, ..Quota::NONE });
    table.show(1, r#"[{"a":{"_exists":true,"x":1}}]"#);
    table.show(2, r#"[{"a":{"_exists":true,"x":1}}]"#);
    table.show(1, r#"[{"a":{"x":2}}]"#);
    assert_eq!(table.refused, [], "each client has its own share");

    table.show(1, r#"[{"a":{"x":22}}]"#);
    assert_eq!(table.refused, [(1, RefusalCode::PresenceTooLarge)]);
    table.show(2, r#"[{"a":{"_exists":false}},{"b":{"_exists":true}}]"#);
    table.show(2, r#"[{"b":{"y":1}}]"#);
    assert_eq!(table.refused.len(), 1, "what is gone does not count");
    table.show(2, r#"[{"c":{"_exists":true}}]"#);
    assert_eq!(table.refused[1], (2, RefusalCode::PresenceTooLarge));
}

#[test]
fn lm12_a_client_that_comes_back_has_its_share_again() {
    let mut table = room(Quota { presence_bytes: 64 + 1 + (8 + 11), ..Quota::NONE });
    table.show(1, r#"[{"a":{"_exists":true}}]"#);
    table.leave(1);
    table.join(1, "alice");

    table.show(1, r#"[{"b":{"_exists":true}}]"#);

    assert_eq!(table.refused, []);
}

#[test]
fn lm13_what_makes_a_room_smaller_is_not_refused_though_it_is_over_a_limit() {
    let quota = Quota {
        fields: 1,
        component_bytes: 1,
        document_bytes: 1,
        components: 1,
        presence_bytes: 1,
    };
    let mut table = room(quota);
    let all =
        r#"[{"a":{"_exists":true,"x":12,"y":"12"},"b":{"_exists":true},"c":{"_exists":true}}]"#;
    table.room.edit_unlimited(all.as_bytes()).unwrap();

    accepts(&mut table, r#"[{"a":{"x":1}}]"#);
    accepts(&mut table, r#"[{"a":{"x":3}}]"#);
    accepts(&mut table, r#"[{"a":{"x":45,"y":1}}]"#);
    accepts(&mut table, r#"[{"b":{"_exists":false}}]"#);
    refuses(&mut table, r#"[{"a":{"x":"longer"}}]"#, RefusalCode::ComponentTooLarge);
    accepts(&mut table, r#"[{"a":{"_exists":false}}]"#);
    refuses(&mut table, r#"[{"unseen":{"_exists":false}}]"#, RefusalCode::ComponentTooLarge);
}

#[test]
fn lm14_what_a_room_accepted_loads_again_under_its_limits() {
    // An array in the form of numbers, whose text is longer.
    let quota = Quota {
        component_bytes: 1 + 11 + 1 + 24 + 16,
        document_bytes: 65 + 19 + 9 + 24 + 16,
        fields: 2,
        components: 1,
        ..Quota::NONE
    };
    let mut table = room(quota);
    accepts(
        &mut table,
        r#"[{"a":{"_exists":true,"x":{"__buf":1,"len":2,"runs":[[0,[-0.12345678901234567,1e-7]]]}}}]"#,
    );
    let snapshot = table.snapshot();

    let mut again = room(quota);
    again.room.restore(snapshot.as_bytes()).unwrap();

    assert_eq!(again.snapshot(), snapshot);
    assert!(again.room.document_bytes() <= table.room.document_bytes());
}

#[test]
fn lm15_what_is_loaded_is_held_to_the_limits_of_what_a_room_may_hold() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let component = |fields: &str| {
        format!(
            r#"{{"timestamp":1,"state":{{"a":{{"_exists":true,{fields}}}}},"timestamps":{{}}}}"#
        )
    };
    let limits = Limits {
        depth: 10,
        name_bytes: 10,
        quota: Quota {
            fields: 3,
            component_bytes: 1_000,
            document_bytes: 1_500,
            components: 2,
            presence_bytes: 1,
        },
        ..Limits::default()
    };
    let many = |count: usize| {
        let all: Vec<_> = (0..count).map(|n| format!(r#""{n}":{{"_exists":true}}"#)).collect();
        format!(r#"{{"timestamp":1,"state":{{{}}},"timestamps":{{}}}}"#, all.join(","))
    };
    let long = |bytes: usize| format!(r#""x":"{}""#, "x".repeat(bytes - 2));
    let two = |bytes: usize| {
        component(&long(800)).replace(r#""a":{"#, &format!(r#""b":{{{}}},"a":{{"#, long(bytes)))
    };
    for (fits, over, code) in [
        (
            component(&format!(r#""x":{}"#, nested(7))),
            component(&format!(r#""x":{}"#, nested(8))),
            "too-deep",
        ),
        (component(r#""1234567890":1"#), component(r#""12345678901":1"#), "name-too-long"),
        (component(r#""x":1,"y":1"#), component(r#""x":1,"y":1,"z":1"#), "too-many-fields"),
        (component(&long(987)), component(&long(988)), "component-too-large"),
        (two(1_500 - 74 - 93 - 800), two(1_501 - 74 - 93 - 800), "document-too-large"),
        (many(2), many(3), "too-many-components"),
        (many(1), component(&format!(r#""x":{}"#, nested(10_000))), "too-deep"),
    ] {
        let mut table = Table::with_limits(limits);
        let error = table.room.restore(over.as_bytes()).unwrap_err();
        assert_eq!(error.refusal().map(RefusalCode::as_str), Some(code), "{error}");
        assert_eq!(table.room.census(), (0, 0));
        table.room.restore(fits.as_bytes()).unwrap();
    }
}

#[test]
fn lm6_the_deltas_of_both_lists_share_what_a_frame_may_add() {
    let delta = |len: usize| {
        format!(r#"[{{"a":{{"_exists":true,"x":{{"__buf":1,"len":{len},"runs":[]}}}}}}]"#)
    };
    let frame = |document: usize, presence: usize| {
        format!(
            r#"{{"type":"patch","messageId":"m","documentPatches":{},"ephemeralPatches":{}}}"#,
            delta(document),
            delta(presence)
        )
    };
    let share = 65_536 + 64 * frame(50_000, 20_000).len();
    let mut table = Table::with(&["alice"]);

    table.receive(1, frame(50_000, share - 50_000 + 1));
    assert_eq!(table.refused, [(1, RefusalCode::BufferTooLarge)]);
    table.join(1, "alice");
    table.forget();
    table.receive(1, frame(50_000, share - 50_000));
    assert_eq!(table.refused, []);
}

#[test]
fn lm16_whoever_owns_the_room_is_told_what_was_refused_and_then_that_it_closes() {
    let mut table = Table::with(&["alice"]);

    let deliveries = table.room.receive(1, b"null").unwrap();

    let told: Vec<_> = deliveries.iter().map(|delivery| format!("{delivery:?}")).collect();
    assert!(told[0].starts_with("Send(1"));
    assert_eq!(told[1..3], ["Refused(1, BadFrame)", "Close(1, FrameRefused)"]);
}

#[test]
fn the_defaults_are_those_that_no_honest_client_meets() {
    let Quota { fields, component_bytes, document_bytes, components, presence_bytes } =
        Limits::default().quota;

    assert_eq!((fields, components), (10_000, 1_000_000), "LM8, LM11");
    assert_eq!((component_bytes, document_bytes, presence_bytes), (16 << 20, 1 << 30, 1 << 20));
}
