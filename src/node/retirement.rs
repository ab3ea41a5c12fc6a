//! What the garbage collector knows of a room: to it an object that stands for a document of megabytes is a few bytes, and can
//! wait. So it is told the weight of a room that was closed, which nothing but a forgotten reference may still need.
//!
//! Of open rooms it is told nothing: they are in use, and looking for garbage more often would find none of them.

use std::{cell::RefCell, rc::Rc};

use napi::Env;
use napi_derive::napi;

use super::{error::CodedError, mailbox::Mailbox, opening, room::NativeRooms, rooms};

#[napi]
impl NativeRooms {
    /// The room was closed, and its last save is over. It can still be read.
    #[napi]
    pub fn retire(&self, env: Env) -> Result<(), CodedError> {
        let room = self.room()?;
        let mut state = room.borrow_mut();
        let weight = i64::try_from(state.durable.room.memory_bytes()).unwrap_or(i64::MAX);
        if env.adjust_external_memory(weight.saturating_sub(state.weight)).is_ok() {
            state.weight = weight;
        }
        Ok(())
    }
}

/// Nobody has the room at this place any more.
#[napi]
pub fn forget_room(env: Env, place: u32) -> napi::Result<()> {
    let Some(room) = rooms::forget(place) else { return Ok(()) };
    let weight = room.borrow().weight;
    env.adjust_external_memory(-weight).map(|_| ())
}

/// The environment ends that has the rooms which answer through a mailbox. Another of the same thread may go on.
pub(super) fn forget_all(mailbox: &Rc<RefCell<Mailbox>>) {
    for (place, _) in rooms::forget_all(mailbox) {
        opening::abandon(place);
    }
}
