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
    pub fn retire(&mut self, env: Env) {
        let weight = i64::try_from(self.durable.room.document_bytes()).unwrap_or(i64::MAX);
        if env.adjust_external_memory(weight.saturating_sub(self.weight)).is_ok() {
            self.weight = weight;
        }
    }
}

impl ObjectFinalize for NativeRoom {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.weight).map(|_| ())
    }
}
