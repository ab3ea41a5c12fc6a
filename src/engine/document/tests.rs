//! The document by itself.

use super::*;
use crate::engine::{Content, Update, Value};

/// One patch: components with their fields; `_exists` creates or deletes.
fn patch<'f>(components: &[(&'f str, &[(&'f str, &'f str)])]) -> Patches<'f> {
    let mut patches = Patches { count: 1, ..Patches::default() };
    for (key, fields) in components {
        let start = patches.fields.len();
        let mut existence = None;
        for (name, value) in *fields {
            if *name == "_exists" {
                existence = Some(*value == "true");
            }
            patches
                .fields
                .push(Field { name: name.as_bytes(), value: Value::Json(value.as_bytes()) });
        }
        let fields = start..patches.fields.len();
        patches.updates.push(Update {
            patch: 0,
            key: key.as_bytes(),
            text: b"",
            existence,
            fields,
        });
    }
    patches
}

const CREATE: (&str, &str) = ("_exists", "true");
const DELETE: (&str, &str) = ("_exists", "false");

fn document(changes: &[Patches<'_>]) -> Document {
    let mut document = Document::new((1, 2));
    for patches in changes {
        document.apply(patches);
    }
    document
}

fn value(document: &Document, key: &str, name: &str) -> Option<String> {
    match document.get(key.as_bytes())?.fields().get(name.as_bytes())? {
        Content::Json(json) => Some(String::from_utf8_lossy(json).into_owned()),
        Content::Numbers(numbers) => Some(format!("{numbers:?}")),
    }
}

fn changed(document: &Document, since: Clock) -> Vec<&str> {
    document
        .changed_since(since)
        .map(|component| std::str::from_utf8(component.key()).unwrap())
        .collect()
}

#[test]
fn mg2_only_a_creation_creates() {
    let document =
        document(&[patch(&[("a", &[("x", "1")])]), patch(&[("b", &[CREATE, ("x", "1")])])]);

    assert!(document.get(b"a").is_none());
    assert_eq!(value(&document, "b", "x").as_deref(), Some("1"));
}

#[test]
fn mg2_a_creation_of_what_is_alive_merges() {
    let document = document(&[
        patch(&[("a", &[CREATE, ("x", "1"), ("y", "2")])]),
        patch(&[("a", &[CREATE, ("x", "3")])]),
    ]);

    assert_eq!(value(&document, "a", "x").as_deref(), Some("3"));
    assert_eq!(value(&document, "a", "y").as_deref(), Some("2"));
}

#[test]
fn mg3_a_late_update_stores_nothing_and_moves_the_clock() {
    let mut document = document(&[patch(&[("a", &[CREATE])]), patch(&[("a", &[DELETE])])]);

    let late = document.apply(&patch(&[("unseen", &[("x", "1")]), ("a", &[("x", "1")])]));

    assert_eq!(late, [1], "only the update to the tombstone is late (MG5)");
    assert_eq!(document.clock(), 3);
    assert!(document.get(b"unseen").is_none());
    assert!(!document.get(b"a").unwrap().is_alive());
    assert_eq!(changed(&document, 2), Vec::<&str>::new());
}

#[test]
fn tb1_a_deletion_leaves_a_tombstone_without_fields_even_where_nothing_was() {
    let document = document(&[
        patch(&[("a", &[CREATE, ("x", "1")])]),
        patch(&[("a", &[DELETE, ("y", "2")]), ("unseen", &[DELETE])]),
    ]);

    assert_eq!((document.alive(), document.components().len()), (0, 2));
    for key in ["a", "unseen"] {
        let component = document.get(key.as_bytes()).unwrap();
        assert!(!component.is_alive() && component.fields().iter().next().is_none());
        assert_eq!(component.changed(), 2);
    }
}

#[test]
fn tb2_a_creation_on_a_tombstone_starts_anew() {
    let document = document(&[
        patch(&[("a", &[CREATE, ("x", "1")])]),
        patch(&[("a", &[DELETE])]),
        patch(&[("a", &[CREATE, ("y", "2")])]),
    ]);

    assert_eq!(value(&document, "a", "x"), None);
    assert_eq!(value(&document, "a", "y").as_deref(), Some("2"));
}

#[test]
fn mg10_patches_of_one_frame_apply_in_order() {
    let mut patches = patch(&[("a", &[CREATE, ("x", "1")])]);
    let mut second = patch(&[("a", &[("x", "2")])]);
    second.updates[0].fields = 2..3;
    patches.updates.append(&mut second.updates);
    patches.fields.append(&mut second.fields);

    let document = document(&[patches]);

    assert_eq!(value(&document, "a", "x").as_deref(), Some("2"));
    assert_eq!(document.clock(), 1);
}

#[test]
fn keys_collide_in_no_two_documents_alike() {
    assert_ne!(hash((1, 2), b"a"), hash((3, 4), b"a"));
    assert_ne!(hash((1, 2), b"a"), hash((1, 2), b"b"));
}

#[test]
fn rc9_the_list_of_changes_is_walked_from_the_latest_and_no_further() {
    let create = |key| patch(&[(key, &[CREATE, ("x", "1")])]);
    let document =
        document(&[create("a"), create("b"), create("c"), patch(&[("a", &[("x", "2")])])]);

    assert_eq!(changed(&document, 0), ["a", "c", "b"]);
    assert_eq!(changed(&document, 2), ["a", "c"]);
    assert_eq!(changed(&document, 4), Vec::<&str>::new());
}

#[test]
fn rc9_what_is_written_in_one_order_again_and_again_is_found_like_anything_else() {
    let field: &[(&str, &str)] = &[("x", "1")];
    let mut document = document(&[patch(&[
        ("a", &[("_exists", "true")]),
        ("b", &[("_exists", "true")]),
        ("c", &[("_exists", "true")]),
    ])]);
    for _ in 0..3 {
        document.apply(&patch(&[("a", field), ("b", field), ("c", field)]));
        assert_eq!(changed(&document, document.clock() - 1), ["c", "b", "a"]);
    }

    // Whatever is expected to come next, another does.
    document.apply(&patch(&[("b", field), ("a", field), ("new", &[("_exists", "true")])]));
    assert_eq!(changed(&document, 1), ["new", "a", "b", "c"]);
    document.apply(&patch(&[("c", field)]));
    assert_eq!(changed(&document, 1), ["c", "new", "a", "b"]);
}

#[test]
fn rc9_an_update_without_fields_is_no_change() {
    let document = document(&[patch(&[("a", &[CREATE])]), patch(&[("a", &[])])]);

    assert_eq!(changed(&document, 1), Vec::<&str>::new());
}

#[test]
fn a_restored_document_lists_its_changes_in_order() {
    let mut restore = Restore::new((1, 2), 9);
    restore.component(b"late", [(&b"x"[..], 9, &b"1"[..]), (b"y", 1, b"2")].into_iter());
    restore.tombstone(b"gone", 4);
    restore.component(b"early", [(&b"x"[..], 2, &b"1"[..])].into_iter());

    let mut document = restore.finish();

    assert_eq!(changed(&document, 0), ["late", "gone", "early"]);
    assert_eq!((document.alive(), document.components().len()), (2, 3));
    document.apply(&patch(&[("early", &[("x", "3")])]));
    assert_eq!(changed(&document, 4), ["early", "late"]);
    assert_eq!(document.clock(), 10);
}
