//! Recovery: changes that a journal holds, applied to the document that they were made on.

use crate::{
    engine::{Clock, Document, Patches, Refusal},
    protocol::{
        canvas::{self, FrameText, snapshot::BadSnapshot},
        limits::Limits,
    },
};

/// Why changes cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// What they were made on is no snapshot.
    #[error("no valid room snapshot: {0}")]
    BadSnapshot(#[from] BadSnapshot),
    /// They are no list of changes.
    #[error("no list of changes: {0}")]
    BadList(String),
    /// A change is missing, or one comes twice.
    #[error("change {clock} follows change {last}")]
    OutOfOrder {
        /// The clock of the change before.
        last: Clock,
        /// The clock of this one.
        clock: Clock,
    },
    /// A change is none, or was made on another document.
    #[error("change {clock} is no valid change: {} ({})", .refusal.message, .refusal.code.as_str())]
    BadChange {
        /// Its clock.
        clock: Clock,
        /// What is wrong with it.
        refusal: Refusal,
    },
    /// The system has no randomness to give.
    #[error("no randomness: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

/// The text of the snapshot that a room would give after these changes, each with its clock and the JSON text of its
/// patches. Without a snapshot the room began empty.
pub fn replay<'c>(
    snapshot: Option<&[u8]>,
    changes: impl IntoIterator<Item = (Clock, &'c [u8])>,
) -> Result<Vec<u8>, ReplayError> {
    Ok(canvas::snapshot::encode(&restore(snapshot, changes)?))
}

/// The document that a room would have after these changes, as [`replay`] has them.
pub(super) fn restore<'c>(
    snapshot: Option<&[u8]>,
    changes: impl IntoIterator<Item = (Clock, &'c [u8])>,
) -> Result<Document, ReplayError> {
    let hash_keys = (getrandom::u64()?, getrandom::u64()?);
    let mut document = match snapshot {
        Some(text) => canvas::snapshot::decode(text, hash_keys)?,
        None => Document::new(hash_keys),
    };
    for (clock, text) in changes {
        let last = document.clock();
        replay_change(last, clock, text, |patches| document.replay(patches))?;
    }
    Ok(document)
}

/// Hands a change to `apply`, if it is the one after `last`.
pub(super) fn replay_change(
    last: Clock,
    clock: Clock,
    text: &[u8],
    apply: impl FnOnce(&Patches<'_>) -> Result<(), Refusal>,
) -> Result<(), ReplayError> {
    if last.checked_add(1) != Some(clock) {
        return Err(ReplayError::OutOfOrder { last, clock });
    }
    // What was accepted once must be accepted again, whatever the limits are by now.
    let limits = Limits::ACCEPTED_BEFORE;
    let text = FrameText::read(text, &limits);
    let applied = text
        .sound()
        .and_then(|text| canvas::decode_edit(text, &limits))
        .and_then(|patches| apply(&patches));
    applied.map_err(|refusal| ReplayError::BadChange { clock, refusal })
}
