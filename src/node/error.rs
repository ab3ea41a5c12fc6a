//! Errors as JS sees them: each has a `code` that stays the same from release to release.

use crate::{server::RoomError, storage::StorageError};

/// An error on its way to JS, its status being the `code`.
pub(super) type CodedError = napi::Error<&'static str>;

/// The code of an engine that panicked; lib/ closes the room.
pub(super) const ROOM_BROKEN: &str = "HEDDLE_ROOM_BROKEN";

impl From<RoomError> for CodedError {
    fn from(error: RoomError) -> Self {
        let code = match &error {
            RoomError::Broken => ROOM_BROKEN,
            RoomError::BadSnapshot(_) | RoomError::BadChange(_) => "HEDDLE_BAD_SNAPSHOT",
            RoomError::BadPatch(_) => "HEDDLE_BAD_PATCH",
            RoomError::Stalled => "HEDDLE_STORE_FAILED",
        };
        Self::new(code, error)
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
