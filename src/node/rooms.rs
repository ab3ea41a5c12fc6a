//! The rooms of this thread by number, for calls that come without the object.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use super::room::RoomState;

/// Where a room is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RoomNumber {
    pub(super) place: u32,
    /// Which of the rooms that had the place one after the other.
    pub(super) generation: u32,
}

#[derive(Debug, Default)]
struct Rooms {
    places: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Place {
    generation: u32,
    room: Weak<RefCell<RoomState>>,
}

thread_local! {
    static ROOMS: RefCell<Rooms> = RefCell::default();
}

/// A room's number, given back when the room is gone.
#[derive(Debug)]
pub(super) struct Registration(RoomNumber);

impl Registration {
    pub(super) fn of(room: &Rc<RefCell<RoomState>>) -> Self {
        ROOMS.with_borrow_mut(|rooms| {
            let index = rooms.free.pop().unwrap_or_else(|| {
                rooms.places.push(Place::default());
                u32::try_from(rooms.places.len() - 1).unwrap_or(u32::MAX)
            });
            let mut number = RoomNumber { place: index, generation: 0 };
            if let Some(place) = rooms.at(index) {
                place.room = Rc::downgrade(room);
                number.generation = place.generation;
            }
            Self(number)
        })
    }

    pub(super) fn number(&self) -> RoomNumber {
        self.0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let RoomNumber { place: index, generation } = self.0;
        let give_back = |rooms: &RefCell<Rooms>| {
            let mut rooms = rooms.borrow_mut();
            let place = rooms.at(index).filter(|place| place.generation == generation);
            let Some(place) = place else { return };
            place.generation = generation.wrapping_add(1);
            place.room = Weak::new();
            rooms.free.push(index);
        };
        // A thread that ends has forgotten all of them.
        ROOMS.try_with(give_back).unwrap_or_default();
    }
}

impl Rooms {
    fn at(&mut self, index: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(index).ok()?)
    }
}

/// The room of this number, unless it is gone.
pub(super) fn find(number: RoomNumber) -> Option<Rc<RefCell<RoomState>>> {
    ROOMS.with_borrow_mut(|rooms| {
        let place = rooms.at(number.place).filter(|place| place.generation == number.generation)?;
        place.room.upgrade()
    })
}
