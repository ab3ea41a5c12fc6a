//! What tests do to a document, by chance.

use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::engine::{Delta, Update, Value, quota::array_size};

pub(super) const KEYS: [&[u8]; 3] = [b"a", b"bb", b"ccc"];

/// A value so long that some of them make a component wide, and so short that it stays among the entries.
static LONG: [u8; 600] = [b'7'; 600];

/// Longer than any list of patches here; nobody reads it.
static TEXT: [u8; 1 << 16] = [b' '; 1 << 16];

/// Names of fields enough to make a component wide.
const NAMES: [&str; 4] = ["points", "colours", "shadows", "anchors"];

/// What a test does to a document.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Change(Vec<Edit>),
    Settle,
    TakeBack,
}

/// An update: key, existence, what becomes of a text field, of an array, and of so many others.
pub(super) type Edit = (usize, Option<bool>, Option<String>, Option<Array>, usize);

#[derive(Debug, Clone)]
pub(super) enum Array {
    Text(String),
    Delta(usize),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let array = prop_oneof![
        vec(-9_000..9_000, 0..600).prop_map(|numbers| {
            let numbers: Vec<_> = numbers.iter().map(|number: &i32| number.to_string()).collect();
            Array::Text(format!("[{}]", numbers.join(",")))
        }),
        (0_usize..6).prop_map(Array::Delta),
    ];
    let text = prop_oneof!["\"[a-z]{0,4}\"", "\"[a-z]{1020,1030}\""];
    let others = prop_oneof![8 => Just(0), 1 => 0..=NAMES.len()];
    let existence = option::of(prop::bool::weighted(0.8));
    let edit = (0..KEYS.len(), existence, option::of(text), option::of(array), others);
    prop_oneof![
        8 => vec(edit, 1..4).prop_map(Step::Change),
        1 => Just(Step::Settle),
        1 => Just(Step::TakeBack),
    ]
}

pub(super) fn patches(edits: &[Edit]) -> Patches<'_> {
    let mut patches = Patches { text: &TEXT, count: 1, ..Patches::default() };
    for (key, existence, text, array, others) in edits {
        let start = patches.fields.len();
        let mut push = |name: &'static [u8], value| patches.fields.push(Field { name, value });
        if let Some(exists) = existence {
            push(b"_exists", Value::Json(if *exists { b"true" } else { b"false" }));
        }
        if let Some(text) = text {
            push(b"text", Value::Json(text.as_bytes()));
        }
        match array {
            Some(Array::Text(text)) => push(b"array", Value::Json(text.as_bytes())),
            Some(Array::Delta(len)) => {
                let delta = Delta { len: *len, runs: vec![(0, 1)], numbers: vec![0.5] };
                push(b"array", Value::Delta(b"", Box::new(delta)));
                patches.has_deltas = true;
                patches.arrays += array_size(*len);
            }
            None => {}
        }
        for name in NAMES.iter().take(*others) {
            push(name.as_bytes(), Value::Json(&LONG));
        }
        let fields = start..patches.fields.len();
        let (key, existence) = (KEYS[*key], *existence);
        patches.updates.push(Update { patch: 0, key, text: b"", existence, fields });
    }
    patches
}
