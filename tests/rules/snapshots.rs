//! The form in which rooms are stored (DU7, DU10, ST10).

use super::table::Table;

const DRAWING: &str = concat!(
    r#"{"timestamp":7,"state":{"a":{"_exists":true,"x":1,"p":[1,2]},"b":{"_exists":false}},"#,
    r#""timestamps":{"a":{"_exists":2,"x":7,"p":3},"b":{"_exists":5}}}"#
);

#[test]
fn st10_a_snapshot_comes_back_as_it_was() {
    let mut table = Table::new();

    table.room.restore(DRAWING.as_bytes()).unwrap();

    assert_eq!(table.snapshot(), DRAWING);
    assert_eq!(table.room.clock(), 7);
}

#[test]
fn st10_a_restored_room_goes_on_where_it_was() {
    let mut table = Table::new();
    table.room.restore(DRAWING.as_bytes()).unwrap();
    table.join(1, "alice");
    table.forget();

    table.patch(1, r#"[{"b":{"x":1},"a":{"p":{"__buf":1,"len":3,"runs":[[2,[3]]]}}}]"#);
    table.reconnect(1, 6);

    assert_eq!(
        table.sent(1),
        [
            r#"{"type":"ack","messageId":"m","timestamp":8}"#,
            r#"{"type":"patch","clientId":"","documentPatches":[{"a":{"x":1,"p":[1,2,3]}}],"timestamp":8}"#,
            r#"{"type":"synced","timestamp":8}"#
        ]
    );
}

#[test]
fn st10_snapshots_of_peers_load_as_they_are() {
    for (snapshot, expected) in [
        // Clocks of fields that were deleted with their component, and of components that older peers left out.
        (
            r#"{"timestamp":3,"state":{"a":{"_exists":false}},"timestamps":{"a":{"_exists":3,"x":3},"old":{"_exists":2}}}"#,
            r#"{"timestamp":3,"state":{"a":{"_exists":false}},"timestamps":{"a":{"_exists":3}}}"#,
        ),
        // Written by hand, with white space and members of its own.
        (
            "{ \"version\": 1, \"timestamps\": {}, \"timestamp\": 0,\n \"state\": {} }",
            r#"{"timestamp":0,"state":{},"timestamps":{}}"#,
        ),
    ] {
        let mut table = Table::new();
        table.room.restore(snapshot.as_bytes()).unwrap();
        assert_eq!(table.snapshot(), expected);
    }
}

#[test]
fn du10_fields_without_a_clock_count_as_written_last() {
    let mut table = Table::new();
    table
        .room
        .restore(br#"{"timestamp":4,"state":{"a":{"_exists":true,"x":1},"b":{"y":2}},"timestamps":{"a":{"_exists":1}}}"#)
        .unwrap();
    table.join(1, "alice");
    table.forget();

    table.reconnect(1, 3);

    assert!(table.sent(1).concat().contains(r#""b":{"y":2}"#));
    assert!(table.snapshot().ends_with(r#""timestamps":{"a":{"_exists":1,"x":4},"b":{"y":4}}}"#));
}

#[test]
fn du10_a_new_client_gets_everything_whatever_its_clock() {
    let mut table = Table::new();
    table
        .room
        .restore(br#"{"timestamp":0,"state":{"a":{"_exists":true,"x":1}},"timestamps":{}}"#)
        .unwrap();
    table.join(1, "alice");
    table.forget();

    table.reconnect(1, 0);

    assert!(
        table
            .sent(1)
            .concat()
            .contains(r#""documentPatches":[{"a":{"_exists":true,"x":1}}],"timestamp":0"#)
    );
}

#[test]
fn du7_what_is_no_snapshot_is_refused_and_changes_nothing() {
    let mut table = Table::new();
    table.room.restore(DRAWING.as_bytes()).unwrap();

    for bad in [
        "",
        "null",
        "[]",
        "{}",
        "7",
        "{",
        r#"{"timestamp":1,"state":{}}"#,
        r#"{"timestamp":1,"timestamps":{}}"#,
        r#"{"state":{},"timestamps":{}}"#,
        r#"{"timestamp":-1,"state":{},"timestamps":{}}"#,
        r#"{"timestamp":1.5,"state":{},"timestamps":{}}"#,
        r#"{"timestamp":"1","state":{},"timestamps":{}}"#,
        r#"{"timestamp":9007199254740992,"state":{},"timestamps":{}}"#,
        r#"{"timestamp":1,"state":[],"timestamps":{}}"#,
        r#"{"timestamp":1,"state":{"a":7},"timestamps":{}}"#,
        r#"{"timestamp":1,"state":{"a":null},"timestamps":{}}"#,
        r#"{"timestamp":1,"state":{},"timestamps":[]}"#,
        r#"{"timestamp":1,"state":{"a":{"x":1}},"timestamps":{"a":7}}"#,
        r#"{"timestamp":1,"state":{"a":{"x":1}},"timestamps":{"a":{"x":2}}}"#,
        r#"{"timestamp":1,"state":{"a":{"x":1}},"timestamps":{"a":{"x":-1}}}"#,
        r#"{"timestamp":1,"state":{"a":{"x":1}},"timestamps":{"a":{"x":"1"}}}"#,
    ] {
        assert!(table.room.restore(bad.as_bytes()).is_err(), "{bad}");
        assert_eq!(table.snapshot(), DRAWING);
    }
    assert!(table.room.restore(b"\xff").is_err());
    assert!(table.room.restore("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn du5_a_snapshot_is_a_copy() {
    let mut table = Table::new();
    table.room.restore(DRAWING.as_bytes()).unwrap();
    let copy = table.room.snapshot().unwrap();

    table.edit(r#"[{"a":{"x":9}}]"#).unwrap();

    assert_eq!((copy.clock, &**copy.text), (7, DRAWING.as_bytes()));
}

/// More than is written at a time.
fn large() -> String {
    let part =
        |value: &dyn Fn(usize) -> String| (0..20_000).map(value).collect::<Vec<_>>().join(",");
    let state = part(&|n| format!(r#""c{n}":{{"_exists":true,"x":{n},"text":"some text"}}"#));
    let clocks = part(&|n| format!(r#""c{n}":{{"_exists":1,"x":1,"text":1}}"#));
    format!(r#"{{"timestamp":1,"state":{{{state}}},"timestamps":{{{clocks}}}}}"#)
}

/// Goes on with a snapshot to its end, with a call before each step. Gives its clock and text, and how many steps there were.
fn finish(
    table: &mut Table,
    mut meanwhile: impl FnMut(&mut Table, usize),
) -> Option<(u64, String, usize)> {
    let mut step = 1;
    loop {
        meanwhile(table, step);
        if let Some(snapshot) = table.room.continue_snapshot().ok()? {
            let text = String::from_utf8(snapshot.text.to_vec()).ok()?;
            return Some((snapshot.clock, text, step));
        }
        step += 1;
    }
}

#[test]
fn du32_a_large_snapshot_is_written_in_steps_and_is_of_one_clock() {
    let mut table = Table::new();
    table.room.restore(large().as_bytes()).unwrap();

    assert!(table.room.begin_snapshot().unwrap().is_none());
    let (clock, text, steps) = finish(&mut table, |table, step| {
        for key in [0, step, 300 * step, 19_999 - step, 20_000 + step] {
            table
                .edit(&format!(r#"[{{"c{key}":{{"_exists":true,"x":-1,"new":[{step}]}}}}]"#))
                .unwrap();
            table.edit(&format!(r#"[{{"c{}":{{"_exists":false}}}}]"#, key + 7)).unwrap();
        }
    })
    .unwrap();

    assert!(text == large(), "what was edited meanwhile is not in it");
    assert_eq!(clock, 1);
    assert!((3..20).contains(&steps), "{steps}");
    let (_, after, _) = {
        table.room.begin_snapshot().unwrap();
        finish(&mut table, |_, _| {}).unwrap()
    };
    assert!(after == table.snapshot(), "the next one has it all");
}

#[test]
fn du32_a_small_snapshot_is_written_at_once() {
    let mut table = Table::new();
    table.room.restore(DRAWING.as_bytes()).unwrap();

    let snapshot = table.room.begin_snapshot().unwrap().unwrap();

    assert_eq!((snapshot.clock, &**snapshot.text), (7, DRAWING.as_bytes()));
}

#[test]
fn du32_of_a_document_that_was_replaced_it_is_begun_anew() {
    let mut table = Table::new();
    table.room.restore(large().as_bytes()).unwrap();

    assert!(table.room.begin_snapshot().unwrap().is_none());
    table.room.restore(DRAWING.as_bytes()).unwrap();
    let (clock, text, steps) = finish(&mut table, |_, _| {}).unwrap();

    assert_eq!((clock, &*text, steps), (7, DRAWING, 1));
}

#[test]
fn du32_a_snapshot_of_what_is_stored_stays_that_whatever_the_store_does() {
    let mut table = Table::new();
    table.room.restore(large().as_bytes()).unwrap();
    table.room.set_journaled();
    table.join(1, "alice");
    table.patch(1, r#"[{"c5":{"x":-1},"unstored":{"_exists":true}}]"#);
    let batch = table.batch();
    let in_flight: Vec<&[u8]> = batch.iter().map(|(_, _, patches)| patches.as_bytes()).collect();

    assert!(table.room.begin_stored_snapshot(&in_flight).unwrap().is_none());
    let (clock, text, _) = finish(&mut table, |table, step| match step {
        1 => table.patch(1, r#"[{"c19000":{"x":-1},"later":{"_exists":true}}]"#),
        2 => drop(table.room.store_failed().unwrap()),
        3 => drop(table.room.store_recovered().unwrap()),
        _ => table.patch(1, r#"[{"c19001":{"_exists":false}}]"#),
    })
    .unwrap();

    assert!(text == large());
    assert_eq!(clock, 1);
}
