//! How other threads tell JS that something has happened.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use napi::{
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use crate::server::Notify;

/// Weak, so that it keeps no process alive; one call in the queue is enough, since JS then takes all numbers.
type Wake = ThreadsafeFunction<(), (), (), napi::Status, false, true, 1>;

/// Collects the numbers of rooms that have news and wakes the JS thread, once for however many.
#[napi]
pub struct NativeNotifier {
    shared: Arc<Shared>,
    tell: Tell,
}

/// Called with the number of a room that has news.
type Tell = Arc<dyn Fn(u32) + Send + Sync>;

struct Shared {
    wake: Wake,
    ready: Mutex<BTreeSet<u32>>,
}

impl std::fmt::Debug for NativeNotifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shared.fmt(formatter)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").field("ready", &self.ready).finish_non_exhaustive()
    }
}

#[napi]
impl NativeNotifier {
    /// Calls `callback` on the JS thread when there is something to take.
    #[napi(constructor)]
    pub fn new(callback: Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = callback
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .max_queue_size::<1>()
            .build()?;
        let shared = Arc::new(Shared { wake, ready: Mutex::default() });
        let told = Arc::clone(&shared);
        Ok(Self { shared, tell: Arc::new(move |number| told.tell(number)) })
    }

    /// The numbers that have come together since the last call.
    #[napi]
    pub fn take(&self) -> Vec<u32> {
        let mut ready = self.shared.ready.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *ready).into_iter().collect()
    }
}

impl NativeNotifier {
    /// What calls in with this number.
    pub(super) fn numbered(&self, number: u32) -> Notify {
        Notify::new(Arc::clone(&self.tell), number)
    }
}

impl Shared {
    fn tell(&self, number: u32) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = ready.is_empty();
        ready.insert(number);
        drop(ready);
        if is_first {
            // A queue that is full holds the call that will take this number too; one that is closing belongs to an
            // environment that is gone.
            let _status = self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
