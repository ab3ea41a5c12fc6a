//! Arrays of numbers under deltas, sound and not.

use super::{choices::Choices, json::parse};
use heddle::{
    engine::{Access, Delta, Input},
    server::{Delivery, Room, groups},
};
use serde_json::Value;

const NUMBERS: [&str; 8] =
    ["0", "1", "-1", "0.5", "1e21", "5e-324", "255", "1.7976931348623157e308"];

/// What stands where a delta wants an integer.
const NO_INTEGERS: [&str; 9] = ["-1", "0.5", "null", "\"1\"", "[]", "true", "{}", "1e-7", "1e400"];

/// What does not happen with so many will not happen with more.
const MAX_DELTAS: usize = 12;

/// A viewer of version 1, which gets whole arrays.
const OLD: u64 = 7;

/// Writes an array and deltas into a room, and compares with their definition.
pub fn buffer_delta(data: &[u8]) {
    let mut choices = Choices::new(data);
    apply_directly(&mut choices);
    let mut room = Room::new(false).unwrap();
    let joined =
        Input::Joined { session: OLD, client: b"old", access: Access::ReadOnly, held: false };
    room.handle(joined).unwrap();
    room.receive(OLD, br#"{"type":"reconnect","lastTimestamp":0,"protocolVersion":1}"#).unwrap();
    room.edit(br#"[{"a":{"_exists":true}}]"#).unwrap();

    let mut model: Vec<f64> = Vec::new();
    for _ in 0..MAX_DELTAS {
        if !choices.are_left() {
            break;
        }
        let (text, delta) = text_of(&mut choices);
        let expected = delta.as_ref().map(|delta| by_definition(&model, delta));
        let before = room.snapshot().unwrap().text;
        match (room.edit(format!(r#"[{{"a":{{"p":{text}}}}}]"#).as_bytes()), expected) {
            (Ok(deliveries), Some(expected)) => {
                model = expected;
                assert_eq!(shown_to_old(&deliveries), model, "{text}");
            }
            (Err(refused), None) => {
                assert!(refused.to_string().contains("(b"), "{refused}: {text}");
                assert_eq!(
                    room.snapshot().unwrap().text,
                    before,
                    "a refused delta changed the room"
                );
            }
            (Ok(_), None) => panic!("accepted: {text}"),
            (Err(refused), Some(_)) => panic!("{refused}: {text}"),
        }
        let snapshot = parse(&room.snapshot().unwrap().text);
        let stored = &snapshot["state"]["a"]["p"];
        assert_eq!(numbers(stored), model);
    }
}

/// The JSON text of a delta, and what it says when it is sound.
fn text_of(choices: &mut Choices<'_>) -> (String, Option<Delta>) {
    let mut delta = Some(Delta::default());
    let end = choices.one_of(&[8, 64, 64, 1_500]);
    let len = integer(choices, end, &mut delta, |delta, len| delta.len = len);
    let mut runs: Vec<String> = Vec::new();
    for run in 0..choices.below(4) {
        let offset =
            integer(choices, end + 9, &mut delta, |delta, offset| delta.runs.push((offset, 0)));
        let list: Vec<&str> = (0..choices.below(6)).map(|_| choices.one_of(&NUMBERS)).collect();
        if let Some(delta) = &mut delta {
            delta.runs[run].1 = list.len();
            delta.numbers.extend(list.iter().map(|text| text.parse::<f64>().unwrap()));
        }
        runs.push(format!("[{offset},[{}]]", list.join(",")));
    }
    let (more, is_sound) = choices.one_of(&[
        ("", true),
        ("", true),
        ("", true),
        ("[0]", false),
        ("[0,[],0]", false),
        ("[0,[null]]", false),
        ("[0,[\"1\"]]", false),
        ("0", false),
    ]);
    runs.extend((!more.is_empty()).then(|| more.to_owned()));
    let text = format!(r#"{{"__buf":1,"len":{len},"runs":[{}]}}"#, runs.join(","));
    (text, delta.filter(|_| is_sound))
}

fn integer(
    choices: &mut Choices<'_>,
    end: usize,
    delta: &mut Option<Delta>,
    set: impl FnOnce(&mut Delta, usize),
) -> String {
    if choices.once_in(16) {
        *delta = None;
        return choices.one_of(&NO_INTEGERS).to_owned();
    }
    let number = choices.below(end);
    if let Some(delta) = delta {
        set(delta, number);
    }
    number.to_string()
}

fn by_definition(array: &[f64], delta: &Delta) -> Vec<f64> {
    let mut result: Vec<f64> =
        (0..delta.len).map(|at| array.get(at).copied().unwrap_or(0.0)).collect();
    let mut numbers = delta.numbers.iter();
    for (offset, count) in &delta.runs {
        for (step, number) in numbers.by_ref().take(*count).enumerate() {
            if let Some(slot) = result.get_mut(offset + step) {
                *slot = *number;
            }
        }
    }
    result
}

fn shown_to_old(deliveries: &[Delivery]) -> Vec<f64> {
    let text = deliveries.iter().find_map(|delivery| {
        let Delivery::Broadcast(to, _, text) = delivery else { return None };
        (to & groups::WHOLE_ARRAYS != 0).then_some(text)
    });
    numbers(&parse(text.unwrap())["documentPatches"][0]["a"]["p"])
}

fn numbers(json: &Value) -> Vec<f64> {
    // A field that never was is no array yet.
    let Some(list) = json.as_array() else { return Vec::new() };
    list.iter().map(|number| number.as_f64().unwrap()).collect()
}

/// The engine's own function, with runs that no frame could ask for.
fn apply_directly(choices: &mut Choices<'_>) {
    let mut array: Vec<f64> = choices.bytes(16).iter().map(|byte| f64::from(*byte)).collect();
    let offsets = [0, 1, 7, 1_000, usize::MAX, usize::MAX / 2];
    let counts = [0, 1, 3, 200, usize::MAX];
    let delta = Delta {
        len: choices.below(64),
        runs: (0..choices.below(4))
            .map(|_| (choices.one_of(&offsets), choices.one_of(&counts)))
            .collect(),
        numbers: choices.bytes(16).iter().map(|byte| f64::from(*byte)).collect(),
    };
    delta.apply(&mut array);
    assert_eq!(array.len(), delta.len);
}
