//! Presence: what each client shows of itself while it is here.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    departures::{Departures, Stamp},
    fields::{Fields, Scratch},
    lazy::{Blank, Lazy},
    merge,
    patch::{Patches, Refusal},
    quota::{Bounds, Growth, Quota, Usage, key_size},
};

/// The presence of every client, by client and key. Only what is alive is kept.
#[derive(Debug)]
pub struct Presence {
    clients: BTreeMap<Rc<[u8]>, Client>,
    /// Over what any client has, so that most frames are checked without a look at their client.
    most: Usage,
    /// There where there was something to write lately.
    scratch: Option<Box<Scratch>>,
    /// What went, while anybody has yet to hear of it.
    departures: Option<Departures>,
    /// How many frames have changed presence.
    latest: Stamp,
}

#[derive(Debug, Default)]
struct Client {
    entries: BTreeMap<Box<[u8]>, Entry>,
    usage: Usage,
}

#[derive(Debug, Default)]
struct Entry {
    fields: Fields,
    /// Which frame changed it last.
    changed: Stamp,
}

/// What somebody has been told of presence already: by default nothing.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Everything up to here,
    until: Stamp,
    /// but for these keys, in order: it was told that they are gone, and another client may still have them.
    gone: Vec<Box<[u8]>>,
}

impl Lazy<Presence> {
    /// Merges checked patches into a client's presence (PR1).
    pub(super) fn apply(&mut self, client: &Rc<[u8]>, patches: &Patches<'_>) {
        if patches.is_empty() {
            return;
        }
        let Presence { clients, most, scratch, departures, latest } = self.make();
        *latest += 1;
        let scratch = scratch.get_or_insert_default();
        let Client { entries, usage } = match clients.get_mut(client) {
            Some(client) => client,
            None => clients.entry(Rc::clone(client)).or_default(),
        };
        let mut has_grown = false;
        for update in &patches.updates {
            let fields = patches.fields_of(update);
            match (update.existence, entries.get_mut(update.key)) {
                (Some(false), Some(entry)) => {
                    let removed = entry.fields.size() + key_size(update.key);
                    usage.change(Growth { added: 0, removed });
                    if let Some(departures) = departures {
                        departures.note(client, update.key);
                    }
                    entries.remove(update.key);
                }
                (_, Some(entry)) => {
                    let growth = entry.fields.merge(fields, 0, scratch);
                    usage.grow(growth, update.key, &entry.fields);
                    has_grown |= growth.added > 0;
                    entry.changed = *latest;
                }
                (Some(true), None) => {
                    let mut entry = Entry { fields: Fields::default(), changed: *latest };
                    usage.change(Growth { added: key_size(update.key), removed: 0 });
                    has_grown = true;
                    let growth = entry.fields.merge(fields, 0, scratch);
                    usage.grow(growth, update.key, &entry.fields);
                    entries.insert(update.key.into(), entry);
                }
                (Some(false) | None, None) => {}
            }
        }
        if has_grown {
            most.cover(usage);
        }
        if entries.is_empty() {
            clients.remove(client);
        }
    }

    /// Forgets a client and returns the keys that it had.
    pub(super) fn remove(&mut self, client: &[u8]) -> Vec<Box<[u8]>> {
        let Some(presence) = self.made() else { return Vec::new() };
        let Some((client, Client { entries, .. })) = presence.clients.remove_entry(client) else {
            return Vec::new();
        };
        if presence.clients.is_empty() {
            presence.most = Usage::NONE;
        }
        if let Some(departures) = &mut presence.departures {
            for key in entries.keys() {
                departures.note(&client, key);
            }
        }
        entries.into_keys().collect()
    }

    /// Remembers what goes from now on, and gives the place to ask [`Presence::departed_since`] from.
    pub(super) fn remember_departures(&mut self) -> Stamp {
        self.make().departures.get_or_insert_default().latest()
    }

    pub(super) fn forget_departures(&mut self) {
        if let Some(presence) = self.made() {
            presence.departures = None;
        }
    }
}

impl Blank for Presence {
    const BLANK: &'static Self = &Self::new();

    fn blank() -> Self {
        Self::new()
    }
}

impl Presence {
    const fn new() -> Self {
        Self {
            clients: BTreeMap::new(),
            most: Usage::NONE,
            scratch: None,
            departures: None,
            latest: 0,
        }
    }

    /// The presence entries of everybody but `client`, as far as it has not been told of them.
    pub fn of_others<'a>(
        &'a self,
        client: &'a [u8],
        told: &'a Told,
    ) -> impl Iterator<Item = (&'a [u8], &'a Fields)> {
        let others = self.clients.iter().filter(move |(other, _)| ***other != *client);
        others
            .flat_map(|(_, client)| &client.entries)
            .filter(|(key, entry)| {
                entry.changed > told.until || told.gone.binary_search(key).is_ok()
            })
            .map(|(key, entry)| (&**key, &entry.fields))
    }

    /// Whether there is anything to tell `client` of others.
    pub fn has_others(&self, client: &[u8]) -> bool {
        self.of_others(client, &Told::default()).next().is_some()
    }

    /// The place up to which everybody has been told everything that happened so far.
    pub(super) fn latest(&self) -> Stamp {
        self.latest
    }

    /// One presence entry.
    pub fn get(&self, client: &[u8], key: &[u8]) -> Option<&Fields> {
        self.clients.get(client)?.entries.get(key).map(|entry| &entry.fields)
    }

    /// Checks that every delta finds a base (MG9), and gives by how many numbers the deltas make arrays grow.
    #[inline]
    pub(super) fn check(&self, client: &[u8], patches: &Patches<'_>) -> Result<usize, Refusal> {
        merge::check_deltas(patches, |key| self.get(client, key))
    }

    /// Checks that patches do not make a client's presence grow over the quota.
    #[inline]
    pub(super) fn check_quota(
        &self,
        client: &[u8],
        patches: &Patches<'_>,
        quota: &Quota,
    ) -> Result<(), Refusal> {
        if Bounds::of_presence(quota).are_far(patches, &self.most, 0) {
            return Ok(());
        }
        self.reckon(client, patches, quota)
    }

    #[cold]
    fn reckon(&self, client: &[u8], patches: &Patches<'_>, quota: &Quota) -> Result<(), Refusal> {
        let bounds = Bounds::of_presence(quota);
        let usage = self.clients.get(client).map(|client| client.usage).unwrap_or_default();
        if bounds.are_far(patches, &usage, 0) {
            return Ok(());
        }
        bounds.check(patches, usage.bytes, 0, |key| {
            self.get(client, key).map(|fields| (fields, true))
        })
    }

    /// What `client` has been told when it is told that `gone` went, in order.
    pub(super) fn told(until: Stamp, gone: Vec<Box<[u8]>>) -> Told {
        Told { until, gone }
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
