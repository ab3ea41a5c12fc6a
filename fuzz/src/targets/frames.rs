//! Frames built from choices: sound ones, and ones with a flaw.

use super::choices::Choices;

/// Keys and names that a careless server takes for something else, as they stand in JSON text.
const NAMES: [&str; 10] =
    ["a", "b", "c/x", "", "__proto__", "constructor", "\\u0000", "\\ud800", "_exists", "\\u0061"];

const VALUES: [&str; 18] = [
    "1",
    "null",
    "true",
    "\"text\"",
    "[1,2,3]",
    "[]",
    "{}",
    "{\"deep\":[{\"er\":[[]]}]}",
    "1e400",
    "-0",
    "1.0",
    "\"\\ud800\"",
    "{\"__buf\":1,\"len\":3,\"runs\":[[1,[9]]]}",
    "{\"__buf\":1,\"len\":0,\"runs\":[]}",
    "{\"__buf\":1,\"len\":5,\"runs\":[[4,[1,2]],[0,[7]]]}",
    "{\"__buf\":1,\"len\":4000000000,\"runs\":[]}",
    "{\"__buf\":1,\"len\":-1,\"runs\":[]}",
    "{\"__buf\":2,\"len\":1}",
];

/// A frame of any type, sound or not.
pub(super) fn frame(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut text = match choices.below(12) {
        0..=5 => patch(choices),
        6..=8 => reconnect(choices),
        9 => token(choices),
        10 => return choices.bytes(80).to_vec(),
        _ => choices.one_of(&["{}", "null", "[null]", "{\"type\":\"news\"}", "0"]).to_owned(),
    }
    .into_bytes();
    if choices.once_in(10) && !text.is_empty() {
        let at = choices.below(text.len());
        text[at] = choices.byte();
    }
    if choices.once_in(16) {
        text.truncate(choices.below(text.len() + 1));
    }
    text
}

fn patch(choices: &mut Choices<'_>) -> String {
    let id = choices.one_of(&["\"m1\"", "\"m2\"", "null", "7", "{\"a\":[]}", "\"\\ud800\""]);
    format!(r#"{{"type":"patch","messageId":{id}{}}}"#, lists(choices))
}

fn reconnect(choices: &mut Choices<'_>) -> String {
    let since = choices.one_of(&[
        "0",
        "1",
        "2",
        "5",
        "1000",
        "-1",
        "null",
        "1e400",
        "0.5",
        "\"1\"",
        "9007199254740993",
    ]);
    let version = choices.one_of(&["2", "1", "2", "1", "3", "null"]);
    format!(
        r#"{{"type":"reconnect","lastTimestamp":{since},"protocolVersion":{version}{}}}"#,
        lists(choices)
    )
}

fn token(choices: &mut Choices<'_>) -> String {
    let token = choices.one_of(&["\"t\"", "\"\"", "null", "1"]);
    format!(r#"{{"type":"auth-refresh","token":{token}}}"#)
}

fn lists(choices: &mut Choices<'_>) -> String {
    let mut lists = Vec::new();
    if !choices.once_in(4) {
        lists.push(format!(r#","documentPatches":{}"#, patches(choices)));
    }
    if choices.once_in(3) {
        lists.push(format!(r#","ephemeralPatches":{}"#, patches(choices)));
    }
    lists.concat()
}

/// A list of patches.
pub(super) fn patches(choices: &mut Choices<'_>) -> String {
    if choices.once_in(24) {
        return choices
            .one_of(&["null", "[]", "[null]", "{}", "[[]]", "[{\"a\":null}]"])
            .to_owned();
    }
    let list: Vec<String> = (0..=choices.below(3)).map(|_| one_patch(choices)).collect();
    format!("[{}]", list.join(","))
}

fn one_patch(choices: &mut Choices<'_>) -> String {
    let members: Vec<String> = (0..=choices.below(3))
        .map(|_| format!(r#""{}":{}"#, choices.one_of(&NAMES), component(choices)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn component(choices: &mut Choices<'_>) -> String {
    let mut members = Vec::new();
    match choices.below(8) {
        0..=2 => members.push("\"_exists\":true".to_owned()),
        3 => members.push("\"_exists\":false".to_owned()),
        _ => {}
    }
    for _ in 0..choices.below(4) {
        // More often a name that merges than one that creates by accident.
        let name = choices.one_of(&NAMES);
        members.push(format!(r#""{name}":{}"#, choices.one_of(&VALUES)));
    }
    format!("{{{}}}", members.join(","))
}
