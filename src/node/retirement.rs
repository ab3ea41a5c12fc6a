//! What the garbage collector knows of a room: to it an object that holds a document of megabytes is a few bytes, and can
//! wait. So it is told the weight of a room that was closed, which nothing but a forgotten reference may still need.
//!
//! Of open rooms it is told nothing: they are in use, and looking for garbage more often would find none of them.

use napi::{Env, bindgen_prelude::ObjectFinalize};
use napi_derive::napi;

use super::room::NativeRoom;

#[napi]
impl NativeRoom {
    /// The room was closed, and its last save is over. It can still be read.
    #[napi]
    pub fn retire(&self, env: Env) {
        let mut state = self.state();
        let weight = i64::try_from(state.durable.room.memory_bytes()).unwrap_or(i64::MAX);
        if env.adjust_external_memory(weight.saturating_sub(state.weight)).is_ok() {
            state.weight = weight;
        }
    }
}

impl ObjectFinalize for NativeRoom {
    fn finalize(self, env: Env) -> napi::Result<()> {
        let weight = self.state().weight;
        env.adjust_external_memory(-weight).map(|_| ())
    }
}
