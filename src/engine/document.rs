//! The document: components by key, ordered by their last change.

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

use super::{
    Clock,
    fields::{Fields, Scratch},
    merge,
    patch::{Field, Patches, Refusal},
};

/// Components by key, the tombstones of deleted ones (TB3), and the room's clock.
///
/// A slot is never given up, so its number identifies a component for good. The slots form a list from the one that
/// changed last to the one that changed first: a catch-up walks it only as far as the client lacks something (RC9).
#[derive(Debug)]
pub struct Document {
    clock: Clock,
    slots: Vec<Component>,
    by_key: HashTable<Slot>,
    hash_keys: (u64, u64),
    newest: Option<Slot>,
    alive: usize,
    scratch: Scratch,
}

type Slot = u32;

/// One entry of the document.
#[derive(Debug)]
pub struct Component {
    key: Box<[u8]>,
    fields: Fields,
    changed: Clock,
    alive: bool,
    older: Option<Slot>,
    newer: Option<Slot>,
}

impl Component {
    /// The inside of its key's JSON string.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Its fields, `_exists` among them; a tombstone has none.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The clock of its last change; a tombstone's deletion.
    pub fn changed(&self) -> Clock {
        self.changed
    }

    /// False for a tombstone.
    pub fn is_alive(&self) -> bool {
        self.alive
    }
}

impl Document {
    /// An empty document. `hash_keys` should be random: keys are chosen by peers, who must not be able to collide them.
    pub fn new(hash_keys: (u64, u64)) -> Self {
        Self {
            clock: 0,
            slots: Vec::new(),
            by_key: HashTable::new(),
            hash_keys,
            newest: None,
            alive: 0,
            scratch: Scratch::default(),
        }
    }

    /// The number of the last change.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Every component and tombstone, in the order in which their keys were first seen.
    pub fn components(&self) -> &[Component] {
        &self.slots
    }

    /// How many components are alive; the rest are tombstones.
    pub fn alive(&self) -> usize {
        self.alive
    }

    /// The component under a key, alive or not.
    pub fn get(&self, key: &[u8]) -> Option<&Component> {
        self.slots.get(index(self.find(key)?))
    }

    /// What changed after `since`, latest first; costs what it yields. Since 0 everything changed.
    pub fn changed_since(&self, since: Clock) -> impl Iterator<Item = &Component> {
        let slot = |slot: Slot| self.slots.get(index(slot));
        std::iter::successors(self.newest.and_then(slot), move |component| {
            component.older.and_then(slot)
        })
        .take_while(move |component| since == 0 || component.changed > since)
    }

    /// Checks what depends on the document: that every delta finds a base (MG9, MG10).
    pub(super) fn check(&self, patches: &Patches<'_>) -> Result<(), Refusal> {
        merge::check_deltas(patches, |key| {
            self.get(key).filter(|component| component.alive).map(Component::fields)
        })
    }

    /// Applies checked patches as one change (PA2) and returns the updates that came too late for their component (MG5).
    pub(super) fn apply(&mut self, patches: &Patches<'_>) -> Vec<usize> {
        self.clock += 1;
        let mut late = Vec::new();
        for (position, update) in patches.updates.iter().enumerate() {
            let found = self.find(update.key);
            let alive = found
                .and_then(|slot| self.slots.get(index(slot)))
                .is_some_and(|component| component.alive);
            match (update.existence, found) {
                (Some(false), found) => self.bury(found, update.key),
                (Some(true), None) => {
                    let slot = self.insert(update.key);
                    self.write(slot, patches.fields_of(update));
                }
                (Some(true), Some(slot)) => self.write(slot, patches.fields_of(update)),
                (None, Some(slot)) if alive => self.write(slot, patches.fields_of(update)),
                (None, Some(_)) => late.push(position),
                (None, None) => {}
            }
        }
        late
    }

    fn find(&self, key: &[u8]) -> Option<Slot> {
        let same = |slot: &Slot| {
            self.slots.get(index(*slot)).is_some_and(|component| *component.key == *key)
        };
        self.by_key.find(hash(self.hash_keys, key), same).copied()
    }

    fn insert(&mut self, key: &[u8]) -> Slot {
        let slot = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        self.slots.push(Component {
            key: key.into(),
            fields: Fields::default(),
            changed: 0,
            alive: false,
            older: None,
            newer: None,
        });
        let (hash_keys, slots) = (self.hash_keys, &self.slots);
        let rehash = |slot: &Slot| {
            hash(hash_keys, slots.get(index(*slot)).map_or(&[], |component| &component.key))
        };
        self.by_key.insert_unique(hash(hash_keys, key), slot, rehash);
        slot
    }

