//! SPEC.md section 14.

use heddle::{
    engine::{CloseReason, SessionId},
    protocol::{canvas::Decoding, json::from_utf16},
};

use super::table::{Asked, Table};

/// Alice speaks version 2, old bob version 1, and `a.points` is `[1,2,3]`.
fn mixed_room() -> Table {
    let mut table = Table::with(&["alice", "bob"]);
    table.patch(1, r#"[{"a":{"_exists":true,"points":[1,2,3]}}]"#);
    table.receive(2, r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":1}"#);
    table.forget();
    table
}

#[test]
fn cv1_version_1_gets_whole_arrays_for_deltas() {
    let mut table = mixed_room();

    table.patch(1, r#"[{"a":{"points":{"__buf":1,"len":3,"runs":[[0,[9]]]},"x":1}}]"#);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{"points":[9,2,3],"x":1}}],"timestamp":2}"#
        ]
    );

    table.show(1, r#"[{"c":{"_exists":true,"t":{"__buf":1,"len":1,"runs":[]}}}]"#);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","ephemeralPatches":[{"c":{"_exists":true,"t":[0]}}]}"#
        ]
    );
}

#[test]
fn cv1_version_1_sees_where_a_whole_frame_led() {
    let mut table = mixed_room();

    table.patch(1, r#"[{"a":{"points":{"__buf":1,"len":1,"runs":[]}},"ghost":{"p":{"__buf":1,"len":2,"runs":[[1,[4]]]}}},{"a":{"points":{"__buf":1,"len":2,"runs":[[1,[8]]]}}}]"#);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{},"ghost":{}},{"a":{"points":[1,8]}}],"timestamp":2}"#
        ]
    );

    table.patch(1, r#"[{"a":{"points":{"__buf":1,"len":1,"runs":[]}}},{"a":{"_exists":false}}]"#);
    assert_eq!(
        table.sent(2),
        [
            r#"{"type":"patch","clientId":"alice","documentPatches":[{"a":{}},{"a":{"_exists":false}}],"timestamp":3}"#
        ]
    );
}

/// A frame of 100,000 deltas of 50 bytes, each of which was answered with the 2 MB that its array takes, made the
/// process write 200 GB.
#[test]
fn cv1_ab3_an_array_is_spelled_out_once_however_often_a_frame_changes_it() {
    let mut table = mixed_room();
    let delta = r#"{"a":{"points":{"__buf":1,"len":3,"runs":[[0,[9]]]}}}"#;

    table.patch(1, &format!("[{}]", vec![delta; 100].join(",")));

    let [sent] = &table.sent(2)[..] else { panic!("one broadcast") };
    assert_eq!(sent.matches("[9,2,3]").count(), 1);
}

/// The sessions that were closed, and why.
fn closed(table: &Table) -> Vec<(SessionId, CloseReason)> {
    let closed = table.asked.iter().filter_map(|asked| {
        let Asked::Close(session, reason) = asked else { return None };
        Some((*session, *reason))
    });
    closed.collect()
}

