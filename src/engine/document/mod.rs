//! The document: components by key, ordered by their last change.

mod copying;
mod links;
mod resting;
mod undo;

use copying::Copying;
use hashbrown::HashTable;
use links::{Link, Stamp};
pub use resting::{DocumentAtRest, Unreadable};
use siphasher::sip::SipHasher13;
use undo::{Place, Undo};

use super::{
    Clock,
    fields::{Fields, Replaced, Scratch},
    merge,
    patch::{Field, Patches, Refusal},
    quota::{Bounds, Growth, Quota, Usage, key_size},
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
    newest: Link,
    /// What changed after the component that changed last, the time before: who moves several changes them in one order again and
    /// again. Only a guess.
    expected: Link,
    alive: usize,
    usage: Usage,
    /// There where there was something to write lately.
    scratch: Option<Box<Scratch>>,
    /// What takes provisional changes back; none where every change is final at once.
    undo: Option<Undo>,
    /// There while a copy is read.
    copying: Option<Box<Copying>>,
}

/// The number of a component, for good.
pub type Slot = u32;

/// By how many slots more than a quarter their list grows.
const LEAST_GROWTH: usize = 4;

/// So many slots are copied in microseconds, so they take no more than they need where nobody is.
const SHRUNK_SLOTS: usize = 4096;

