//! Errors as JS sees them: each has a `code` that stays the same from release to release.

use std::borrow::Cow;

use crate::{server::RoomError, storage::StorageError};

/// An error on its way to JS, its status being the `code`; behind a space follows what a frame would be refused for.
pub(super) type CodedError = napi::Error<Cow<'static, str>>;

/// An error with a code alone.
pub(super) fn coded(code: &'static str, reason: impl ToString) -> CodedError {
    CodedError::new(Cow::Borrowed(code), reason)
}

/// The code of an engine that panicked; lib/ closes the room.
pub(super) const ROOM_BROKEN: &str = "HEDDLE_ROOM_BROKEN";

impl From<RoomError> for CodedError {
    fn from(error: RoomError) -> Self {
        let code = match &error {
            RoomError::Broken => ROOM_BROKEN,
            RoomError::BadSnapshot(_) | RoomError::BadChange(_) | RoomError::OverLimit(_) => {
                "HEDDLE_BAD_SNAPSHOT"
            }
            RoomError::BadPatch(_) => "HEDDLE_BAD_PATCH",
            RoomError::Stalled => "HEDDLE_STORE_FAILED",
        };
        match error.refusal() {
            Some(refusal) => Self::new(format!("{code} {}", refusal.as_str()).into(), error),
            None => coded(code, error),
        }
    }
}

/// The code of a storage error.
pub(super) fn storage_code(error: &StorageError) -> &'static str {
    match error {
        StorageError::Damaged { .. } => "HEDDLE_DAMAGED_FILE",
        // Only between the two sides: lib/ tries again.
        StorageError::Locked { owner, .. } if owner.closing => "HEDDLE_ROOM_CLOSING",
        StorageError::Locked { .. } => "HEDDLE_ROOM_LOCKED",
        StorageError::NoHistory { .. } => "HEDDLE_NO_HISTORY",
        StorageError::History { .. } => "HEDDLE_HISTORY_FAILED",
        StorageError::Io { .. }
        | StorageError::NameTaken { .. }
        | StorageError::Poisoned { .. } => "HEDDLE_STORAGE",
    }
}

/// An error as lib/ reads it: the code, a space, the message.
pub(super) fn error_text(error: &StorageError) -> Vec<u8> {
    format!("{} {error}", storage_code(error)).into_bytes()
}
