use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::patch::Value;
use super::*;
use crate::engine::buffer::Delta;

fn json<'f>(name: &'f str, value: &'f str) -> Field<'f> {
    Field { name: name.as_bytes(), value: Value::Json(value.as_bytes()) }
}

fn delta(name: &str, len: usize, offset: usize, number: f64) -> Field<'_> {
    let delta = Delta { len, runs: vec![(offset, 1)], numbers: vec![number] };
    Field { name: name.as_bytes(), value: Value::Delta(b"", Box::new(delta)) }
}

fn merged(updates: &[(&[Field<'_>], Clock)]) -> Fields {
    let mut fields = Fields::default();
    for (update, clock) in updates {
        fields.merge(update, *clock, &mut Scratch::default());
    }
    fields
}

fn read(fields: &Fields) -> Vec<(String, Clock, String)> {
    fields
        .iter()
        .map(|(name, clock, content)| {
            let mut text = Vec::new();
            content.write(&mut text);
            (
                String::from_utf8_lossy(name).into_owned(),
                clock,
                String::from_utf8_lossy(&text).into_owned(),
            )
        })
        .collect()
}

#[test]
fn mg1_the_last_write_wins_per_field() {
    let fields =
        merged(&[(&[json("x", "1"), json("y", "2")], 1), (&[json("y", "30"), json("z", "4")], 2)]);

    let expected = [("x", 1, "1"), ("y", 2, "30"), ("z", 2, "4")];
    assert_eq!(
        read(&fields),
        expected.map(|(name, clock, value)| (name.into(), clock, value.into()))
    );
}

#[test]
fn mg7_a_delta_builds_on_text_on_a_delta_and_on_nothing() {
    let fields = merged(&[
        (&[json("a", "[1,2]")], 1),
        (&[delta("a", 3, 2, 9.0), delta("b", 2, 1, 5.0)], 2),
        (&[delta("a", 3, 0, 7.0)], 300),
    ]);

    assert_eq!(fields.get(b"a"), Some(Content::Numbers(&[7.0, 2.0, 9.0])));
    assert_eq!(fields.get(b"b"), Some(Content::Numbers(&[0.0, 5.0])));
}

#[test]
fn mg9_only_arrays_of_numbers_accept_a_delta() {
    let fields = merged(&[(
        &[json("a", "[1]"), json("s", "\"x\""), json("n", "[null]"), delta("d", 3, 0, 1.0)],
        1,
    )]);

    let bases = ["a", "d", "s", "n"].map(|name| fields.base(name.as_bytes()));
    assert_eq!(bases, [Some(1), Some(3), None, None]);
}

#[test]
fn large_values_survive_writes_to_their_neighbours() {
    let large = format!("\"{}\"", "x".repeat(5_000));

    let fields = merged(&[
        (&[json("large", &large), json("x", "1")], 1),
        (&[json("x", "2")], 2),
        (&[json("large", "0")], 3),
        (&[json("large", &large)], 4),
    ]);

    assert_eq!(fields.get(b"large"), Some(Content::Json(large.as_bytes())));
    assert_eq!(fields.get(b"x"), Some(Content::Json(b"2")));
}

/// Something that a test writes into a field.
#[derive(Debug, Clone)]
enum Wanted {
    Text(usize),
    Array(usize),
    Delta { len: usize, offset: usize },
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        4 => (0_usize..60).prop_map(Wanted::Text),
        1 => (1_015_usize..1_030).prop_map(Wanted::Text),
        1 => prop_oneof![0_usize..5, 500_usize..520].prop_map(Wanted::Array),
        3 => (0_usize..8, 0_usize..9).prop_map(|(len, offset)| Wanted::Delta { len, offset }),
    ]
}

/// Fields of these names; a delta is left out where it finds no array.
fn update<'f>(
    wanted: &'f BTreeMap<String, Wanted>,
    texts: &'f BTreeMap<String, String>,
    fields: &Fields,
    number: f64,
) -> Vec<Field<'f>> {
    let field = |(name, wanted): (&'f String, &Wanted)| match wanted {
        Wanted::Delta { len, offset } => {
            fields.base(name.as_bytes()).map(|_| delta(name, *len, *offset, number))
        }
        Wanted::Text(_) | Wanted::Array(_) => Some(json(name, texts.get(name)?)),
    };
    wanted.iter().filter_map(field).collect()
}

