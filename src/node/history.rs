//! A room's history, read on Node's worker threads.

use std::sync::Arc;

use napi::{Env, Task, bindgen_prelude::AsyncTask};
use napi_derive::napi;

use super::{error::error_text, room::text, store::rejection};
use crate::{
    engine::Clock,
    server::{History, Past, PastList},
    storage::StorageError,
};

/// Reads the history of one room.
#[derive(Debug)]
#[napi]
pub struct NativeHistory {
    history: Arc<History>,
}

/// A list of changes.
#[derive(Debug)]
#[napi(object)]
pub struct NativePastList {
    /// The JSON text of a list of `{ timestamp, time, clientId }`.
    pub changes: String,
    /// Why some are missing: code, space, message.
    pub errors: Vec<String>,
}

/// A room as it was.
#[derive(Debug)]
#[napi]
pub struct NativePast {
    past: Past,
}

/// How to get a room back to what it was.
#[derive(Debug)]
#[napi(object)]
pub struct NativeRestoration {
    /// The JSON text of a list of patches.
    pub patches: String,
    /// The JSON text of a list of `{ key, fields }`: what stays though it was not there.
    pub kept: String,
}

#[napi]
impl NativeHistory {
    /// The changes after a clock, the oldest first, no more than `limit`; `stored` is the clock up to which all is stored.
    /// Rejects with `HEDDLE_STORAGE` and `HEDDLE_DAMAGED_FILE` when the room's own files cannot be read.
    #[napi(ts_return_type = "Promise<NativePastList>")]
    pub fn list(&self, after: i64, stored: i64, limit: u32) -> AsyncTask<ListPast> {
        AsyncTask::new(ListPast {
            history: Arc::clone(&self.history),
            after: clock(after),
            stored: clock(stored),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        })
    }

    /// The room as it was right after a change. Rejects with `HEDDLE_NO_HISTORY`, `HEDDLE_STORAGE` and
    /// `HEDDLE_DAMAGED_FILE`.
    #[napi(ts_return_type = "Promise<NativePast>")]
    pub fn at(&self, timestamp: i64, stored: i64) -> AsyncTask<ReadPast> {
        AsyncTask::new(ReadPast {
            history: Arc::clone(&self.history),
            clock: clock(timestamp),
            stored: clock(stored),
        })
    }
}

impl NativeHistory {
    pub(super) fn new(history: History) -> Self {
        Self { history: Arc::new(history) }
    }
}

#[napi]
impl NativePast {
    /// Its snapshot's JSON text.
    #[napi]
    pub fn text(&self) -> String {
        text(self.past.text.clone())
    }
}

impl NativePast {
    pub(super) fn get(&self) -> &Past {
        &self.past
    }
}

/// [`NativeHistory::list`] on its thread.
#[derive(Debug)]
pub struct ListPast {
    history: Arc<History>,
    after: Clock,
    stored: Clock,
    limit: usize,
}

impl Task for ListPast {
    type Output = Result<PastList, StorageError>;
    type JsValue = NativePastList;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.history.list(self.after, self.stored, self.limit))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let list = output.map_err(|error| rejection(env, &error))?;
        let errors = list.errors.iter().map(|error| text(error_text(error))).collect();
        Ok(NativePastList { changes: text(list.text), errors })
    }
}

/// [`NativeHistory::at`] on its thread.
#[derive(Debug)]
pub struct ReadPast {
    history: Arc<History>,
    clock: Clock,
    stored: Clock,
}

impl Task for ReadPast {
    type Output = Result<Past, StorageError>;
    type JsValue = NativePast;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.history.at(self.clock, self.stored))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let past = output.map_err(|error| rejection(env, &error))?;
        Ok(NativePast { past })
    }
}

fn clock(number: i64) -> Clock {
    Clock::try_from(number).unwrap_or(0)
}
