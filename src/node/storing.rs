//! A room and what it is stored in: files of its own, or a storage of the user's own.

use napi_derive::napi;

use super::{
    error::{CodedError, coded},
    history::{NativeHistory, NativePast, NativeRestoration},
    opening::{self, milliseconds},
    room::{NativeRooms, NativeSnapshot, number, shared, text},
};
use crate::{
    engine::Clock,
    server::{DurableRoom, Store},
};

#[napi]
impl NativeRooms {
    /// Takes over the document and the files that `openFiles` has found. False when nothing was stored: then the document stays as
    /// it is.
    #[napi]
    pub fn adopt(&self) -> Result<bool, CodedError> {
        match opening::take(self.number().place) {
            Some(recovered) => Ok(self.room()?.borrow_mut().durable.adopt(recovered)?),
            None => Err(coded("HEDDLE_INVALID_ARGUMENT", "there are no files to take over")),
        }
    }

    /// Lets go of the files that `openFiles` has found; for a room that was closed meanwhile.
    #[napi]
    pub fn abandon(&self) {
        opening::abandon(self.number().place);
    }

    /// Stores what was accepted since the last call, and answers with what may be shown now.
    #[napi]
    pub fn commit(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::commit)
    }

    /// Answers with what has become of earlier commits, flushes and closes.
    #[napi]
    pub fn poll(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::poll)
    }

    /// Takes back what the store has not answered to for so many milliseconds.
    #[napi]
    pub fn give_up(&self, after_ms: u32) -> Result<Option<String>, CodedError> {
        let after = milliseconds(after_ms.into());
        self.answer(|room, out| room.give_up(after, out))
    }

    /// Drops the last edit by the server itself if it was taken back, instead of having it wait. False when it was not.
    #[napi]
    pub fn forget_edit(&self) -> Result<bool, CodedError> {
        Ok(self.room()?.borrow_mut().durable.room.forget_edit())
    }

    /// Whether a commit is under way on another thread.
    #[napi(getter)]
    pub fn is_busy(&self) -> Result<bool, CodedError> {
        Ok(self.room()?.borrow_mut().durable.store().is_some_and(Store::is_busy))
    }

    /// Whether something was accepted that is not stored.
    #[napi(getter)]
    pub fn has_unstored(&self) -> Result<bool, CodedError> {
        Ok(self.room()?.borrow_mut().durable.room.has_unstored())
    }

    /// Brings the room's snapshot file up to date; SETTLED says when.
    #[napi]
    pub fn flush_store(&self, ticket: u32) -> Result<(), CodedError> {
        self.with_store(|store| store.flush(ticket))
    }

    /// The clock up to which everything is stored.
    #[napi(getter)]
    pub fn stored_clock(&self) -> Result<f64, CodedError> {
        Ok(number(self.room()?.borrow_mut().durable.room.stored_clock()))
    }

    /// The history of a room in files, where it keeps one.
    #[napi]
    pub fn history(&self) -> Result<Option<NativeHistory>, CodedError> {
        let room = self.room()?;
        let history = room.borrow().durable.store().and_then(Store::history);
        Ok(history.map(NativeHistory::new))
    }

    /// How to get from the document as it is now to what it was.
    #[napi]
    pub fn plan_restoration(&self, past: &NativePast) -> Result<NativeRestoration, CodedError> {
        let plan = self.room()?.borrow_mut().durable.room.plan_restoration(past.get())?;
        Ok(NativeRestoration { patches: text(plan.patches), kept: text(plan.kept) })
    }

    /// Applies the patches of a restoration, whatever their size, as an edit by the server itself.
    #[napi]
    pub fn apply_restoration(&self, patches: String) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.edit_unlimited(patches.as_bytes(), out))
    }

    // For a storage of the user's own

    /// Makes what is accepted from now on wait until [`Self::stored`] says that it is stored.
    #[napi]
    pub fn journal(&self) -> Result<(), CodedError> {
        self.room()?.borrow_mut().durable.room.set_journaled();
        Ok(())
    }

    /// Puts in place what a storage holds: the JSON texts of a snapshot, if there is one, and of the changes after it. Throws
    /// `HEDDLE_BAD_SNAPSHOT`; then nothing has changed.
    #[napi]
    pub fn recover(&self, snapshot: Option<String>, changes: String) -> Result<(), CodedError> {
        let snapshot = snapshot.as_deref().map(str::as_bytes);
        Ok(self.room()?.borrow_mut().durable.recover(snapshot, changes.as_bytes())?)
    }

    /// The changes that nobody has taken yet, as the JSON text of a list.
    #[napi]
    pub fn take_batch(&self) -> Result<Option<String>, CodedError> {
        Ok(self.room()?.borrow_mut().durable.take_text().map(text))
    }

    /// Everything up to this clock is stored.
    #[napi]
    pub fn stored(&self, clock: i64) -> Result<Option<String>, CodedError> {
        self.answer(|room, out| room.stored(Clock::try_from(clock).unwrap_or(0), out))
    }

    /// What is not stored will not be: it is taken back, and waits.
    #[napi]
    pub fn store_failed(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::store_failed)
    }

    /// The store works again: what waited is handled.
    #[napi]
    pub fn store_recovered(&self) -> Result<Option<String>, CodedError> {
        self.answer(DurableRoom::store_recovered)
    }

    /// Begins a copy of the document as far as it is stored, like `beginSnapshot`. `inFlight` is the text of what was taken
    /// and is not stored yet.
    #[napi]
    pub fn begin_stored_snapshot(
        &self,
        in_flight: String,
    ) -> Result<Option<NativeSnapshot>, CodedError> {
        Ok(shared(self.room()?.borrow_mut().durable.begin_stored_snapshot(in_flight.as_bytes())?))
    }

    // For a room in files

    /// Puts a snapshot in place of all that the files hold; SETTLED says when.
    #[napi]
    pub fn save_snapshot(&self, ticket: u32, snapshot: &NativeSnapshot) -> Result<(), CodedError> {
        self.with_store(|store| store.save(ticket, snapshot.share()))
    }

    /// Tells who asks for the room's files that they will be free soon.
    #[napi]
    pub fn begin_close(&self) -> Result<(), CodedError> {
        self.with_store(Store::begin_close)
    }

    /// Lets go of the files, with `save` after leaving everything in the snapshot file; SETTLED says when.
    #[napi]
    pub fn close_store(&self, ticket: u32, save: bool) -> Result<(), CodedError> {
        self.with_store(|store| store.close(ticket, save))
    }
}

impl NativeRooms {
    /// Does something with the files of the room, if it has any.
    fn with_store(&self, work: impl FnOnce(&Store)) -> Result<(), CodedError> {
        if let Some(store) = self.room()?.borrow_mut().durable.store() {
            work(store);
        }
        Ok(())
    }
}