fn texts(wanted: &BTreeMap<String, Wanted>) -> BTreeMap<String, String> {
    let text = |wanted: &Wanted| match wanted {
        Wanted::Text(length) => format!("\"{}\"", "x".repeat(*length)),
        Wanted::Array(numbers) => format!("[{}]", vec!["7.5"; *numbers].join(",")),
        Wanted::Delta { .. } => String::new(),
    };
    wanted.iter().map(|(name, wanted)| (name.clone(), text(wanted))).collect()
}

/// Names and values in any order, each name once; few of them more often than many.
fn shuffled() -> impl Strategy<Value = Vec<(String, String)>> {
    let names = "[a-h]{1,2}|[a-c]{3,4}[xy]{0,15}";
    let values = "[0-9]{1,60}";
    let map = prop_oneof![
        3 => prop::collection::btree_map(names, values, 0..8),
        1 => prop::collection::btree_map(names, values, 0..40),
    ];
    map.prop_map(|map| map.into_iter().collect::<Vec<_>>()).prop_shuffle()
}

/// What the fields say of themselves is what a walk over them finds.
fn assert_consistent(fields: &Fields) {
    let sum: usize = fields.iter().map(|(name, ..)| fields.size_of(name).unwrap()).sum();
    assert_eq!(fields.size(), sum);
    assert_eq!(fields.count(), fields.iter().count());
    assert!(fields.size_bound() >= sum && fields.count_bound() >= fields.count());
}

proptest! {
    #[test]
    fn mg1_mg6_merging_equals_a_map(updates in prop::collection::vec(shuffled(), 1..8)) {
        let mut expected: Vec<(String, Clock, String)> = Vec::new();
        let mut fields = Fields::default();
        let mut size = 0;
        for (step, update) in (0..).zip(&updates) {
            // From the shortest to the longest.
            let clock = (1 << (7 * step)) + 1;
            let written: Vec<_> = update.iter().map(|(name, value)| json(name, value)).collect();
            let growth = fields.merge(&written, clock, &mut Scratch::default());
            size = size + growth.added - growth.removed;
            for (name, value) in update {
                let entry = (name.clone(), clock, value.clone());
                match expected.iter_mut().find(|(known, ..)| known == name) {
                    Some(known) => *known = entry,
                    None => expected.push(entry),
                }
            }
        }

        prop_assert_eq!(read(&fields), expected);
        prop_assert_eq!(fields.size(), size);
        assert_consistent(&fields);
    }

    #[test]
    fn du14_writes_are_taken_back_one_by_one(
        writes in prop::collection::vec(
            prop::collection::btree_map("[a-h]{1,2}", wanted(), 1..6), 1..60
        )
    ) {
        let mut fields = Fields::default();
        let mut steps = Vec::new();
        for (clock, wanted) in (1..).zip(&writes) {
            let texts = texts(wanted);
            let update = update(wanted, &texts, &fields, 0.5);
            let before = read(&fields);
            let size = fields.size();
            let (replaced, growth) =
                fields.replace(&update, clock, &mut Scratch::default());
            prop_assert_eq!(fields.size() + growth.removed, size + growth.added);
            assert_consistent(&fields);
            steps.push((replaced, before));
        }
        for (replaced, before) in steps.into_iter().rev() {
            fields.take_back(replaced);
            prop_assert_eq!(read(&fields), before);
            assert_consistent(&fields);
        }
    }
}

