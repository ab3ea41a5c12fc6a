//! Patches as the client handles them: merging, masking, buffer deltas.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// The fields of one component, `_exists` among them.
pub type Fields = BTreeMap<String, Value>;

/// Components by key.
pub type Patch = BTreeMap<String, Fields>;

/// What `_exists` says: true creates, false deletes, none is a partial update.
pub fn existence(fields: &Fields) -> Option<bool> {
    fields.get("_exists").and_then(Value::as_bool)
}

/// True for a creation.
pub fn is_creation(fields: &Fields) -> bool {
    existence(fields) == Some(true)
}

/// True for a deletion.
pub fn is_deletion(fields: &Fields) -> bool {
    existence(fields) == Some(false)
}

/// The patch of a deletion.
pub fn deletion() -> Fields {
    Fields::from([("_exists".to_owned(), json!(false))])
}

/// Merges patches, later ones over earlier ones.
///
/// A component that is created and then deleted within the merged patches is in none of the result, as if it had never
/// been: whoever had it before does not hear of the deletion.
pub fn merge<'a>(patches: impl IntoIterator<Item = &'a Patch>) -> Patch {
    let mut merged = Patch::new();
    let mut created = BTreeSet::new();
    for (key, fields) in patches.into_iter().flatten() {
        let alive = merged.get(key).map(|present| existence(present) != Some(false));
        match (existence(fields), alive) {
            (Some(false), _) if created.remove(key) => {
                merged.remove(key);
            }
            (Some(false), _) => {
                merged.insert(key.clone(), deletion());
            }
            (_, Some(true)) => {
                let present = merged.entry(key.clone()).or_default();
                for (name, value) in fields {
                    let value = merge_value(present.get(name), value);
                    present.insert(name.clone(), value);
                }
            }
            (exists, dead) => {
                if exists == Some(true) && dead.is_none() {
                    created.insert(key.clone());
                }
                merged.insert(key.clone(), fields.clone());
            }
        }
    }
    merged
}

/// Takes the fields out of `patch` that `mask` holds. Deletions pass; what the mask deletes takes nothing.
pub fn strip(patch: &Patch, mask: &Patch) -> Patch {
    let mut kept = Patch::new();
    for (key, fields) in patch {
        let Some(masked) = mask.get(key) else {
            kept.insert(key.clone(), fields.clone());
            continue;
        };
        if existence(fields) == Some(false) {
            kept.insert(key.clone(), fields.clone());
        } else if existence(masked) != Some(false) {
            let rest: Fields = fields
                .iter()
                .filter(|(name, _)| !masked.contains_key(*name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if !rest.is_empty() {
                kept.insert(key.clone(), rest);
            }
        }
    }
    kept
}

/// True when `mask` would take something out of `patch`.
pub fn collides(patch: &Patch, mask: &Patch) -> bool {
    strip(patch, mask) != *patch
}

/// Writes fields over a component, deltas applied to what is there.
pub fn materialize(base: Option<&Fields>, fields: &Fields) -> Fields {
    let mut result = base.cloned().unwrap_or_default();
    for (name, value) in fields {
        let value = if is_delta(value) {
            json!(apply(&numbers(base.and_then(|base| base.get(name))), value))
        } else {
            value.clone()
        };
        result.insert(name.clone(), value);
    }
    result
}

/// True for a buffer delta.
pub fn is_delta(value: &Value) -> bool {
    value.get("__buf").and_then(Value::as_u64) == Some(1)
}

/// An array of numbers; empty for anything else.
pub fn numbers(value: Option<&Value>) -> Vec<i64> {
    let items = value.and_then(Value::as_array);
    items.map(|items| items.iter().filter_map(Value::as_i64).collect()).unwrap_or_default()
}

/// The change from one array to another: none, a delta, or the whole array where a delta would be longer.
pub fn encode(old: &[i64], new: &[i64]) -> Option<Value> {
    let differs = |at: usize| old.get(at) != new.get(at);
    let mut runs: Vec<(usize, Vec<i64>)> = Vec::new();
    for (at, number) in new.iter().enumerate().filter(|(at, _)| differs(*at)) {
        match runs.last_mut() {
            Some((start, run)) if *start + run.len() == at => run.push(*number),
            _ => runs.push((at, vec![*number])),
        }
    }
    if runs.is_empty() && new.len() == old.len() {
        return None;
    }
    let cost = runs.iter().map(|(_, run)| run.len() + 2).sum::<usize>() + 1;
    Some(if cost >= new.len() { json!(new) } else { delta(new.len(), &runs) })
}

/// Applies a delta.
pub fn apply(base: &[i64], delta: &Value) -> Vec<i64> {
    let (length, runs) = parts(delta);
    let mut array = base.to_vec();
    array.resize(length, 0);
    for (offset, run) in runs {
        for (slot, number) in array.iter_mut().skip(offset).zip(run) {
            *slot = number;
        }
    }
    array
}

/// One delta that does what two do, one after the other.
fn compose(first: &Value, second: &Value) -> Value {
    let length = parts(second).0;
    let mut written = BTreeMap::new();
    for (offset, run) in [first, second].into_iter().flat_map(|delta| parts(delta).1) {
        written.extend(
            run.into_iter()
                .zip(offset..)
                .map(|(number, at)| (at, number))
                .filter(|(at, _)| *at < length),
        );
    }
    let mut runs: Vec<(usize, Vec<i64>)> = Vec::new();
    for (at, number) in written {
        match runs.last_mut() {
            Some((start, run)) if *start + run.len() == at => run.push(number),
            _ => runs.push((at, vec![number])),
        }
    }
    delta(length, &runs)
}

fn merge_value(present: Option<&Value>, incoming: &Value) -> Value {
    match present {
        Some(present) if is_delta(incoming) && present.is_array() => {
            json!(apply(&numbers(Some(present)), incoming))
        }
        Some(present) if is_delta(incoming) && is_delta(present) => compose(present, incoming),
        _ => incoming.clone(),
    }
}

fn delta(length: usize, runs: &[(usize, Vec<i64>)]) -> Value {
    json!({ "__buf": 1, "len": length, "runs": runs })
}

fn parts(delta: &Value) -> (usize, Vec<(usize, Vec<i64>)>) {
    let length = delta["len"].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap();
    let runs = delta["runs"].as_array().unwrap();
    let run = |run: &Value| {
        (
            run[0].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap(),
            numbers(Some(&run[1])),
        )
    };
    (length, runs.iter().map(run).collect())
}
