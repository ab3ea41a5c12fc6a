//! A room at rest: what is left of it when nobody is in it.

use super::{
    document::{DocumentAtRest, Unreadable},
    lazy::Lazy,
    room::Room,
    walks::Walks,
};

/// Documents of more bytes, as the quota has them, stay as they are: to wake one of so many takes a tenth of a millisecond, and
/// hundreds of rooms may be left in one moment.
const MOST_BYTES: usize = 128 << 10;

/// A room without sessions, packed. Quota and journal are for whoever wakes it to see to.
#[derive(Debug)]
pub struct RoomAtRest {
    document: DocumentAtRest,
    walks: Lazy<Walks>,
}

impl Room {
    /// The room, packed. None while somebody is here, changes may still be taken back, or the document is being copied; and
    /// where it is large.
    pub fn at_rest(&self) -> Option<RoomAtRest> {
        if !self.is_empty() || self.document.bytes() > MOST_BYTES {
            return None;
        }
        Some(RoomAtRest { document: self.document.at_rest()?, walks: self.walks.clone() })
    }
}

impl RoomAtRest {
    /// The document.
    pub fn document(&self) -> &DocumentAtRest {
        &self.document
    }

    /// The room as it was.
    pub fn wake(&self) -> Result<Room, Unreadable> {
        let mut room = Room::new(self.document.wake()?);
        room.walks = self.walks.clone();
        Ok(room)
    }
}