    /// Merges fields into a component; on a tombstone they start a new one (TB2).
    fn write(&mut self, slot: Slot, fields: &[Field<'_>]) {
        if fields.is_empty() {
            return;
        }
        self.set_alive(slot, true);
        if let Some(component) = self.slots.get_mut(index(slot)) {
            component.fields.merge(fields, self.clock, &mut self.scratch);
        }
        self.touch(slot);
    }

    /// Leaves a tombstone (TB1).
    fn bury(&mut self, found: Option<Slot>, key: &[u8]) {
        let slot = found.unwrap_or_else(|| self.insert(key));
        self.set_alive(slot, false);
        if let Some(component) = self.slots.get_mut(index(slot)) {
            component.fields = Fields::default();
        }
        self.touch(slot);
    }

    fn set_alive(&mut self, slot: Slot, alive: bool) {
        let Some(component) = self.slots.get_mut(index(slot)) else { return };
        if std::mem::replace(&mut component.alive, alive) {
            self.alive -= 1;
        }
        self.alive += usize::from(alive);
    }

    /// Moves a component to the head of the list of changes.
    fn touch(&mut self, slot: Slot) {
        let clock = self.clock;
        let Some(component) = self.slots.get_mut(index(slot)) else { return };
        component.changed = clock;
        if self.newest == Some(slot) {
            return;
        }
        let (older, newer) = (component.older.take(), component.newer.take());
        component.older = self.newest;
        if let Some(component) = older.and_then(|older| self.slots.get_mut(index(older))) {
            component.newer = newer;
        }
        if let Some(component) = newer.and_then(|newer| self.slots.get_mut(index(newer))) {
            component.older = older;
        }
        if let Some(component) = self.newest.and_then(|newest| self.slots.get_mut(index(newest))) {
            component.newer = Some(slot);
        }
        self.newest = Some(slot);
    }

    fn sort_by_change(&mut self) {
        let mut slots: Vec<(Clock, Slot)> =
            self.slots.iter().zip(0..).map(|(component, slot)| (component.changed, slot)).collect();
        slots.sort_unstable();
        let order: Vec<Slot> = slots.into_iter().map(|(_, slot)| slot).collect();
        for (position, slot) in order.iter().enumerate() {
            let neighbour = |at: Option<usize>| at.and_then(|at| order.get(at)).copied();
            if let Some(component) = self.slots.get_mut(index(*slot)) {
                component.older = neighbour(position.checked_sub(1));
                component.newer = neighbour(position.checked_add(1));
            }
        }
        self.newest = order.last().copied();
    }
}

/// Builds a document from a snapshot.
#[derive(Debug)]
pub struct Restore(Document);

impl Restore {
    /// Starts with the snapshot's clock; `hash_keys` as in [`Document::new`].
    pub fn new(hash_keys: (u64, u64), clock: Clock) -> Self {
        Self(Document { clock, ..Document::new(hash_keys) })
    }

    /// Adds an alive component: its fields as name, clock and JSON text. Each key may come once.
    pub fn component<'a>(
        &mut self,
        key: &[u8],
        fields: impl Iterator<Item = (&'a [u8], Clock, &'a [u8])>,
    ) {
        let mut changed = 0;
        let watched = fields.inspect(|(_, clock, _)| changed = changed.max(*clock));
        let fields = Fields::collect(watched, &mut self.0.scratch);
        self.add(key, changed, true, fields);
    }

    /// Adds the tombstone of a component that was deleted at `clock`.
    pub fn tombstone(&mut self, key: &[u8], clock: Clock) {
        self.add(key, clock, false, Fields::default());
    }

    /// The document, its components in the order of their last change.
    pub fn finish(mut self) -> Document {
        self.0.sort_by_change();
        self.0
    }

    fn add(&mut self, key: &[u8], changed: Clock, alive: bool, fields: Fields) {
        let slot = self.0.insert(key);
        if let Some(component) = self.0.slots.get_mut(index(slot)) {
            component.fields = fields;
            component.changed = changed;
        }
        self.0.set_alive(slot, alive);
    }
}

fn index(slot: Slot) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