/// 13 KB of deltas over the arrays of a large document are gigabytes of text, and no string of a runtime.
#[test]
fn cv9_version_1_is_closed_before_too_much_is_spelled_out_for_it() {
    let mut table = Table::with(&["alice", "bob", "carol", "dave"]);
    let array = format!("[{}0]", "0,".repeat((1 << 20) - 1));
    for key in 0..5 {
        table.patch(1, &format!(r#"[{{"{key}":{{"_exists":true,"p":{array}}}}}]"#));
    }
    for session in [2, 3] {
        table.receive(session, r#"{"type":"reconnect","lastTimestamp":5,"protocolVersion":1}"#);
    }
    table.forget();
    let delta = |key: &i32| format!(r#"{{"{key}":{{"p":{{"__buf":1,"len":1048576,"runs":[]}}}}}}"#);
    let deltas = |keys: &[i32]| keys.iter().map(delta).collect::<Vec<_>>().join(",");

    table.patch(1, &format!("[{}]", deltas(&[0, 1, 2, 3, 3, 2, 1, 0])));
    assert_eq!(closed(&table), [], "4,194,304 numbers are not too many");
    assert!(table.sent(2).concat().len() > 8 << 20);
    table.forget();

    table.patch(2, &format!("[{}]", deltas(&[0, 1, 2, 3, 4])));

    assert_eq!(closed(&table), [(3, CloseReason::TooSlow)]);
    assert!(table.sent(2).concat().contains(r#""type":"ack""#), "its sender knows what it did");
    assert!(table.sent(4).concat().contains("__buf"), "version 2 reads what was sent");
    table.join(5, "carol");
    table.forget();
    table.receive(5, r#"{"type":"reconnect","lastTimestamp":6,"protocolVersion":1}"#);
    table.walk(5);
    assert!(table.sent(5).len() > 1, "in pieces");
    table.forget();

    table.patch(1, &format!("[{}]", deltas(&[0, 1, 2, 3, 4])));
    let both = [2, 5].map(|session| (session, CloseReason::TooSlow));
    assert_eq!(closed(&table), both, "whoever sends it");
}

#[test]
fn cv1_frames_without_deltas_are_the_same_for_both_versions() {
    let mut table = mixed_room();
    table.join(3, "carol");
    table.forget();

    table.patch(1, r#"[{"a":{"x":1}}]"#);

    assert_eq!(table.sent(2), table.sent(3));
}

#[test]
fn cv1_version_1_may_write_and_may_come_back_as_version_2() {
    let mut table = mixed_room();

    table.patch(2, r#"[{"a":{"x":1}}]"#);
    assert_eq!(table.sent(2), [r#"{"type":"ack","messageId":"m","timestamp":2}"#]);

    table.reconnect(2, 2);
    table.forget();
    table.patch(1, r#"[{"a":{"points":{"__buf":1,"len":0,"runs":[]}}}]"#);
    assert!(table.sent(2).concat().contains("__buf"));
}

#[test]
fn cv2_any_other_version_is_a_mismatch_and_nothing_else() {
    for version in [
        "",
        r#","protocolVersion":null"#,
        r#","protocolVersion":"2""#,
        r#","protocolVersion":3"#,
        r#","protocolVersion":0"#,
        r#","protocolVersion":2.5"#,
        r#","protocolVersion":[2]"#,
    ] {
        let mut table = mixed_room();
        table.receive(
            2,
            format!(r#"{{"type":"reconnect","lastTimestamp":0{version},"documentPatches":[{{"b":{{"_exists":true}}}}]}}"#),
        );
        assert_eq!(
            table.sent(2),
            [r#"{"type":"version-mismatch","serverProtocolVersion":2}"#],
            "{version}"
        );
        assert_eq!((table.room.clock(), table.asked.len()), (1, 0));
    }
}

#[test]
fn cv2_the_version_is_a_number_however_it_is_written() {
    for version in ["2", "2.0", "2e0", "1.0"] {
        let mut table = mixed_room();
        table.receive(
            2,
            format!(r#"{{"type":"reconnect","lastTimestamp":1,"protocolVersion":{version}}}"#),
        );
        assert_eq!(table.sent(2), [r#"{"type":"synced","timestamp":1}"#]);
    }
}

#[test]
fn cv3_after_a_mismatch_a_session_is_mute_until_a_good_reconnect() {
    let mut table = mixed_room();
    table.receive(2, r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":3}"#);
    table.forget();

    table.patch(1, r#"[{"a":{"x":1}}]"#);
    table.show(1, r#"[{"c":{"_exists":true}}]"#);
    table.join(3, "carol");
    table.patch(2, r#"[{"a":{"x":2}}]"#);
    table.receive(2, "not json");
    assert_eq!(table.sent(2), [""; 0]);
    assert_eq!(table.room.clock(), 2, "what it sends is not applied");
    assert!(!table.asked.contains(&Asked::Close(2, CloseReason::FrameRefused)));

    table.receive(2, r#"{"type":"auth-refresh","token":"t"}"#);
    assert!(table.asked.contains(&Asked::Verify(2, 1, r#""t""#.into())));

    table.reconnect(2, 1);
    table.patch(1, r#"[{"a":{"x":3}}]"#);
    assert_eq!(table.sent(2).len(), 3, "catch-up, synced and the next broadcast");
}

#[test]
fn cv4_of_duplicate_names_the_last_wins_at_every_level() {
    let mut table = Table::with(&["alice", "bob"]);

    table.receive(
        1,
        concat!(
            r#"{"type":"reconnect","messageId":"x","documentPatches":[7],"type":"patch","messageId":"m","#,
            r#""documentPatches":[{"a":7,"b":{"_exists":false},"a":{"_exists":5,"x":1,"x":{"n":1,"n":2},"_exists":true}}]}"#
        ),
    );

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":1}"#]);
    assert_eq!(
        table.sent(2),
        [concat!(
            r#"{"type":"patch","clientId":"alice","documentPatches":"#,
            r#"[{"b":{"_exists":false},"a":{"x":{"n":2},"_exists":true}}],"timestamp":1}"#
        )]
    );
}

#[test]
fn cv5_numbers_become_what_json_stringify_makes_of_them() {
    let mut table = Table::with(&["alice", "bob"]);

    table.patch(
        1,
        r#"[{"a":{"_exists":true,"v":[1.0,-0,1e400,-1e400,1E2,0.10,12345678901234567890]}}]"#,
    );

    assert!(table.sent(2).concat().contains(r#""v":[1,0,null,null,100,0.1,12345678901234567000]"#));
}

#[test]
fn cv6_any_text_is_a_name_and_round_trips() {
    let names = [
        "__proto__",
        "constructor",
        "",
        r"\u0000",
        r"\ud800",
        "é😀",
        r#"\"\\"#,
        "toString",
        "0",
        "a/b",
    ];
    let fields: Vec<_> = names.iter().map(|name| format!("\"{name}\":\"{name}\"")).collect();
    let component = format!(r#"{{"_exists":true,{}}}"#, fields.join(","));
    let components: Vec<_> = names.iter().map(|name| format!("\"{name}\":{component}")).collect();
    let patch = format!("[{{{}}}]", components.join(","));
    let mut table = Table::with(&["alice", "bob"]);

    table.patch(1, &patch);

    assert!(table.sent(2).concat().contains(&patch), "live");
    table.reconnect(2, 0);
    let catch_up = table.sent(2).concat();
    let snapshot = table.snapshot();
    let mut restored = Table::new();
    restored.room.restore(snapshot.as_bytes()).unwrap();
    for member in &components {
        assert!(catch_up.contains(member), "{member} in {catch_up}");
        assert!(snapshot.contains(member), "{member} in {snapshot}");
    }
    assert_eq!(restored.snapshot(), snapshot);
}

#[test]
fn cv6_names_are_equal_however_they_are_escaped() {
    let mut table = Table::with(&["alice"]);
    table.patch(1, r#"[{"é/\u0041":{"_exists":true,"x":1}}]"#);

    table.patch(1, r#"[{"\u00e9\/A":{"\u0078":2}}]"#);

    assert!(table.snapshot().contains(r#""state":{"é/A":{"_exists":true,"x":2}}"#));
}

#[test]
fn cv6_a_lone_surrogate_of_a_js_string_is_kept_as_its_escape() {
    let mut units: Vec<u16> =
        r#"{"type":"patch","messageId":"m","documentPatches":[{"a":{"_exists":true,"s":""#
            .encode_utf16()
            .collect();
    units.push(0xd83d);
    units.extend(r#""}}]}"#.encode_utf16());
    let mut table = Table::with(&["alice"]);

    table.receive(1, from_utf16(&units));

    assert!(table.snapshot().contains(r#""s":"\ud83d""#));
}

#[test]
fn cv7_what_is_canonical_is_kept_to_the_byte() {
    let value = r#"{"z":1,"a":[1.5,"é😀\n\u0000/",null,{"2":true,"1":false}]}"#;
    let mut table = Table::with(&["alice"]);

    table.patch(1, &format!(r#"[{{"k":{{"_exists":true,"v":{value}}}}}]"#));

    assert!(table.snapshot().contains(value));
}

#[test]
fn cv7_what_is_not_canonical_is_rewritten() {
    let mut table = Table::with(&["alice", "bob"]);

    table.receive(
        1,
        " { \"type\" : \"patch\" ,\n \"messageId\" : \"\\u006d\" , \"documentPatches\" : [ { \"a\" : { \"_exists\" : true , \"s\" : \"\\/\" } } ] } ",
    );

    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":1}"#]);
    assert!(
        table.sent(2).concat().contains(r#""documentPatches":[{"a":{"_exists":true,"s":"/"}}]"#)
    );
}

#[test]
fn cv7_both_ways_of_decoding_lead_to_the_same_room() {
    let frames = [
        r#"{"type":"patch","messageId":"1","documentPatches":[{"a":{"_exists":true,"x":1.5,"points":[1,2]},"b":{"_exists":true}}]}"#,
        r#"{"type":"patch","messageId":"2","documentPatches":[{"a":{"points":{"__buf":1,"len":3,"runs":[[1,[0.1,7]]]}}}]}"#,
        r#"{"type":"patch","messageId":"3","documentPatches":[{"a":{ "x" : 1.0 }}],"ephemeralPatches":[{"c":{"_exists":true}}]}"#,
        r#"{"type":"patch","messageId":"4","documentPatches":[{"b":{"_exists":false},"nobody":{"x":"\n"}}]}"#,
        r#"{"type":"patch","documentPatches":[{"b":{"x":1,"x":2}}],"messageId":"5","news":1}"#,
        r#"{"type":"patch","messageId":"6","documentPatches":[{"a":{"x":{"__buf":1,"len":1,"runs":[]}}}]}"#,
    ];
    let run = |decoding| {
        let mut table = Table::with(&["alice", "bob", "eve"]);
        table.room.set_decoding(decoding);
        for frame in frames {
            table.receive(1, frame);
        }
        let snapshot = table.room.snapshot().unwrap().text;
        (table.sent(1), table.sent(2), table.asked, snapshot)
    };

    assert_eq!(run(Decoding::SinglePass), run(Decoding::Careful));
}
