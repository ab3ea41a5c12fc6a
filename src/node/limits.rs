//! The limits of a room, as lib/limits.js has resolved them.

use std::{cell::RefCell, sync::Arc};

use napi_derive::napi;

use crate::{engine::Quota, protocol::limits::Limits};

/// What the native side enforces of a room's limits. All are integers from 1 on.
#[derive(Debug)]
#[napi(object, object_to_js = false)]
pub struct NativeLimits {
    /// Bytes of a frame.
    pub frame_bytes: f64,
    /// Objects and arrays inside each other.
    pub nesting: f64,
    /// Component keys of a frame.
    pub keys_per_frame: f64,
    /// Bytes of a key or field name.
    pub name_bytes: f64,
    /// Fields of a component.
    pub fields_per_component: f64,
    /// Bytes of a component.
    pub component_bytes: f64,
    /// Bytes of the document.
    pub document_bytes: f64,
    /// Components that are alive.
    pub components: f64,
    /// Numbers of an array that a delta makes.
    pub buffer_numbers: f64,
    /// Numbers that the deltas of a frame may add for each byte of it.
    pub buffer_growth_per_byte: f64,
    /// Numbers that they may add whatever its size.
    pub buffer_growth_base: f64,
    /// Bytes of one client's presence.
    pub presence_bytes: f64,
}

thread_local! {
    /// Those of the last room: a server's rooms usually have the same.
    static LAST: RefCell<Option<Arc<Limits>>> = const { RefCell::new(None) };
}

impl NativeLimits {
    /// [`Self::read`], shared with the last room if it has the same.
    pub(super) fn share(&self) -> Arc<Limits> {
        let limits = self.read();
        LAST.with_borrow_mut(|last| match last {
            Some(last) if **last == limits => Arc::clone(last),
            last => Arc::clone(last.insert(Arc::new(limits))),
        })
    }

    pub(super) fn read(&self) -> Limits {
        Limits {
            frame_bytes: count(self.frame_bytes),
            depth: count(self.nesting),
            keys: count(self.keys_per_frame),
            name_bytes: count(self.name_bytes),
            buffer_numbers: count(self.buffer_numbers),
            buffer_growth_base: count(self.buffer_growth_base),
            buffer_growth_per_byte: count(self.buffer_growth_per_byte),
            quota: Quota {
                fields: count(self.fields_per_component),
                component_bytes: count(self.component_bytes),
                document_bytes: count(self.document_bytes),
                components: count(self.components),
                presence_bytes: count(self.presence_bytes),
            },
        }
    }
}

/// An integer that a double holds exactly.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the only conversion there is; it saturates"
)]
fn count(number: f64) -> usize {
    number as usize
}
