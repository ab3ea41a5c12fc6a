//! Frames that clients might send, made by chance.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*, sample::select};

const KEYS: [&str; 3] = ["a/Shape", "b/Shape", "SINGLETON/Page"];
const FIELDS: [&str; 3] = ["x", "label", "points"];

/// The patches of one frame, in order.
pub type Frame = Vec<BTreeMap<&'static str, Update>>;

/// What one patch says of one component.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// `_exists`, if it is there.
    pub existence: Option<bool>,
    /// The other fields.
    pub fields: BTreeMap<&'static str, Value>,
}

/// A value, as it is sent or as it is held; a delta is only ever sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `true` or `false`
    Bool(bool),
    /// A string.
    Text(String),
    /// An array of numbers.
    Numbers(Vec<i32>),
    /// A buffer delta: the length afterwards, and runs of offset and numbers.
    Delta(usize, Vec<(usize, Vec<i32>)>),
}

impl Value {
    /// What becomes of a field that holds `base`; none when a delta cannot be applied to it (MG9).
    pub fn over(&self, base: Option<&Self>) -> Option<Self> {
        let Self::Delta(length, runs) = self else { return Some(self.clone()) };
        let old = match base {
            None => &[][..],
            Some(Self::Numbers(numbers)) => numbers,
            Some(_) => return None,
        };
        let written = |at: usize| {
            let number =
                |(offset, run): &(usize, Vec<i32>)| run.get(at.checked_sub(*offset)?).copied();
            runs.iter().rev().find_map(number)
        };
        let number = |at: usize| written(at).or_else(|| old.get(at).copied()).unwrap_or(0);
        Some(Self::Numbers((0..*length).map(number).collect()))
    }

    fn json(&self) -> String {
        match self {
            Self::Bool(flag) => flag.to_string(),
            Self::Text(text) => format!("\"{text}\""),
            Self::Numbers(numbers) => format!("{numbers:?}"),
            Self::Delta(length, runs) => {
                let runs: Vec<String> =
                    runs.iter().map(|(offset, run)| format!("[{offset},{run:?}]")).collect();
                format!("{{\"__buf\":1,\"len\":{length},\"runs\":[{}]}}", runs.join(","))
            }
        }
    }
}

/// The JSON text of a frame's list of patches.
pub fn json(frame: &Frame) -> String {
    let update = |(key, update): (&&str, &Update)| {
        let existence = update.existence.map(|exists| format!("\"_exists\":{exists}"));
        let fields =
            update.fields.iter().map(|(name, value)| format!("\"{name}\":{}", value.json()));
        let fields: Vec<String> = existence.into_iter().chain(fields).collect();
        format!("\"{key}\":{{{}}}", fields.join(","))
    };
    let patches = frame.iter().map(|patch| {
        let updates: Vec<String> = patch.iter().map(update).collect();
        format!("{{{}}}", updates.join(","))
    });
    format!("[{}]", patches.collect::<Vec<_>>().join(","))
}

/// Any frame: every kind of update of every key, deltas where they fit and where they do not.
pub fn any_frame() -> impl Strategy<Value = Frame> {
    let update = (
        option::of(any::<bool>()),
        prop::collection::btree_map(select(&FIELDS[..]), any_value(), 0..3),
    )
        .prop_map(|(existence, fields)| Update { existence, fields });
    frame_of(update.boxed())
}

/// A frame of a real client: creations are whole, and only `points` is an array.
pub fn client_frame() -> impl Strategy<Value = Frame> {
    let whole = ("[a-z]{0,2}", "[a-z]{0,2}", numbers()).prop_map(|(x, label, points)| Update {
        existence: Some(true),
        fields: BTreeMap::from([
            ("x", Value::Text(x)),
            ("label", Value::Text(label)),
            ("points", points),
        ]),
    });
    let part = prop_oneof![
        (select(&FIELDS[..2]), text()),
        (Just("points"), prop_oneof![numbers(), delta()]),
    ]
    .prop_map(|(name, value)| Update { existence: None, fields: BTreeMap::from([(name, value)]) });
    let deletion = Just(Update { existence: Some(false), fields: BTreeMap::new() });
    frame_of(prop_oneof![3 => whole, 5 => part, 2 => deletion].boxed())
}

fn frame_of(update: BoxedStrategy<Update>) -> impl Strategy<Value = Frame> {
    vec(prop::collection::btree_map(select(&KEYS[..]), update, 0..3), 1..3)
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![any::<bool>().prop_map(Value::Bool), text(), numbers(), delta()]
}

fn text() -> impl Strategy<Value = Value> {
    "[a-z]{0,2}".prop_map(Value::Text)
}

fn numbers() -> impl Strategy<Value = Value> {
    vec(-9..9, 0..6).prop_map(Value::Numbers)
}

fn delta() -> impl Strategy<Value = Value> {
    (0_usize..8, vec((0_usize..8, vec(-9..9, 0..4)), 0..3))
        .prop_map(|(length, runs)| Value::Delta(length, runs))
}
