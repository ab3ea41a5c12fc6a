//! Opening a room's files: read, recovered and decoded on a worker thread, then taken over by its room.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use napi::{Env, JsError, Task};
use napi_derive::napi;

use super::{error::CodedError, limits::NativeLimits, store::rejection};
use crate::{
    protocol::limits::Limits,
    server::{Level, Notify, Recovered, RoomError, StoreOptions},
    storage::{FileStore, StorageError},
};

/// Longer than any process runs, and short enough to be added to the time.
const LONGEST_GAP: Duration = Duration::from_secs(1 << 32);

/// What an ack promises, and how often a journal is compacted at most.
#[derive(Debug)]
#[napi(object, object_to_js = false)]
pub struct NativeStoreOptions {
    /// `none`, `process` or `disk`.
    pub durability: String,
    /// Milliseconds.
    pub least_compaction_gap: f64,
    /// How long changes are kept in the history, in milliseconds; none where there is no history.
    pub history_retention: Option<f64>,
    /// Those of the room.
    pub limits: NativeLimits,
}

impl NativeStoreOptions {
    pub(super) fn read(&self) -> StoreOptions {
        let level = match self.durability.as_str() {
            "process" => Level::Process,
            "disk" => Level::Disk,
            _ => Level::None,
        };
        StoreOptions {
            level,
            compaction_gap: milliseconds(self.least_compaction_gap),
            retention: self.history_retention.map(milliseconds),
        }
    }
}

pub(super) fn milliseconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number / 1000.0).unwrap_or(LONGEST_GAP).min(LONGEST_GAP)
}

thread_local! {
    /// What was found in the files of rooms that have not taken it over yet, by their numbers. An object for each would outlive
    /// the opening until the garbage collector comes by.
    static FOUND: RefCell<BTreeMap<u32, Recovered>> = const { RefCell::new(BTreeMap::new()) };
}

/// What the files of a room hold, which are locked from now on.
pub(super) fn take(number: u32) -> Option<Recovered> {
    FOUND.with_borrow_mut(|found| found.remove(&number))
}

/// Lets go of what nobody will take over.
pub(super) fn abandon(number: u32) {
    if let Some(recovered) = take(number) {
        recovered.store.release();
    }
}

/// [`super::open_files`] on its thread.
#[derive(Debug)]
pub struct Open {
    pub(super) store: FileStore,
    pub(super) options: StoreOptions,
    pub(super) limits: Limits,
    pub(super) notify: Notify,
}

/// Why a room does not open.
#[derive(Debug)]
pub enum OpenError {
    /// Its files cannot be read.
    Files(StorageError),
    /// What they hold is over a limit of the room.
    Document(RoomError),
}

impl Task for Open {
    type Output = Result<Recovered, OpenError>;
    type JsValue = f64;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let notify = self.notify.clone();
        let recovered = match Recovered::open(&self.store, self.options, notify) {
            Ok(recovered) => recovered,
            Err(error) => return Ok(Err(OpenError::Files(error))),
        };
        if let Err(error) = recovered.check(&self.limits) {
            recovered.store.release();
            return Ok(Err(OpenError::Document(error)));
        }
        Ok(Ok(recovered))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let recovered = output.map_err(|error| match error {
            OpenError::Files(error) => rejection(env, &error),
            OpenError::Document(error) => {
                JsError::from(CodedError::from(error)).into_unknown(env).into()
            }
        })?;
        let cut_bytes = super::room::number(recovered.cut_bytes);
        FOUND.with_borrow_mut(|found| found.insert(self.notify.number(), recovered));
        Ok(cut_bytes)
    }
}
