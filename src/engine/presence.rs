//! Presence: what each client shows of itself while it is here.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    fields::{Fields, Scratch},
    merge,
    patch::{Patches, Refusal},
};

/// The presence of every client, by client and key. Only what is alive is kept.
#[derive(Debug, Default)]
pub struct Presence {
    clients: BTreeMap<Arc<[u8]>, Entries>,
    scratch: Scratch,
}

type Entries = BTreeMap<Box<[u8]>, Fields>;

impl Presence {
    /// The presence entries of everybody but `client`.
    pub fn of_others<'a>(
        &'a self,
        client: &'a [u8],
    ) -> impl Iterator<Item = (&'a [u8], &'a Fields)> {
        let others = self.clients.iter().filter(move |(other, _)| ***other != *client);
        others.flat_map(|(_, entries)| entries.iter().map(|(key, fields)| (&**key, fields)))
    }

    /// One presence entry.
    pub fn get(&self, client: &[u8], key: &[u8]) -> Option<&Fields> {
        self.clients.get(client)?.get(key)
    }

    /// Checks that every delta finds a base (MG9).
    pub(super) fn check(&self, client: &[u8], patches: &Patches<'_>) -> Result<(), Refusal> {
        merge::check_deltas(patches, |key| self.get(client, key))
    }

    /// Merges checked patches into a client's presence (PR1).
    pub(super) fn apply(&mut self, client: &Arc<[u8]>, patches: &Patches<'_>) {
        if patches.is_empty() {
            return;
        }
        let entries = match self.clients.get_mut(client) {
            Some(entries) => entries,
            None => self.clients.entry(Arc::clone(client)).or_default(),
        };
        for update in &patches.updates {
            let fields = patches.fields_of(update);
            match (update.existence, entries.get_mut(update.key)) {
                (Some(false), _) => {
                    entries.remove(update.key);
                }
                (_, Some(entry)) => entry.merge(fields, 0, &mut self.scratch),
                (Some(true), None) => {
                    let mut entry = Fields::default();
                    entry.merge(fields, 0, &mut self.scratch);
                    entries.insert(update.key.into(), entry);
                }
                (None, None) => {}
            }
        }
        if entries.is_empty() {
            self.clients.remove(client);
        }
    }

    /// Forgets a client and returns the keys that it had.
    pub(super) fn remove(&mut self, client: &[u8]) -> Vec<Box<[u8]>> {
        self.clients.remove(client).map(|entries| entries.into_keys().collect()).unwrap_or_default()
    }
}
