//! The one pass gives what the careful way gives, or nothing.

use proptest::prelude::*;

use super::{
    super::{FrameText, decode_frame},
    *,
};
use crate::engine::Frame;

/// Into parts that hold what the one pass has left there.
fn careful(bytes: &[u8], limits: &Limits) -> String {
    let text = FrameText::read(bytes, limits);
    let mut parts = FrameParts::default();
    let _is_usual = decode_usual(bytes, limits, &mut parts);
    format!("{:?}", decode_frame(&text, limits, &mut parts))
}

fn usual(bytes: &[u8], limits: &Limits) -> Option<String> {
    let mut parts = FrameParts::default();
    decode_usual(bytes, limits, &mut parts).then(|| format!("{:?}", parts.patch()))
}

fn is_usual(frame: &str) -> bool {
    let limits = Limits::default();
    let decoded = usual(frame.as_bytes(), &limits);
    assert!(decoded.is_none() || decoded == Some(careful(frame.as_bytes(), &limits)));
    decoded.is_some()
}

#[test]
fn cv7_what_clients_send_is_read_in_one_pass() {
    for frame in [
        r#"{"type":"patch","messageId":"m1","documentPatches":[{"a":{"x":412.5,"y":-1e-7}}]}"#,
        r#"{"type":"patch","ephemeralPatches":[{"SINGLETON/cursor":{"_exists":true,"at":[1,{"b":"\n\ud800é😀"}]}}],"messageId":"m2"}"#,
        r#"{"type":"patch","messageId":"","documentPatches":[],"ephemeralPatches":[{},{"":{}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"p":{"__buf":1,"len":9,"runs":[[0,[0.1,318.48497350352034,-2]],[7,[]]]}}}]}"#,
        r#"{"type":"patch"}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x":1,"y":2},"b":{"x":1,"y":2,"z":3},"c":{"x":1,"z":2,"y":3}},{"a":{"y":0}}]}"#,
    ] {
        assert!(is_usual(frame), "{frame}");
    }
}

#[test]
fn cv7_what_is_loose_unknown_or_refused_is_left_to_the_careful_way() {
    for frame in [
        r#"{"type":"patch","documentPatches":[{"a":{"x":1.0}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x": 1}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x":"\/"}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x":1,"x":2}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{},"a":{}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x":1,"y":2},"b":{"x":1,"x":2}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x":1,"y":2},"b":{"x":1,"y":2,"x":3}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"x":{"y":{"z":1,"z":2}}}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"p":{"len":0,"__buf":1,"runs":[]}}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"p":{"__buf":1,"len":4000000000,"runs":[]}}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"p":{"__buf":1,"len":-1,"runs":[]}}}]}"#,
        r#"{"type":"patch","documentPatches":[{"a":{"_exists":null}}]}"#,
        r#"{"type":"patch","documentPatches":null}"#,
        r#"{"type":"patch","messageId":7}"#,
        r#"{"type":"patch","news":7}"#,
        r#"{"type":"patch","messageId":"a","messageId":"b"}"#,
        r#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}"#,
        r#"{"type":"patch"} "#,
        r#"{"type":"patch""#,
        "{\"type\":\"patch\",\"messageId\":\"\n\"}",
    ] {
        assert!(!is_usual(frame), "{frame}");
    }
    assert_eq!(usual(b"{\"type\":\"patch\",\"messageId\":\"\xff\"}", &Limits::default()), None);
}