/// One entry of the document.
#[derive(Debug, Clone)]
pub struct Component {
    key: Box<[u8]>,
    fields: Fields,
    stamp: Stamp,
    older: Link,
    newer: Link,
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
        self.stamp.changed()
    }

    /// False for a tombstone.
    pub fn is_alive(&self) -> bool {
        self.stamp.is_alive()
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
            newest: Link::NONE,
            expected: Link::NONE,
            alive: 0,
            usage: Usage::default(),
            scratch: None,
            undo: None,
            copying: None,
        }
    }

    /// What the keys are hashed with.
    pub fn hash_keys(&self) -> (u64, u64) {
        self.hash_keys
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

    /// The size of all components and tombstones, as the quota has it.
    pub fn bytes(&self) -> usize {
        self.usage.bytes
    }

    /// The component under a key, alive or not.
    pub fn get(&self, key: &[u8]) -> Option<&Component> {
        self.slots.get(index(self.find(key)?))
    }

    /// What changed after `since`, latest first; costs what it yields. Since 0 everything changed.
    pub fn changed_since(&self, since: Clock) -> impl Iterator<Item = &Component> {
        self.slots_since(since).map(|(_, component)| component)
    }

    /// The same with the slots.
    pub(super) fn slots_since(&self, since: Clock) -> impl Iterator<Item = (Slot, &Component)> {
        let entry = |slot: Slot| Some((slot, self.slots.get(index(slot))?));
        std::iter::successors(self.newest.slot().and_then(entry), move |(_, component)| {
            component.older.slot().and_then(entry)
        })
        .take_while(move |(_, component)| since == 0 || component.changed() > since)
    }

    /// The slot after the last.
    pub(super) fn end(&self) -> Slot {
        Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX)
    }

    /// What is in a slot.
    pub(super) fn at(&self, slot: Slot) -> Option<&Component> {
        self.slots.get(index(slot))
    }

    /// Checks that patches do not make the document, or a component, grow over the quota.
    #[inline]
    pub(super) fn check_quota(&self, patches: &Patches<'_>, quota: &Quota) -> Result<(), Refusal> {
        if Bounds::of_document(quota).are_far(patches, &self.usage, self.alive) {
            return Ok(());
        }
        self.reckon(patches, quota)
    }

    #[cold]
    fn reckon(&self, patches: &Patches<'_>, quota: &Quota) -> Result<(), Refusal> {
        Bounds::of_document(quota).check(patches, self.usage.bytes, self.alive, |key| {
            self.get(key).map(|component| (&component.fields, component.is_alive()))
        })
    }

    /// Checks what depends on the document: that every delta finds a base (MG9, MG10).
    ///
    /// Gives by how many numbers the deltas make arrays grow.
    #[inline]
    pub(super) fn check(&self, patches: &Patches<'_>) -> Result<usize, Refusal> {
        merge::check_deltas(patches, |key| {
            self.get(key).filter(|component| component.is_alive()).map(Component::fields)
        })
    }

    /// Applies checked patches as one change (PA2) and returns the updates that came too late for their component (MG5).
    pub(super) fn apply(&mut self, patches: &Patches<'_>) -> Vec<usize> {
        self.clock += 1;
        let mut late = Vec::new();
        for (position, update) in patches.updates.iter().enumerate() {
            let found = self.find(update.key);
            let alive =
                found.and_then(|slot| self.slots.get(index(slot))).is_some_and(Component::is_alive);
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

    /// Applies a change as a journal holds it, which must be the one after the last. On an error nothing has changed.
    pub fn replay(&mut self, patches: &Patches<'_>) -> Result<(), Refusal> {
        self.check(patches)?;
        self.apply(patches);
        Ok(())
    }

    fn find(&self, key: &[u8]) -> Option<Slot> {
        let same = |slot: &Slot| {
            self.slots.get(index(*slot)).is_some_and(|component| *component.key == *key)
        };
        // Who drags or draws changes one component again and again.
        self.newest
            .slot()
            .filter(same)
            .or_else(|| self.expected.slot().filter(same))
            .or_else(|| self.by_key.find(hash(self.hash_keys, key), same).copied())
    }

    fn insert(&mut self, key: &[u8]) -> Slot {
        let slot = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        self.make_room();
        self.slots.push(Component {
            key: key.into(),
            fields: Fields::default(),
            stamp: Stamp::default(),
            older: Link::NONE,
            newer: Link::NONE,
        });
        self.index_key(slot);
        self.usage.change(Growth { added: key_size(key), removed: 0 });
        if let Some(undo) = &mut self.undo {
            undo.inserted(self.clock);
        }
        slot
    }

    /// Has a component found by its key.
    fn index_key(&mut self, slot: Slot) {
        let (hash_keys, slots) = (self.hash_keys, &self.slots);
        let hash = |slot: &Slot| {
            hash(hash_keys, slots.get(index(*slot)).map_or(&[], |component| &component.key))
        };
        self.by_key.insert_unique(hash(&slot), slot, hash);
    }

    /// Merges fields into a component; on a tombstone they start a new one (TB2).
    fn write(&mut self, slot: Slot, fields: &[Field<'_>]) {
        if fields.is_empty() {
            return;
        }
        self.keep_for_copy(slot);
        let alive = self.set_alive(slot, true);
        if self.undo.is_some() {
            self.write_provisionally(slot, alive, fields);
            return;
        }
        let (clock, scratch) = (self.clock, self.scratch.get_or_insert_default());
        let Some(component) = self.slots.get_mut(index(slot)) else { return };
        let growth = component.fields.merge(fields, clock, scratch);
        self.usage.grow(growth, &component.key, &component.fields);
        self.touch(slot);
    }

    /// Leaves a tombstone (TB1).
    fn bury(&mut self, found: Option<Slot>, key: &[u8]) {
        let slot = found.unwrap_or_else(|| self.insert(key));
        self.keep_for_copy(slot);
        let alive = self.set_alive(slot, false);
        let Some(component) = self.slots.get_mut(index(slot)) else { return };
        let replaced = std::mem::take(&mut component.fields);
        self.usage.change(Growth { added: 0, removed: replaced.size() });
        self.touch_provisionally(slot, alive, Replaced::Whole(replaced));
    }

    /// Returns whether the component was alive.
    fn set_alive(&mut self, slot: Slot, alive: bool) -> bool {
        let Some(component) = self.slots.get_mut(index(slot)) else { return false };
        let was_alive = component.stamp.set_alive(alive);
        self.alive -= usize::from(was_alive);
        self.alive += usize::from(alive);
        was_alive
    }

    /// Makes a component, whose fields have just been written, the one that changed last. Returns when it had changed before, and where
    /// it was in the list of changes unless that was at its head.
    fn touch(&mut self, slot: Slot) -> Option<(Clock, Option<Place>)> {
        let changed = self.slots.get_mut(index(slot))?.stamp.set_changed(self.clock);
        Some((changed, self.move_to_head(slot)))
    }

    /// Moves a component to the head of the list of changes. Returns where it was, unless that was there.
    fn move_to_head(&mut self, slot: Slot) -> Option<Place> {
        if self.newest.slot() == Some(slot) {
            return None;
        }
        let component = self.slots.get_mut(index(slot))?;
        let place = Place {
            older: std::mem::replace(&mut component.older, self.newest),
            newer: std::mem::take(&mut component.newer),
        };
        if let Some(component) = self.neighbour(place.older) {
            component.newer = place.newer;
        }
        if let Some(component) = self.neighbour(place.newer) {
            component.older = place.older;
        }
        if let Some(component) = self.neighbour(self.newest) {
            component.newer = Link::to(slot);
        }
        self.newest = Link::to(slot);
        self.expected = place.newer;
        Some(place)
    }

    fn neighbour(&mut self, link: Link) -> Option<&mut Component> {
        self.slots.get_mut(index(link.slot()?))
    }

    /// Makes room for one more slot, and for a quarter of those that are there: a document of many would else be half empty.
    fn make_room(&mut self) {
        let len = self.slots.len();
        if len == self.slots.capacity() {
            self.slots.reserve_exact(len / 4 + LEAST_GROWTH);
        }
    }

    /// Gives back what the next change can do without: nobody is here.
    pub(in crate::engine) fn rest(&mut self) {
        self.scratch = None;
        self.rest_undo();
        if self.slots.len() <= SHRUNK_SLOTS {
            self.slots.shrink_to_fit();
        }
    }

    fn sort_by_change(&mut self) {
        let mut slots: Vec<(Clock, Slot)> = self
            .slots
            .iter()
            .zip(0..)
            .map(|(component, slot)| (component.changed(), slot))
            .collect();
        slots.sort_unstable();
        let order: Vec<Slot> = slots.into_iter().map(|(_, slot)| slot).collect();
        for (position, slot) in order.iter().enumerate() {
            let neighbour = |at: Option<usize>| {
                at.and_then(|at| order.get(at)).copied().map_or(Link::NONE, Link::to)
            };
            if let Some(component) = self.slots.get_mut(index(*slot)) {
                component.older = neighbour(position.checked_sub(1));
                component.newer = neighbour(position.checked_add(1));
            }
        }
        self.newest = order.last().copied().map_or(Link::NONE, Link::to);
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
        let fields = Fields::collect(watched, self.0.scratch.get_or_insert_default());
        self.add(key, changed, true, fields);
    }

    /// Adds the tombstone of a component that was deleted at `clock`.
    pub fn tombstone(&mut self, key: &[u8], clock: Clock) {
        self.add(key, clock, false, Fields::default());
    }

    /// The document, its components in the order of their last change.
    pub fn finish(mut self) -> Document {
        self.0.slots.shrink_to_fit();
        self.0.scratch = None;
        self.0.sort_by_change();
        self.0
    }

    fn add(&mut self, key: &[u8], changed: Clock, alive: bool, fields: Fields) {
        let slot = self.0.insert(key);
        if let Some(component) = self.0.slots.get_mut(index(slot)) {
            self.0.usage.change(Growth { added: fields.size(), removed: 0 });
            self.0.usage.note(key, &fields);
            component.fields = fields;
            component.stamp.set_changed(changed);
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
mod edits;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod waking;
