//! Back to an older document, by patches: as near as the protocol can get.
//!
//! A component that lived then and does not live now is created with all its fields, one that lives now and did not is deleted,
//! and fields that differ are written. A field that has come since stays: nothing removes a field but deleting its
//! component, and clients would see that one go and another come.

use super::encode::{Object, TOMBSTONE, fields_since};
use crate::engine::{Component, Content, Document, Fields};

/// The text of the list of patches that lead from `now` to `then`, and of the list of what stays: `{ key, fields }` for each
/// component that has fields which it had not.
pub fn encode(now: &Document, then: &Document) -> (Vec<u8>, Vec<u8>) {
    let mut patch = Vec::new();
    let mut object = Object::open(&mut patch);
    let mut kept = vec![b'['];
    for old in then.components().iter().filter(|old| old.is_alive()) {
        match now.get(old.key()).filter(|new| new.is_alive()) {
            Some(new) => {
                let fields = written(old.fields(), new.fields());
                if fields != b"{}" {
                    object.member(old.key()).extend_from_slice(&fields);
                }
                push_kept(old, new, &mut kept);
            }
            None => created(old.fields(), object.member(old.key())),
        }
    }
    let lived = |key: &[u8]| then.get(key).is_some_and(Component::is_alive);
    for new in now.components().iter().filter(|new| new.is_alive() && !lived(new.key())) {
        object.member(new.key()).extend_from_slice(TOMBSTONE);
    }
    object.close();
    kept.push(b']');
    let patches = if patch == b"{}" { b"[]".to_vec() } else { [b"[", &*patch, b"]"].concat() };
    (patches, kept)
}

/// The fields that are others now, as they were.
fn written(old: &Fields, new: &Fields) -> Vec<u8> {
    let mut fields = Vec::new();
    let mut object = Object::open(&mut fields);
    for (name, _, content) in old.iter().filter(|(name, ..)| *name != EXISTS) {
        if !new.get(name).is_some_and(|newer| is_same(content, newer)) {
            content.write(object.member(name));
        }
    }
    object.close();
    fields
}

/// All fields, as a creation.
fn created(fields: &Fields, out: &mut Vec<u8>) {
    let start = out.len();
    fields_since(fields, None, out);
    if fields.get(EXISTS).is_none() {
        // A snapshot may leave out what goes without saying; a patch may not.
        let rest = out.split_off(start + 1);
        out.extend_from_slice(b"\"_exists\":true");
        if rest != b"}" {
            out.push(b',');
        }
        out.extend_from_slice(&rest);
    }
}

fn push_kept(old: &Component, new: &Component, out: &mut Vec<u8>) {
    let names = new.fields().iter().map(|(name, ..)| name);
    let added: Vec<&[u8]> =
        names.filter(|name| *name != EXISTS && old.fields().get(name).is_none()).collect();
    if added.is_empty() {
        return;
    }
    if out.len() > 1 {
        out.push(b',');
    }
    let mut item = Object::open(out);
    push_string(new.key(), item.member(b"key"));
    let list = item.member(b"fields");
    for (position, name) in added.into_iter().enumerate() {
        list.push(if position == 0 { b'[' } else { b',' });
        push_string(name, list);
    }
    list.push(b']');
    item.close();
}

const EXISTS: &[u8] = b"_exists";

/// A string given as the inside of its JSON text.
fn push_string(inside: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(inside);
    out.push(b'"');
}

/// Arrays that deltas have changed are stored otherwise than others.
fn is_same(one: Content<'_>, other: Content<'_>) -> bool {
    match (one, other) {
        (Content::Json(one), Content::Json(other)) => one == other,
        (Content::Numbers(one), Content::Numbers(other)) => one == other,
        (Content::Json(_), Content::Numbers(_)) | (Content::Numbers(_), Content::Json(_)) => {
            let text = |content: Content<'_>| {
                let mut text = Vec::new();
                content.write(&mut text);
                text
            };
            text(one) == text(other)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::snapshot, *};

    fn document(state: &str) -> Document {
        let text = format!(r#"{{"timestamp":1,"state":{state},"timestamps":{{}}}}"#);
        snapshot::decode(text.as_bytes(), (1, 2)).unwrap()
    }

    fn restoration(now: &str, then: &str) -> (String, String) {
        let (patches, kept) = encode(&document(now), &document(then));
        (String::from_utf8(patches).unwrap(), String::from_utf8(kept).unwrap())
    }

    #[test]
    fn hi9_only_what_differs_is_written() {
        let now = r#"{"a":{"_exists":true,"x":1,"y":[1,2]},"b":{"_exists":true},"c":{"_exists":false},"d":{"_exists":true}}"#;
        let then = r#"{"a":{"_exists":true,"x":2,"y":[1,2],"z":"\ud800"},"c":{"_exists":true,"p":null},"d":{"_exists":true}}"#;

        let (patches, kept) = restoration(now, then);

        assert_eq!(
            patches,
            r#"[{"a":{"x":2,"z":"\ud800"},"c":{"_exists":true,"p":null},"b":{"_exists":false}}]"#
        );
        assert_eq!(kept, "[]");
        assert_eq!(restoration(then, then), ("[]".to_owned(), "[]".to_owned()));
    }

    #[test]
    fn hi10_fields_that_have_come_since_are_named() {
        let now = r#"{"a":{"_exists":true,"x":1,"\"":2},"b":{"_exists":true,"y":1},"c":{"y":1}}"#;
        let then = r#"{"a":{"_exists":true},"b":{"y":1},"c":{"_exists":false}}"#;

        let (patches, kept) = restoration(now, then);

        assert_eq!(patches, r#"[{"c":{"_exists":false}}]"#);
        assert_eq!(kept, r#"[{"key":"a","fields":["x","\""]}]"#);
    }

    #[test]
    fn hi9_what_is_gone_is_created_even_where_a_snapshot_does_not_say_so() {
        let then = r#"{"a":{"x":1},"b":{}}"#;

        let (patches, _) = restoration("{}", then);

        assert_eq!(patches, r#"[{"a":{"_exists":true,"x":1},"b":{"_exists":true}}]"#);
    }
}
