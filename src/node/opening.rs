//! Opening a room's files: read, recovered and decoded on a worker thread, then taken over by its room.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

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
        StoreOptions { level, compaction_gap: milliseconds(self.least_compaction_gap) }
    }

    pub(super) fn retention(&self) -> Option<Duration> {
        self.history_retention.map(milliseconds)
    }
}

fn milliseconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number / 1000.0).unwrap_or(LONGEST_GAP).min(LONGEST_GAP)
}

/// A room as it was found in its files, which are locked from now on. For one [`super::NativeRoom`] to take over.
#[derive(Debug)]
#[napi]
pub struct NativeOpening {
    recovered: Mutex<Option<Recovered>>,
}

#[napi]
impl NativeOpening {
    /// How many bytes of a torn end were cut off the journal.
    #[napi(getter)]
    pub fn cut_bytes(&self) -> f64 {
        let recovered = self.recovered.lock().unwrap_or_else(PoisonError::into_inner);
        recovered.as_ref().map_or(0.0, |recovered| super::room::number(recovered.cut_bytes))
    }

    /// Lets go of the files; for a room that was closed meanwhile.
    #[napi]
    pub fn release(&self) {
        if let Some(recovered) = self.take() {
            recovered.store.release();
        }
    }
}

impl NativeOpening {
    pub(super) fn take(&self) -> Option<Recovered> {
        self.recovered.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// [`super::NativeFileStore::open`] on its thread.
pub struct Open {
    pub(super) store: Arc<FileStore>,
    pub(super) options: StoreOptions,
    pub(super) retention: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) notify: Option<Notify>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Open").field("store", &self.store).finish_non_exhaustive()
    }
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
    type JsValue = NativeOpening;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let notify = self.notify.take().unwrap_or_else(|| Box::new(|| {}));
        let recovered = match Recovered::open(&self.store, self.options, notify) {
            Ok(recovered) => recovered,
            Err(error) => return Ok(Err(OpenError::Files(error))),
        };
        if let Err(error) = recovered.check(&self.limits) {
            recovered.store.release();
            return Ok(Err(OpenError::Document(error)));
        }
        if let Some(retention) = self.retention {
            recovered.store.keep_history(retention);
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
        Ok(NativeOpening { recovered: Mutex::new(Some(recovered)) })
    }
}
