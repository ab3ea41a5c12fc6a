//! What most rooms have nothing of: most of the rooms that are open are idle.

use std::{collections::BTreeMap, ops::Deref};

/// A value that takes memory from its first change on, and reads as blank until then.
#[derive(Debug, Clone)]
pub(crate) struct Lazy<T>(Option<Box<T>>);

/// What has a value that can be read by all who have none.
pub(crate) trait Blank: 'static {
    /// The value before the first change.
    const BLANK: &'static Self;
    /// One that can be changed.
    fn blank() -> Self;
}

impl<T: Blank> Lazy<T> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// The value, made if there is none: for a change that leaves something in it.
    pub(crate) fn make(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::blank()))
    }

    /// The value, for a change that does nothing to a blank one.
    pub(crate) fn made(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }
}

impl<T: Blank> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::BLANK)
    }
}

impl<K: 'static, V: 'static> Blank for BTreeMap<K, V> {
    const BLANK: &'static Self = &Self::new();

    fn blank() -> Self {
        Self::new()
    }
}
