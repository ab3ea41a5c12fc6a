//! JSON as another implementation reads it.

use heddle::protocol::json::{Form, canonicalize, scan};
use serde_json::{Value, value::RawValue};

/// The nesting that SPEC.md allows a frame.
pub(super) const NESTING: usize = 64;

/// The nesting that a snapshot may have.
pub(super) const SNAPSHOT_NESTING: usize = 256;

/// Whether bytes are JSON text in UTF-8, of any depth, with numbers of any size and any surrogates.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok() && serde_json::from_slice::<&RawValue>(bytes).is_ok()
}

/// How deep the brackets of valid JSON text are nested.
pub(super) fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Asserts that text is canonical, and stays what it is when it is made so.
pub(super) fn assert_canonical(text: &[u8], nesting: usize) {
    let shown = String::from_utf8_lossy(text);
    assert_eq!(scan(text, nesting), Ok(Form::Canonical), "not canonical: {shown}");
    assert_eq!(canonicalize(text), text, "canonical text changes: {shown}");
    assert!(is_json(text), "canonical text is no JSON: {shown}");
}

/// Asserts that both texts mean the same, as far as the other implementation can hold it: it has no lone surrogates and
/// no numbers beyond a double.
pub(super) fn assert_same_meaning(text: &[u8], canonical: &[u8]) {
    let Ok(meant) = serde_json::from_slice::<Value>(text) else { return };
    let written = serde_json::from_slice::<Value>(canonical).unwrap();
    assert!(
        is_same(&meant, &written),
        "{} became {}",
        String::from_utf8_lossy(text),
        String::from_utf8_lossy(canonical)
    );
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| is_same(value, other)))
        }
        _ => one == other,
    }
}

/// Reads what the room wrote.
pub(super) fn parse(text: &[u8]) -> Value {
    match serde_json::from_slice(text) {
        Ok(value) => value,
        // Lone surrogates are JSON, but no text of Rust's.
        Err(error) => {
            assert!(is_json(text), "{error}: {}", String::from_utf8_lossy(text));
            Value::Null
        }
    }
}
