//! The application above the adapter: the components that it holds, and how it turns edits into patches and back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    patch::{Fields, Patch, deletion, encode, existence, materialize, numbers},
    replica::Changes,
    schema::{self, Kind},
};

/// The components of one client, document and presence alike, as its entity store holds them.
#[derive(Debug, Clone, Default)]
pub struct App {
    /// Components by key, without `_exists`.
    pub components: BTreeMap<String, Fields>,
    /// What edited components were at the last step.
    before: BTreeMap<String, Option<Fields>>,
    /// Components that were removed and added again since then.
    reborn: BTreeSet<String>,
    /// Whether arrays always go out whole, as in version 1 of the protocol.
    whole_arrays: bool,
}

impl App {
    /// An application without components.
    pub fn new(whole_arrays: bool) -> Self {
        Self { whole_arrays, ..Self::default() }
    }

    /// Adds a component, or writes fields of one.
    pub fn write(&mut self, key: &str, fields: Fields) {
        self.remember(key);
        if !self.components.contains_key(key) && self.before.get(key).is_some_and(Option::is_some) {
            self.reborn.insert(key.to_owned());
        }
        let component =
            self.components.entry(key.to_owned()).or_insert_with(|| schema::defaults(key));
        component.extend(fields);
    }

    /// Removes a component.
    pub fn remove(&mut self, key: &str) {
        self.remember(key);
        self.components.remove(key);
        self.reborn.remove(key);
    }

    /// What the edits to a component since the last step come to; none when it is as it was.
    pub fn edit_of(&self, key: &str) -> Option<Fields> {
        let before = self.before.get(key)?;
        let Some(now) = self.components.get(key) else { return Some(deletion()) };
        let Some(before) = before.as_ref().filter(|_| !self.reborn.contains(key)) else {
            let mut created = now.clone();
            created.insert("_exists".to_owned(), json!(true));
            return Some(created);
        };
        let changed: Fields = now
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), self.change(name, before, value)?)))
            .collect();
        (!changed.is_empty()).then_some(changed)
    }

    /// Edits since the last step, as patches, without taking them.
    pub fn edits(&self) -> Changes {
        let mut changes = Changes::default();
        for key in self.before.keys() {
            let patch = match schema::kind(key) {
                Kind::Presence => &mut changes.presence,
                Kind::Document | Kind::Singleton => &mut changes.document,
            };
            patch.extend(self.edit_of(key).map(|fields| (key.clone(), fields)));
        }
        changes
    }

    /// Takes the edits since the last step.
    pub fn take_edits(&mut self) -> Changes {
        let edits = self.edits();
        self.before.clear();
        self.reborn.clear();
        edits
    }

    /// Applies what came from others.
    pub fn apply(&mut self, changes: &Changes) {
        self.apply_patch(&changes.document);
        self.apply_patch(&changes.presence);
    }

    fn apply_patch(&mut self, patch: &Patch) {
        for (key, fields) in patch {
            let singleton = schema::kind(key) == Kind::Singleton;
            let present = self.components.contains_key(key);
            match existence(fields) {
                Some(false) if !singleton => {
                    self.components.remove(key);
                }
                Some(false) => {}
                // A creation resets what it does not name.
                Some(true) if !singleton => self.put(key, &schema::defaults(key), fields),
                None if !singleton && !present => {}
                _ => {
                    let base = self.components.get(key).cloned();
                    self.put(key, &base.unwrap_or_else(|| schema::defaults(key)), fields);
                }
            }
        }
    }

    fn put(&mut self, key: &str, base: &Fields, fields: &Fields) {
        let mut component = materialize(Some(base), fields);
        component.remove("_exists");
        self.components.insert(key.to_owned(), component);
    }

    fn change(&self, name: &str, before: &Fields, now: &Value) -> Option<Value> {
        let old = before.get(name);
        if old == Some(now) {
            return None;
        }
        if schema::is_buffer(name) && !self.whole_arrays {
            return encode(&numbers(old), &numbers(Some(now)));
        }
        Some(now.clone())
    }

    fn remember(&mut self, key: &str) {
        if !self.before.contains_key(key) {
            self.before.insert(key.to_owned(), self.components.get(key).cloned());
        }
    }
}
