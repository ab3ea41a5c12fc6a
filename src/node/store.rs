//! The files of one room, for lib/keepers/storage.js. Reading and writing happen on Node's worker threads.

use std::sync::{Arc, LazyLock};

use napi::{
    Env, JsError, Task,
    bindgen_prelude::{AsyncTask, Either, Utf16String},
};
use napi_derive::napi;

use super::{
    error::storage_code,
    notifier::NativeNotifier,
    opening::{NativeStoreOptions, Open},
    room::NativeSnapshot,
};
use crate::{
    server::{CANVAS, SnapshotText},
    storage::{FileStore, LoggedDisk, RealDisk, StorageError},
};

/// The snapshot file of one room. Calls are made one after the other: of two that wait, either may go first.
#[derive(Debug)]
#[napi]
pub struct NativeFileStore {
    store: Arc<FileStore>,
}

#[napi]
impl NativeFileStore {
    /// The file of the room `roomId` in `dir`. Touches nothing yet.
    #[napi(constructor)]
    pub fn new(dir: String, room_id: Utf16String) -> Self {
        Self { store: Arc::new(files(dir, &room_id)) }
    }

    /// The file's text; null when there is no file. Rejects with `HEDDLE_DAMAGED_FILE` when it holds no snapshot, and with
    /// `HEDDLE_STORAGE` when it cannot be read.
    #[napi(ts_return_type = "Promise<string | null>")]
    pub fn load(&self) -> AsyncTask<Load> {
        AsyncTask::new(Load { store: Arc::clone(&self.store) })
    }

    /// Replaces the file. Rejects with `HEDDLE_STORAGE`; then the old file is still there.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn save(&self, snapshot: Either<String, &NativeSnapshot>) -> AsyncTask<Save> {
        let text = match snapshot {
            Either::A(text) => Arc::new(text.into_bytes()),
            Either::B(snapshot) => snapshot.share(),
        };
        AsyncTask::new(Save { store: Arc::clone(&self.store), text })
    }
}

/// Locks the files of the room `roomId` in `dir` and reads what they hold. Then the room at the place `number` must `adopt` or
/// `abandon` them; the number is also what `notifier` is told when its store has news. Resolves to how many bytes of a torn end
/// were cut off the journal. Rejects as `load` does, with `HEDDLE_ROOM_LOCKED` when the room is open elsewhere, and with
/// `HEDDLE_ROOM_CLOSING` when this process is about to let go of it.
#[napi(ts_return_type = "Promise<number>")]
pub fn open_files(
    dir: String,
    room_id: Utf16String,
    notifier: &NativeNotifier,
    number: u32,
    options: NativeStoreOptions,
) -> AsyncTask<Open> {
    AsyncTask::new(Open {
        store: files(dir, &room_id),
        options: options.read(),
        limits: options.limits.read(),
        notify: notifier.numbered(number),
    })
}

fn files(dir: String, room_id: &[u16]) -> FileStore {
    match disk_log() {
        Some(disk) => FileStore::new_on(Arc::new(disk.clone()), dir, room_id, CANVAS),
        None => FileStore::new(dir, room_id, CANVAS),
    }
}

/// The disk that logs every file operation of the process to the file that `HEDDLE_DISK_LOG` names: for a comparison with
/// a trace of system calls.
fn disk_log() -> Option<&'static LoggedDisk> {
    static DISK: LazyLock<Option<LoggedDisk>> = LazyLock::new(|| {
        let path = std::env::var_os("HEDDLE_DISK_LOG")?;
        LoggedDisk::to_file(Arc::new(RealDisk), path.as_ref()).ok()
    });
    DISK.as_ref()
}

/// [`NativeFileStore::load`] on its thread.
#[derive(Debug)]
pub struct Load {
    store: Arc<FileStore>,
}

impl Task for Load {
    type Output = Result<Option<Vec<u8>>, StorageError>;
    type JsValue = Option<String>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.store.load())
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        let text = output.map_err(|error| rejection(env, &error))?;
        Ok(text.map(super::room::text))
    }
}

/// [`NativeFileStore::save`] on its thread.
#[derive(Debug)]
pub struct Save {
    store: Arc<FileStore>,
    text: SnapshotText,
}

impl Task for Save {
    type Output = Result<(), StorageError>;
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.store.save(&self.text))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<Self::JsValue> {
        output.map_err(|error| rejection(env, &error))
    }
}

/// A JS error with a code of ours, in the shape that a promise is rejected with.
pub(super) fn rejection(env: Env, error: &StorageError) -> napi::Error {
    JsError::from(napi::Error::new(storage_code(error), error)).into_unknown(env).into()
}
