//! What a document must become, by the rules alone, on plain maps; and a room to compare with.

pub mod frames;
pub mod room;

use std::collections::BTreeMap;

use frames::{Frame, Update, Value};

/// A document by the rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// The number of accepted frames (PA2).
    pub clock: u64,
    /// Components, each with its last change; tombstones have no fields.
    pub components: BTreeMap<&'static str, (Option<Fields>, u64)>,
}

/// Fields with the clock of their last write.
pub type Fields = BTreeMap<&'static str, (Value, u64)>;

/// What a client shows: the components that are alive.
pub type View = BTreeMap<String, BTreeMap<String, Value>>;

impl Model {
    /// Applies a frame; false, and nothing changed, when it must be refused (PA9).
    pub fn apply(&mut self, frame: &Frame) -> bool {
        let mut next = self.clone();
        next.clock += 1;
        let accepted =
            frame.iter().flatten().all(|(key, update)| next.apply_update(key, update).is_some());
        if accepted {
            *self = next;
        }
        accepted
    }

    fn apply_update(&mut self, key: &'static str, update: &Update) -> Option<()> {
        let clock = self.clock;
        let alive = self.components.get(key).and_then(|(fields, _)| fields.clone());
        // A deletion's other fields are forgotten with the rest (TB1), but bad deltas are bad anywhere.
        let (base, stored) = match update.existence {
            Some(false) => {
                self.components.insert(key, (None, clock));
                return Some(());
            }
            Some(true) => (alive.unwrap_or_default(), true),
            None => {
                let stored = alive.is_some();
                (alive.unwrap_or_default(), stored)
            }
        };
        let mut fields = base.clone();
        if update.existence == Some(true) {
            fields.insert("_exists", (Value::Bool(true), clock));
        }
        for (name, value) in &update.fields {
            let value = value.over(base.get(name).map(|(value, _)| value))?;
            fields.insert(name, (value, clock));
        }
        let touched = update.existence.is_some() || !update.fields.is_empty();
        if stored && touched {
            self.components.insert(key, (Some(fields), clock));
        }
        Some(())
    }

    /// What is alive.
    pub fn view(&self) -> View {
        let alive =
            self.components.iter().filter_map(|(key, (fields, _))| Some((key, fields.as_ref()?)));
        alive.map(|(key, fields)| ((*key).to_owned(), plain(fields.iter(), 0))).collect()
    }

    /// Everything: fields of what is alive, none for what is dead.
    pub fn everything(&self) -> BTreeMap<String, Option<BTreeMap<String, Value>>> {
        let fields = |fields: &Fields| plain(fields.iter(), 0);
        let all = self.components.iter();
        all.map(|(key, (held, _))| ((*key).to_owned(), held.as_ref().map(fields))).collect()
    }

    /// What a client lacks that has seen everything up to `since`: fields of what is alive, none for what is dead.
    pub fn newer(&self, since: u64) -> BTreeMap<String, Option<BTreeMap<String, Value>>> {
        let changed = self.components.iter().filter(|(_, (_, changed))| *changed > since);
        changed
            .filter(|(_, (fields, _))| fields.is_some() || since > 0)
            .map(|(key, (fields, _))| {
                ((*key).to_owned(), fields.as_ref().map(|fields| plain(fields.iter(), since)))
            })
            .collect()
    }
}

fn plain<'a>(
    fields: impl Iterator<Item = (&'a &'static str, &'a (Value, u64))>,
    since: u64,
) -> BTreeMap<String, Value> {
    let newer = fields.filter(|(_, (_, clock))| *clock > since);
    newer.map(|(name, (value, _))| ((*name).to_owned(), value.clone())).collect()
}
