//! A document that was at rest is the one that was not.

use proptest::{collection::vec, prelude::*};

use super::{
    edits::{Step, patches, step},
    *,
};
use crate::engine::{Content, Delta, Update, Value};

fn play(document: &mut Document, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Change(edits) => drop(document.apply(&patches(edits))),
            Step::Settle => document.settle(document.clock(), false),
            Step::TakeBack => document.take_back(),
        }
    }
}

/// A document, with changes that may be taken back from now on.
fn woken(document: &Document) -> Document {
    let mut woken = document.at_rest().unwrap().wake().unwrap();
    woken.keep_provisional();
    woken
}

/// All there is to see of a component. Of an array the shortest decimals, which are different where its numbers are.
fn seen(component: &Component) -> String {
    let Component { key, fields, stamp, older, newer } = component;
    let values: Vec<_> = fields
        .iter()
        .map(|(name, clock, content)| {
            let (size, numbers) = (fields.size_of(name), fields.base(name));
            format!("{:?} at {clock}: {content:?}, {size:?}, {numbers:?}", name.escape_ascii())
        })
        .collect();
    let sizes = (fields.size(), fields.size_bound(), fields.count(), fields.count_bound());
    format!("{key:?} {stamp:?} {older:?} {newer:?} {sizes:?} {values:?}")
}

fn assert_same(document: &Document, woken: &Document) {
    let whole = |it: &Document| (it.clock, it.alive, it.hash_keys, it.newest, it.stored());
    assert_eq!(whole(woken), whole(document));
    assert_eq!(format!("{:?}", woken.usage), format!("{:?}", document.usage));
    let all = |it: &Document| it.components().iter().map(seen).collect::<Vec<_>>();
    assert_eq!(all(woken), all(document));
    for component in document.components() {
        assert_eq!(woken.find(component.key()), document.find(component.key()));
    }
    for since in 0..=document.clock() {
        let changed =
            |it: &Document| it.slots_since(since).map(|(slot, _)| slot).collect::<Vec<_>>();
        assert_eq!(changed(woken), changed(document));
    }
}

proptest! {
    #[test]
    fn lc21_a_document_that_was_at_rest_is_the_one_that_was_not(
        before in vec(step(), 0..20),
        after in vec(step(), 0..20),
    ) {
        let mut document = Document::new((1, 2));
        document.keep_provisional();
        play(&mut document, &before);
        document.settle(document.clock(), true);

        let mut woken = woken(&document);

        assert_same(&document, &woken);
        for step in after.chunks(1) {
            play(&mut document, step);
            play(&mut woken, step);
            assert_same(&document, &woken);
        }
    }
}

/// One change of one component.
fn change(fields: Vec<Field<'static>>, has_deltas: bool) -> Patches<'static> {
    let mut list = Patches { count: 1, has_deltas, ..Patches::default() };
    let (existence, range) = (Some(true), 0..fields.len());
    list.updates.push(Update { patch: 0, key: b"a", text: b"", existence, fields: range });
    list.fields = fields;
    list
}

#[test]
fn lc21_arrays_wake_with_their_very_numbers() {
    let numbers = vec![0.1, -0.0, 5e-324, f64::MAX, -1e21];
    let delta = Delta { len: 6, runs: vec![(0, numbers.len())], numbers: numbers.clone() };
    let mut document = Document::new((1, 2));
    document.apply(&change(
        vec![
            Field { name: b"_exists", value: Value::Json(b"true") },
            Field { name: b"points", value: Value::Delta(b"", Box::new(delta)) },
        ],
        true,
    ));

    let woken = document.at_rest().unwrap().wake().unwrap();

    let Some(Content::Numbers(awake)) = woken.get(b"a").unwrap().fields().get(b"points") else {
        panic!("a delta leaves an array");
    };
    let bits = |numbers: &[f64]| numbers.iter().map(|it| it.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(awake), bits(&[numbers, vec![0.0]].concat()));
}

#[test]
fn lc21_what_may_be_taken_back_and_what_is_copied_is_not_at_rest() {
    let create = || change(vec![Field { name: b"_exists", value: Value::Json(b"true") }], false);
    let mut document = Document::new((1, 2));
    document.keep_provisional();

    document.apply(&create());
    assert!(document.at_rest().is_none());
    document.settle(1, true);
    assert!(document.at_rest().is_some());
    document.begin_copy();
    assert!(document.at_rest().is_none());
    document.end_copy();
    assert!(document.at_rest().is_some());
}
