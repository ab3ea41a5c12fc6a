//! SPEC.md section 11.

use heddle::engine::CloseReason;

use super::table::{Asked, Table};

fn refused(frame: impl AsRef<[u8]>) -> String {
    let mut table = Table::with(&["mallory", "bob"]);

    table.receive(1, frame);

    assert_eq!(table.asked, [Asked::Close(1, CloseReason::FrameRefused), Asked::Left(1, 1)]);
    assert_eq!(
        table.sent(2),
        [r#"{"type":"clientCount","count":1}"#],
        "nobody else sees any of it"
    );
    assert_eq!(table.room.clock(), 0);
    let sent = table.sent(1);
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.concat()
}

fn accepted(frame: impl AsRef<[u8]>) {
    let mut table = Table::with(&["alice"]);
    table.receive(1, frame);
    assert_eq!(table.sent(1), [r#"{"type":"ack","messageId":"m","timestamp":1}"#]);
}

fn patch(document: &str) -> String {
    format!(r#"{{"type":"patch","messageId":"m","documentPatches":{document}}}"#)
}

#[test]
fn lm1_a_refused_patch_gets_an_error_with_its_message_id_and_no_ack() {
    assert_eq!(
        refused(patch("[[]]")),
        r#"{"type":"error","code":"bad-patch","message":"a patch must be an object","messageId":"m"}"#
    );
}

#[test]
fn lm1_what_is_not_json_is_refused() {
    for frame in
        [&b""[..], b"{", b"undefined", b"\xff\xfe", b"{\"type\":\"patch\"", b"\"\xed\xa0\x80\""]
    {
        let error = refused(frame);
        assert!(error.starts_with(r#"{"type":"error","code":"bad-json","#), "{error}");
    }
}

#[test]
fn lm1_frames_that_are_no_objects_are_refused() {
    for frame in ["null", "[null]", "5", "\"patch\"", "[]", "true"] {
        assert_eq!(
            refused(frame),
            r#"{"type":"error","code":"bad-frame","message":"a frame must be a JSON object"}"#
        );
    }
}

#[test]
fn lm1_malformed_patches_are_refused() {
    for document in [
        "{}",
        "7",
        "\"text\"",
        "true",
        "[null]",
        "[7]",
        "[\"text\"]",
        "[[]]",
        r#"[{"a":null}]"#,
        r#"[{"a":[]}]"#,
        r#"[{"a":"text"}]"#,
        r#"[{"a":{"_exists":null}}]"#,
        r#"[{"a":{"_exists":1}}]"#,
        r#"[{"a":{"_exists":"true"}}]"#,
        r#"[{"a":{"_exists":{}}}]"#,
        r#"[{"a":{}},7]"#,
    ] {
        let error = refused(patch(document));
        assert!(error.starts_with(r#"{"type":"error","code":"bad-patch","#), "{document}: {error}");
    }
}

#[test]
fn lm1_a_token_must_be_a_string() {
    for frame in [r#"{"type":"auth-refresh"}"#, r#"{"type":"auth-refresh","token":7}"#] {
        assert_eq!(
            refused(frame),
            r#"{"type":"error","code":"bad-frame","message":"token must be a string"}"#
        );
    }
}

#[test]
fn lm2_a_frame_may_have_16_mib() {
    let frame = |bytes: usize| {
        let empty = patch(r#"[{"a":{"_exists":true,"s":""}}]"#).len();
        patch(&format!(r#"[{{"a":{{"_exists":true,"s":"{}"}}}}]"#, "x".repeat(bytes - empty)))
    };

    accepted(frame(16 << 20));
    assert_eq!(
        refused(frame((16 << 20) + 1)),
        r#"{"type":"error","code":"frame-too-large","message":"a frame of 16777217 bytes is over the limit of 16777216"}"#
    );
}

#[test]
fn lm3_json_may_be_64_deep() {
    // The frame, the list, the patch and the component are four levels.
    let frame = |depth: usize| {
        patch(&format!(
            r#"[{{"a":{{"_exists":true,"v":{}{}}}}}]"#,
            "[".repeat(depth - 4),
            "]".repeat(depth - 4)
        ))
    };

    accepted(frame(64));
    assert_eq!(
        refused(frame(65)),
        r#"{"type":"error","code":"too-deep","message":"nested deeper than the limit of 64","messageId":"m"}"#
    );
    assert!(refused("[".repeat(10_000)).contains("too-deep"));
}

#[test]
fn lm4_a_frame_may_have_100_000_component_keys() {
    let frame = |document: usize, presence: usize| {
        let keys =
            |count| (0..count).map(|key| format!("\"{key}\":{{}}")).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"type":"patch","messageId":"m","documentPatches":[{{{}}}],"ephemeralPatches":[{{{}}}]}}"#,
            keys(document),
            keys(presence)
        )
    };

    accepted(frame(60_000, 40_000));
    assert!(refused(frame(60_000, 40_001)).contains(r#""code":"too-many-keys""#));
}

#[test]
fn lm5_a_name_may_have_16_kib() {
    let key = |bytes: usize| patch(&format!(r#"[{{"{}":{{"_exists":true}}}}]"#, "k".repeat(bytes)));
    let field =
        |bytes: usize| patch(&format!(r#"[{{"a":{{"_exists":true,"{}":1}}}}]"#, "f".repeat(bytes)));

    accepted(key(16 << 10));
    accepted(field(16 << 10));
    assert!(refused(key((16 << 10) + 1)).contains(r#""code":"name-too-long""#));
    assert!(refused(field((16 << 10) + 1)).contains(r#""code":"name-too-long""#));
}

#[test]
fn lm6_a_buffer_may_have_1_048_576_numbers() {
    // A delta may ask for 64 numbers per byte of its frame and 65,536 more: pad the frame.
    let frame = |len: u64| {
        let padding = "x".repeat(20_000);
        patch(&format!(
            r#"[{{"a":{{"_exists":true,"pad":"{padding}","p":{{"__buf":1,"len":{len},"runs":[]}}}}}}]"#
        ))
    };

    accepted(frame(1 << 20));
    for len in [(1 << 20) + 1, 4_000_000_000, u64::MAX] {
        assert!(refused(frame(len)).contains(r#""code":"buffer-too-large""#));
    }
}

#[test]
fn lm6_a_small_frame_may_not_ask_for_much_but_may_touch_what_is_large() {
    let frame = |len: usize| {
        patch(&format!(r#"[{{"a":{{"_exists":true,"p":{{"__buf":1,"len":{len},"runs":[]}}}}}}]"#))
    };
    let most = 113 * 64 + 65_536;
    assert_eq!(frame(most).len(), 113);

    accepted(frame(most));
    assert!(refused(frame(most + 1)).contains(r#""code":"buffer-too-large""#));

    let mut table = Table::with(&["alice"]);
    table.receive(1, frame(most));
    table.receive(1, frame(most + most));
    table.forget();
    table.receive(1, patch(r#"[{"a":{"p":{"__buf":1,"len":140000,"runs":[[0,[1]]]}}}]"#));
    assert_eq!(
        table.sent(1),
        [r#"{"type":"ack","messageId":"m","timestamp":3}"#],
        "growth counts, not size"
    );
}

#[test]
fn lm6_the_deltas_of_a_frame_are_counted_together_and_where_nothing_is_stored_too() {
    let many = |existence: &str| {
        let deltas: Vec<_> = (0..8)
            .map(|key| {
                format!(r#""k{key}":{{{existence}"p":{{"__buf":1,"len":60000,"runs":[]}}}}"#)
            })
            .collect();
        patch(&format!("[{{{}}}]", deltas.join(",")))
    };

    assert!(refused(many(r#""_exists":true,"#)).contains(r#""code":"buffer-too-large""#));
    assert!(refused(many("")).contains(r#""code":"buffer-too-large""#));
}