/// A frame that writes one component.
fn written(fields: &str) -> String {
    format!(r#"{{"type":"patch","documentPatches":[{{"a/Kind":{fields}}}]}}"#)
}

#[test]
fn cv7_fields_that_are_known_are_read_as_carefully_as_others() {
    let known = r#"{"x":1,"rotation":2,"_exists":true,"a name of many letters":4}"#;
    for fields in [
        known,
        r#"{"x":-0.5,"rotation":"\n","_exists":false,"a name of many letters":[1]}"#,
        r#"{"x":1}"#,
        r#"{"x":1,"rotation":2}"#,
        r#"{"x":1,"y":2}"#,
        r#"{"x":1,"rotations":2}"#,
        r#"{"x":{"__buf":1,"len":1,"runs":[[0,[7]]]},"y":{"__buf":1,"len":2,"runs":[]}}"#,
    ] {
        assert!(is_usual(&written(known)));
        assert!(is_usual(&written(fields)), "{fields}");
    }
    for fields in [
        r#"{"x":1,}"#,
        r#"{"x":1,"rotation":2,}"#,
        r#"{"x":1,"rotation":2,"x":3}"#,
        r#"{"x":1,"rotation":2,"rotation":3}"#,
        r#"{"x":1,"rotation":2,"_exists":7}"#,
        r#"{"x":1.0,"rotation":2}"#,
        r#"{"x":1 ,"rotation":2}"#,
        r#"{"x": 1}"#,
        r#"{"x":1"rotation":2}"#,
    ] {
        assert!(is_usual(&written(known)));
        assert!(!is_usual(&written(fields)), "{fields}");
    }
}

#[test]
fn cv7_a_component_of_many_fields_is_known_as_far_as_it_can_be() {
    let many = |count: usize| {
        let fields: Vec<_> = (0..count).map(|field| format!(r#""f{field}":{field}"#)).collect();
        written(&format!("{{{}}}", fields.join(",")))
    };

    for count in [40, 40, 15, 16, 17, 40, 0, 40] {
        assert!(is_usual(&many(count)), "{count}");
    }
}

#[test]
fn lm3_a_name_that_another_room_allows_is_left_to_the_careful_way() {
    let frame = written(r#"{"width":1}"#);
    let narrow = Limits { name_bytes: 4, ..Limits::default() };

    assert!(is_usual(&frame));
    assert_eq!(usual(frame.as_bytes(), &narrow), None);
}

#[test]
fn lm3_what_is_over_a_limit_is_left_to_the_careful_way() {
    let nested = |depth: usize| {
        format!(
            r#"{{"type":"patch","documentPatches":[{{"a":{{"x":{}{}}}}}]}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let fits = r#"{"type":"patch","documentPatches":[{"ab":{"x":1},"cd":{}}]}"#;
    let limits = Limits { keys: 2, name_bytes: 2, frame_bytes: fits.len(), ..Limits::default() };

    assert!(is_usual(&nested(60)));
    assert!(!is_usual(&nested(61)));
    assert!(usual(fits.as_bytes(), &limits).is_some());
    for narrower in [
        Limits { keys: 1, ..limits },
        Limits { name_bytes: 1, ..limits },
        Limits { frame_bytes: fits.len() - 1, ..limits },
        Limits { depth: 3, ..limits },
    ] {
        assert_eq!(usual(fits.as_bytes(), &narrower), None);
    }
}

/// JSON text, most of it canonical.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(|it| ryu_js::Buffer::new().format(it).to_owned()),
        4 => "-?[0-9]{1,17}(\\.[0-9]{1,17})?(e[+-]?[0-9]{1,3})?",
        4 => "\"[a-z \\\\nu0d8\"é]{0,12}\"",
        2 => Just("true".to_owned()),
        1 => Just("null".to_owned()),
        2 => (0_usize..20, vec_of_numbers()).prop_map(|(len, run)| {
            format!(r#"{{"__buf":1,"len":{len},"runs":[[1,[{run}]],[0,[]]]}}"#)
        }),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            object("[a-c_]{0,2}", inner),
        ]
    })
}

fn vec_of_numbers() -> impl Strategy<Value = String> {
    prop::collection::vec("-?[1-9][0-9]{0,3}(\\.[0-9]{0,14}[1-9])?", 0..5)
        .prop_map(|numbers| numbers.join(","))
}

fn object(
    names: &'static str,
    values: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    prop::collection::vec((names, values), 0..7).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

/// An object that has most names from one list, in its order, so that many have the same.
fn shape() -> impl Strategy<Value = String> {
    let names = vec!["x", "y", "width", "a\\nb", "x", "rotation"];
    (prop::sample::subsequence(names, 3..=6), prop::collection::vec(json(), 6)).prop_map(
        |(names, values)| {
            let members = names.iter().zip(values);
            let members: Vec<String> =
                members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        },
    )
}

fn frame() -> impl Strategy<Value = String> {
    (list(), list()).prop_map(|(document, presence)| {
        format!(
            r#"{{"type":"patch","messageId":"m","documentPatches":[{}],"ephemeralPatches":[{}]}}"#,
            document.join(","),
            presence.join(",")
        )
    })
}

fn list() -> impl Strategy<Value = Vec<String>> {
    let existence = prop_oneof![Just(""), Just("\"_exists\":true,"), Just("\"_exists\":false,")];
    let fields = prop_oneof![object("[a-z]{1,9}", json()), shape()];
    let component = (existence, fields).prop_map(|(existence, fields)| {
        fields.replacen('{', &format!("{{{existence}"), 1).replace(",}", "}")
    });
    let patch = object("[a-z]{1,3}/[A-Z]{1,9}", component);
    prop::collection::vec(patch, 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn cv7_frames_decode_as_the_careful_way_decodes_them(frame in frame()) {
        let limits = Limits::default();
        if let Some(usual) = usual(frame.as_bytes(), &limits) {
            prop_assert_eq!(usual, careful(frame.as_bytes(), &limits));
        } else {
            let text = FrameText::read(frame.as_bytes(), &limits);
            let is_plain = matches!(&text, FrameText::Sound(std::borrow::Cow::Borrowed(_)));
            let mut parts = FrameParts::default();
            let frame_read = decode_frame(&text, &limits, &mut parts);
            let is_refused = matches!(frame_read, Frame::Refused(..));
            prop_assert!(!is_plain || is_refused || frame.contains("__buf") || frame.contains("\"_"));
        }
    }

    #[test]
    fn cv7_frames_of_one_kind_decode_as_the_careful_way_decodes_them(
        components in prop::collection::vec(shape(), 1..9)
    ) {
        let limits = Limits::default();
        for fields in components {
            let frame = written(&fields);
            if let Some(usual) = usual(frame.as_bytes(), &limits) {
                prop_assert_eq!(usual, careful(frame.as_bytes(), &limits));
            }
        }
    }

    #[test]
    fn cv7_frames_with_a_flaw_decode_as_the_careful_way_decodes_them(
        frame in frame(),
        flaws in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<u8>()), 1..4),
    ) {
        let limits = Limits::default();
        let mut bytes = frame.into_bytes();
        for (at, kind, byte) in flaws {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte % 96 + 32),
                _ => { bytes.remove(at); }
            }
        }
        if let Some(usual) = usual(&bytes, &limits) {
            prop_assert_eq!(usual, careful(&bytes, &limits));
        }
    }
}
