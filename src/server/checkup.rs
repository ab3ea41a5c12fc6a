//! Looking at rooms that nobody has to have open: what the storage layer says of their files, and what the document in them
//! comes to.

use super::{
    recovery::{damage, texts},
    replay::restore,
};
use crate::{
    engine::Document,
    storage::{Inspection, RoomFiles, Salvage, StorageError},
};

/// How much a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// How many components are alive.
    pub components: usize,
    /// How many were deleted.
    pub tombstones: usize,
}

/// Inspects a room's files, and counts what is in them where nothing is wrong. That changes do not fit the document is
/// one more problem.
pub fn inspect(files: &RoomFiles) -> (Inspection, Option<Census>) {
    let mut inspection = files.inspect();
    if !inspection.problems.is_empty() {
        return (inspection, None);
    }
    let snapshot = inspection.snapshot.take();
    match restore(snapshot.as_deref(), texts(&inspection.changes)) {
        Ok(document) => (inspection, Some(Census::of(&document))),
        Err(error) => {
            inspection.problems.push(files.unreplayable(damage(&error)));
            (inspection, None)
        }
    }
}

/// Salvages a room, and counts what was rescued.
pub fn salvage(files: &RoomFiles) -> Result<(Salvage, Option<Census>), StorageError> {
    let salvage = files.salvage()?;
    let census = match &salvage {
        Salvage::Rescued(rescue) => restore(Some(&rescue.text), []).ok().as_ref().map(Census::of),
        Salvage::Absent | Salvage::Healthy(_) | Salvage::Hopeless(_) => None,
    };
    Ok((salvage, census))
}

impl Census {
    fn of(document: &Document) -> Self {
        let components = document.alive();
        Self { components, tombstones: document.components().len() - components }
    }
}
