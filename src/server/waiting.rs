//! Frames that wait until something can be stored again.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::SessionId;

/// What a frame counts at least, so that empty ones are bounded too.
const LEAST_COST_BYTES: usize = 64;

/// Room for a few small frames beside one of any size.
const SMALL_FRAMES_BYTES: usize = 64 << 10;

/// A frame, or an edit by the server itself, to be handled later or once more.
#[derive(Debug)]
pub(super) struct Kept {
    /// Who sent it; nobody where the server itself edited.
    pub(super) session: Option<SessionId>,
    pub(super) bytes: Box<[u8]>,
    /// Whether its presence has been handled and told.
    pub(super) is_shown: bool,
}

/// Waiting frames in the order in which they came, so many bytes of each session.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// There while something waits, which is rare.
    queue: Option<Box<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Kept>,
    shares: BTreeMap<SessionId, Share>,
}

#[derive(Debug, Default)]
struct Share {
    bytes: usize,
    /// A `reconnect` waits, so that the session cannot be told anything that its answer must come before.
    reconnects: bool,
}

impl Waiting {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    /// Whether whatever this session sends must wait, because its `reconnect` does.
    pub(super) fn blocks(&self, session: SessionId) -> bool {
        let share = self.queue.as_ref().and_then(|queue| queue.shares.get(&session));
        share.is_some_and(|share| share.reconnects)
    }

    /// Takes a frame. False, and it is not taken, when its session has too many: one of `frame_bytes` can wait, and a few
    /// small ones with it.
    pub(super) fn push(&mut self, kept: Kept, is_reconnect: bool, frame_bytes: usize) -> bool {
        let queue = self.queue.get_or_insert_default();
        if let Some(session) = kept.session {
            let share = queue.shares.entry(session).or_default();
            share.bytes = share.bytes.saturating_add(kept.bytes.len().max(LEAST_COST_BYTES));
            if share.bytes > frame_bytes.saturating_add(SMALL_FRAMES_BYTES) {
                return false;
            }
            share.reconnects |= is_reconnect;
        }
        queue.frames.push_back(kept);
        true
    }

    /// The frame that has waited longest. All are popped before another waits.
    pub(super) fn pop(&mut self) -> Option<Kept> {
        let kept = self.queue.as_mut()?.frames.pop_front();
        if kept.is_none() {
            self.queue = None;
        }
        kept
    }

    /// Forgets the edit by the server itself that came last, if nothing came after it.
    pub(super) fn pop_last_edit(&mut self) -> bool {
        let Some(Queue { frames, .. }) = self.queue.as_deref_mut() else { return false };
        let is_edit = frames.back().is_some_and(|kept| kept.session.is_none());
        is_edit && frames.pop_back().is_some()
    }

    /// Forgets the frames of a session that has left.
    pub(super) fn forget(&mut self, session: SessionId) {
        let Some(Queue { frames, shares }) = self.queue.as_deref_mut() else { return };
        if shares.remove(&session).is_some() {
            frames.retain(|kept| kept.session != Some(session));
        }
    }
}
