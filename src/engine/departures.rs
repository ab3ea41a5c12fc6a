//! Presence keys that went while somebody could not be told: what a merge of presence as it is now would leave behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// The keys that may be remembered, in bytes. Beyond that it costs less to have those who lag come back anew.
const MOST_BYTES: usize = 1 << 20;

/// What a key counts beside its own length.
const KEY_COST_BYTES: usize = 64;

/// The number of the latest departure; what went later has a higher one.
pub(super) type Stamp = u64;

/// The last departure of each key, by client.
#[derive(Debug, Default)]
pub(super) struct Departures {
    latest: Stamp,
    clients: BTreeMap<Rc<[u8]>, Keys>,
    bytes: usize,
}

type Keys = BTreeMap<Box<[u8]>, Stamp>;

impl Departures {
    pub(super) fn latest(&self) -> Stamp {
        self.latest
    }

    /// Whether more went than is worth remembering.
    pub(super) fn is_over_bound(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    pub(super) fn note(&mut self, client: &Rc<[u8]>, key: &[u8]) {
        self.latest += 1;
        let keys = match self.clients.get_mut(client) {
            Some(keys) => keys,
            None => self.clients.entry(Rc::clone(client)).or_default(),
        };
        if let Some(stamp) = keys.get_mut(key) {
            *stamp = self.latest;
        } else {
            keys.insert(key.into(), self.latest);
            self.bytes += key.len() + KEY_COST_BYTES;
        }
    }

    /// The keys of everybody but `client` that went after `since`, those included that are back.
    pub(super) fn of_others(&self, client: &[u8], since: Stamp) -> Vec<Box<[u8]>> {
        let others = self.clients.iter().filter(|(other, _)| ***other != *client);
        let gone = others.flat_map(|(_, keys)| keys).filter(|(_, stamp)| **stamp > since);
        // Two clients may use one key.
        let keys: BTreeSet<_> = gone.map(|(key, _)| key.clone()).collect();
        keys.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_goes_again_and_again_costs_once() {
        let client: Rc<[u8]> = b"alice"[..].into();
        let mut departures = Departures::default();
        for _ in 0..100_000 {
            departures.note(&client, b"cursor");
        }

        assert!(!departures.is_over_bound());
        assert_eq!(departures.of_others(b"bob", 99_999), [b"cursor"[..].into()]);
        assert_eq!(departures.of_others(b"bob", 100_000), []);
        assert_eq!(departures.of_others(b"alice", 0), []);
    }
}
