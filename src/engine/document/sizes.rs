//! The running size of a document is what a recount gives, and what the quota had reckoned before.

use proptest::{collection::vec, option, prelude::*};

use super::*;
use crate::engine::{Delta, PatchList, Update, Value, quota::array_size};

const KEYS: [&[u8]; 3] = [b"a", b"bb", b"ccc"];

/// Longer than any list of patches here; nobody reads it.
static TEXT: [u8; 1 << 16] = [b' '; 1 << 16];

/// What a test does to a document.
#[derive(Debug, Clone)]
enum Step {
    Change(Vec<Edit>),
    Settle,
    TakeBack,
}

/// An update: key, existence, what becomes of a text field and of an array.
type Edit = (usize, Option<bool>, Option<String>, Option<Array>);

#[derive(Debug, Clone)]
enum Array {
    Text(String),
    Delta(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let array = prop_oneof![
        vec(-9_000..9_000, 0..600).prop_map(|numbers| {
            let numbers: Vec<_> = numbers.iter().map(|number: &i32| number.to_string()).collect();
            Array::Text(format!("[{}]", numbers.join(",")))
        }),
        (0_usize..6).prop_map(Array::Delta),
    ];
    let text = prop_oneof!["\"[a-z]{0,4}\"", "\"[a-z]{1020,1030}\""];
    let edit = (0..KEYS.len(), option::of(any::<bool>()), option::of(text), option::of(array));
    prop_oneof![
        8 => vec(edit, 1..4).prop_map(Step::Change),
        1 => Just(Step::Settle),
        1 => Just(Step::TakeBack),
    ]
}

fn patches(edits: &[Edit]) -> Patches<'_> {
    let mut patches = PatchList { text: &TEXT, count: 1, ..PatchList::default() };
    for (key, existence, text, array) in edits {
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
        let fields = start..patches.fields.len();
        let (key, existence) = (KEYS[*key], *existence);
        patches.updates.push(Update { patch: 0, key, text: b"", existence, fields });
    }
    patches.into()
}

fn recount(document: &Document) -> usize {
    let size = |component: &Component| component.fields().size() + key_size(component.key());
    document.components().iter().map(size).sum()
}

proptest! {
    #[test]
    fn lm10_the_size_is_exact_and_was_reckoned_before(steps in vec(step(), 0..30)) {
        let mut document = Document::new((1, 2));
        document.keep_provisional();

        for step in &steps {
            match step {
                Step::Change(edits) => {
                    let patches = patches(edits);
                    let quota = |document_bytes| Quota { document_bytes, ..Quota::NONE };
                    let before = document.bytes();
                    let mut limit = 0;
                    // What is refused names what it would have come to.
                    if let Err(refusal) = document.check_quota(&patches, &quota(0)) {
                        let mut words = refusal.message.split(' ');
                        limit = words.find_map(|word| word.parse().ok()).unwrap();
                        prop_assert!(document.check_quota(&patches, &quota(limit)).is_ok());
                        prop_assert!(document.check_quota(&patches, &quota(limit - 1)).is_err());
                    }

                    document.apply(&patches);

                    prop_assert!(document.bytes() == limit || document.bytes() <= before);
                }
                Step::Settle => document.settle(document.clock(), false),
                Step::TakeBack => document.take_back(),
            }
            prop_assert_eq!(document.bytes(), recount(&document));
        }
    }
}
