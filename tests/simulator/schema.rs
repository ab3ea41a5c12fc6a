//! The components of the simulated application, and what the client knows of them.

use serde_json::{Value, json};

use super::patch::Fields;

/// What an application declares of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Part of the document; created and deleted.
    Document,
    /// Part of the document; always there, so never created by the application and never deleted.
    Singleton,
    /// Presence.
    Presence,
}

/// The document's keys. They are few, so that clients meet on them.
pub const KEYS: [&str; 5] = ["a/Shape", "b/Shape", "a/Stroke", "c/Stroke", "SINGLETON/Page"];

/// The presence keys of a client.
pub fn presence_keys(client: &str) -> [String; 2] {
    [format!("{client}/Cursor"), format!("{client}/Aim")]
}

/// The kind of the component under a key.
pub fn kind(key: &str) -> Kind {
    match component(key) {
        "Cursor" | "Aim" => Kind::Presence,
        "Page" => Kind::Singleton,
        _ => Kind::Document,
    }
}

/// A component as it is before anybody wrote it. Every field of the schema is in it.
pub fn defaults(key: &str) -> Fields {
    let fields: &[(&str, Value)] = match component(key) {
        "Shape" => &[("x", json!(0)), ("y", json!(0)), ("label", json!(""))],
        "Stroke" => &[("width", json!(0)), ("points", json!([]))],
        "Page" => &[("title", json!("")), ("guides", json!([]))],
        _ => &[("x", json!(0)), ("y", json!(0))],
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// True for the fields that the client sends as buffer deltas.
pub fn is_buffer(field: &str) -> bool {
    matches!(field, "points" | "guides")
}

fn component(key: &str) -> &str {
    key.split_once('/').map_or(key, |(_, component)| component)
}
