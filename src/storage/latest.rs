//! What rooms have in common that are opened one after the other: of a server's rooms that is usually all.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What the room that was opened last has, as long as any room has it.
#[derive(Debug)]
pub(crate) struct Latest<T>(Mutex<Weak<T>>);

impl<T> Latest<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The latest one if it `is_same` as what is wanted, and else one that is made.
    pub(crate) fn share(
        &self,
        is_same: impl FnOnce(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latest.upgrade().filter(|latest| is_same(latest)).unwrap_or_else(|| {
            let fresh = Arc::new(make());
            *latest = Arc::downgrade(&fresh);
            fresh
        })
    }
}
