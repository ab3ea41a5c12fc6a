//! Presence: what each client shows of itself while it is here.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    departures::{Departures, Stamp},
    fields::{Fields, Scratch},
    merge,
    patch::{Patches, Refusal},
};

/// The presence of every client, by client and key. Only what is alive is kept.
#[derive(Debug, Default)]
pub struct Presence {
    clients: BTreeMap<Arc<[u8]>, Entries>,
    scratch: Scratch,
    /// What went, while anybody has yet to hear of it.
    departures: Option<Departures>,
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
                (Some(false), entry) => {
                    if entry.is_some()
                        && let Some(departures) = &mut self.departures
                    {
                        departures.note(client, update.key);
                    }
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
        let Some((client, entries)) = self.clients.remove_entry(client) else { return Vec::new() };
        if let Some(departures) = &mut self.departures {
            entries.keys().for_each(|key| departures.note(&client, key));
        }
        entries.into_keys().collect()
    }

    /// Remembers what goes from now on, and gives the place to ask [`Self::departed_since`] from.
    pub(super) fn remember_departures(&mut self) -> Stamp {
        self.departures.get_or_insert_default().latest()
    }

    pub(super) fn forget_departures(&mut self) {
        self.departures = None;
    }

    /// The keys of everybody but `client` that went since, those included that are back.
    pub(super) fn departed_since(&self, client: &[u8], since: Stamp) -> Vec<Box<[u8]>> {
        self.departures.as_ref().map(|gone| gone.of_others(client, since)).unwrap_or_default()
    }

    /// Whether more went than is remembered.
    pub(super) fn has_lost_departures(&self) -> bool {
        self.departures.as_ref().is_some_and(Departures::is_over_bound)
    }
}