const NAMES: [&[u8]; 5] = [b"_exists", b"x", b"a rather long name", b"label", b"list"];

fn written() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![
        15 => "[0-9]{2}|\\[[0-9],[0-9]\\]|\"[a-z]{0,2}\"",
        // As long as each other, but the array is smaller: as numbers it takes less than as text.
        2 => "[0-9]{55}|\"[a-z]{53}\"|\\[1[0-9]{16}(,1[0-9]{16}){2}\\]",
        1 => "\"[a-z]{70}\"",
        1 => "\"[a-z]{1100}\"",
    ])
}

fn named_values(values: &[Option<String>]) -> Vec<Field<'_>> {
    let written = NAMES.into_iter().zip(values).filter_map(|(name, json)| {
        Some(Field { name, value: Value::Json(json.as_ref()?.as_bytes()) })
    });
    written.collect()
}

proptest! {
    #[test]
    fn mg1_mg6_what_is_written_over_is_what_would_be_made_anew(
        writes in prop::collection::vec((prop::collection::vec(written(), 5), 0_u64..300), 1..12),
        undoable in any::<bool>(),
    ) {
        let (mut fields, mut scratch) = (Fields::default(), Scratch::default());
        let mut expected: Vec<(&[u8], Clock, String)> = Vec::new();
        let mut before = Vec::new();

        for (values, clock) in &writes {
            for (name, json) in NAMES.into_iter().zip(values) {
                let Some(json) = json else { continue };
                match expected.iter_mut().find(|(known, ..)| *known == name) {
                    Some(entry) => (entry.1, entry.2) = (*clock, json.clone()),
                    None => expected.push((name, *clock, json.clone())),
                }
            }
            let size = fields.size();
            let update = named_values(values);
            let growth = if undoable {
                let (replaced, growth) = fields.replace(&update, *clock, &mut scratch);
                before.push((replaced, size));
                growth
            } else {
                fields.merge(&update, *clock, &mut scratch)
            };
            prop_assert_eq!(fields.size() + growth.removed, size + growth.added);
        }

        let found = fields.iter().map(|(name, clock, content)| {
            let Content::Json(json) = content else { return (name, clock, String::new()) };
            (name, clock, String::from_utf8_lossy(json).into_owned())
        });
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
        if undoable {
            for (replaced, size) in before.into_iter().rev() {
                fields.take_back(replaced);
                prop_assert_eq!(fields.size(), size);
            }
            prop_assert_eq!(fields.count(), 0);
        }
    }
}

proptest! {
    #[test]
    fn mg7_deltas_lead_to_the_same_in_place_and_beside_what_was(
        deltas in prop::collection::vec(
            (0_usize..2, 0_usize..9, 0_usize..9, prop::collection::vec(any::<i8>(), 0..5)), 1..12
        ),
        first in 1_u64..200,
    ) {
        let created = [json("a", "[1,2,3]"), json("n", "7"), json("b", "[]")];
        let (mut fields, mut undoable) = (Fields::default(), Fields::default());
        drop(undoable.replace(&created, 0, &mut Scratch::default()));
        let mut size = fields.merge(&created, 0, &mut Scratch::default()).added;
        for (clock, (array, len, offset, numbers)) in (first..).step_by(20).zip(deltas) {
            let numbers: Vec<f64> = numbers.into_iter().map(f64::from).collect();
            let delta = Delta { len, runs: vec![(offset, numbers.len())], numbers };
            let update = [Field {
                name: [&b"a"[..], b"b"][array],
                value: Value::Delta(b"", Box::new(delta)),
            }];
            let growth = fields.merge(&update, clock, &mut Scratch::default());
            size = size + growth.added - growth.removed;
            drop(undoable.replace(&update, clock, &mut Scratch::default()));
        }

        prop_assert_eq!(read(&fields), read(&undoable));
        prop_assert_eq!(fields.size(), size);
        assert_consistent(&fields);
    }
}