fn hash((low, high): (u64, u64), key: &[u8]) -> u64 {
    SipHasher13::new_with_keys(low, high).hash(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Content, Update, Value};

    /// One patch: components with their fields; `_exists` creates or deletes.
    fn patch<'f>(components: &[(&'f str, &[(&'f str, &'f str)])]) -> Patches<'f> {
        let mut patches = Patches { count: 1, ..Patches::default() };
        for (key, fields) in components {
            let start = patches.fields.len();
            let mut existence = None;
            for (name, value) in *fields {
                if *name == "_exists" {
                    existence = Some(*value == "true");
                }
                patches
                    .fields
                    .push(Field { name: name.as_bytes(), value: Value::Json(value.as_bytes()) });
            }
            let fields = start..patches.fields.len();
            patches.updates.push(Update {
                patch: 0,
                key: key.as_bytes(),
                text: b"",
                existence,
                fields,
            });
        }
        patches
    }

    const CREATE: (&str, &str) = ("_exists", "true");
    const DELETE: (&str, &str) = ("_exists", "false");

    fn document(changes: &[Patches<'_>]) -> Document {
        let mut document = Document::new((1, 2));
        for patches in changes {
            document.apply(patches);
        }
        document
    }

    fn value(document: &Document, key: &str, name: &str) -> Option<String> {
        match document.get(key.as_bytes())?.fields().get(name.as_bytes())? {
            Content::Json(json) => Some(String::from_utf8_lossy(json).into_owned()),
            Content::Numbers(numbers) => Some(format!("{numbers:?}")),
        }
    }

    fn changed(document: &Document, since: Clock) -> Vec<&str> {
        document
            .changed_since(since)
            .map(|component| std::str::from_utf8(component.key()).unwrap())
            .collect()
    }

    #[test]
    fn mg2_only_a_creation_creates() {
        let document =
            document(&[patch(&[("a", &[("x", "1")])]), patch(&[("b", &[CREATE, ("x", "1")])])]);

        assert!(document.get(b"a").is_none());
        assert_eq!(value(&document, "b", "x").as_deref(), Some("1"));
    }

    #[test]
    fn mg2_a_creation_of_what_is_alive_merges() {
        let document = document(&[
            patch(&[("a", &[CREATE, ("x", "1"), ("y", "2")])]),
            patch(&[("a", &[CREATE, ("x", "3")])]),
        ]);

        assert_eq!(value(&document, "a", "x").as_deref(), Some("3"));
        assert_eq!(value(&document, "a", "y").as_deref(), Some("2"));
    }

    #[test]
    fn mg3_a_late_update_stores_nothing_and_moves_the_clock() {
        let mut document = document(&[patch(&[("a", &[CREATE])]), patch(&[("a", &[DELETE])])]);

        let late = document.apply(&patch(&[("unseen", &[("x", "1")]), ("a", &[("x", "1")])]));

        assert_eq!(late, [1], "only the update to the tombstone is late (MG5)");
        assert_eq!(document.clock(), 3);
        assert!(document.get(b"unseen").is_none());
        assert!(!document.get(b"a").unwrap().is_alive());
        assert_eq!(changed(&document, 2), Vec::<&str>::new());
    }

    #[test]
    fn tb1_a_deletion_leaves_a_tombstone_without_fields_even_where_nothing_was() {
        let document = document(&[
            patch(&[("a", &[CREATE, ("x", "1")])]),
            patch(&[("a", &[DELETE, ("y", "2")]), ("unseen", &[DELETE])]),
        ]);

        assert_eq!((document.alive(), document.components().len()), (0, 2));
        for key in ["a", "unseen"] {
            let component = document.get(key.as_bytes()).unwrap();
            assert!(!component.is_alive() && component.fields().iter().next().is_none());
            assert_eq!(component.changed(), 2);
        }
    }

    #[test]
    fn tb2_a_creation_on_a_tombstone_starts_anew() {
        let document = document(&[
            patch(&[("a", &[CREATE, ("x", "1")])]),
            patch(&[("a", &[DELETE])]),
            patch(&[("a", &[CREATE, ("y", "2")])]),
        ]);

        assert_eq!(value(&document, "a", "x"), None);
        assert_eq!(value(&document, "a", "y").as_deref(), Some("2"));
    }

    #[test]
    fn mg10_patches_of_one_frame_apply_in_order() {
        let mut patches = patch(&[("a", &[CREATE, ("x", "1")])]);
        let mut second = patch(&[("a", &[("x", "2")])]);
        second.updates[0].fields = 2..3;
        patches.updates.append(&mut second.updates);
        patches.fields.append(&mut second.fields);

        let document = document(&[patches]);

        assert_eq!(value(&document, "a", "x").as_deref(), Some("2"));
        assert_eq!(document.clock(), 1);
    }

    #[test]
    fn keys_collide_in_no_two_documents_alike() {
        assert_ne!(hash((1, 2), b"a"), hash((3, 4), b"a"));
        assert_ne!(hash((1, 2), b"a"), hash((1, 2), b"b"));
    }

    #[test]
    fn rc9_the_list_of_changes_is_walked_from_the_latest_and_no_further() {
        let create = |key| patch(&[(key, &[CREATE, ("x", "1")])]);
        let document =
            document(&[create("a"), create("b"), create("c"), patch(&[("a", &[("x", "2")])])]);

        assert_eq!(changed(&document, 0), ["a", "c", "b"]);
        assert_eq!(changed(&document, 2), ["a", "c"]);
        assert_eq!(changed(&document, 4), Vec::<&str>::new());
    }

    #[test]
    fn rc9_an_update_without_fields_is_no_change() {
        let document = document(&[patch(&[("a", &[CREATE])]), patch(&[("a", &[])])]);

        assert_eq!(changed(&document, 1), Vec::<&str>::new());
    }

    #[test]
    fn a_restored_document_lists_its_changes_in_order() {
        let mut restore = Restore::new((1, 2), 9);
        restore.component(b"late", [(&b"x"[..], 9, &b"1"[..]), (b"y", 1, b"2")].into_iter());
        restore.tombstone(b"gone", 4);
        restore.component(b"early", [(&b"x"[..], 2, &b"1"[..])].into_iter());

        let mut document = restore.finish();

        assert_eq!(changed(&document, 0), ["late", "gone", "early"]);
        assert_eq!((document.alive(), document.components().len()), (2, 3));
        document.apply(&patch(&[("early", &[("x", "3")])]));
        assert_eq!(changed(&document, 4), ["early", "late"]);
        assert_eq!(document.clock(), 10);
    }
}
