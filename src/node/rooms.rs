//! The rooms of this thread, by number.

use std::{cell::RefCell, mem::ManuallyDrop, rc::Rc};

use super::{mailbox::Mailbox, room::RoomState};

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
    room: Option<Rc<RefCell<RoomState>>>,
}

thread_local! {
    /// Rooms refer to memory of JS, so they go with those who have them, by [`forget_all`], and not with the thread.
    static ROOMS: RefCell<ManuallyDrop<Rooms>> = RefCell::default();
}

/// Keeps a room until it is forgotten, and gives its number.
pub(super) fn add(room: RoomState) -> RoomNumber {
    ROOMS.with_borrow_mut(|rooms| {
        let index = rooms.free.pop().unwrap_or_else(|| {
            rooms.places.push(Place::default());
            u32::try_from(rooms.places.len() - 1).unwrap_or(u32::MAX)
        });
        let mut number = RoomNumber { place: index, generation: 0 };
        if let Some(place) = rooms.at(index) {
            place.room = Some(Rc::new(RefCell::new(room)));
            number.generation = place.generation;
        }
        number
    })
}

/// The room of this number, unless it was forgotten.
pub(super) fn find(number: RoomNumber) -> Option<Rc<RefCell<RoomState>>> {
    ROOMS.with_borrow_mut(|rooms| {
        let place = rooms.at(number.place).filter(|place| place.generation == number.generation)?;
        place.room.clone()
    })
}

/// Takes out a room that nobody can ask for any more; its place is used again.
pub(super) fn forget(index: u32) -> Option<Rc<RefCell<RoomState>>> {
    ROOMS.with_borrow_mut(|rooms| rooms.forget(index))
}

/// Takes out all rooms that answer through a mailbox, with their places: nobody can ask for them any more.
pub(super) fn forget_all(mailbox: &Rc<RefCell<Mailbox>>) -> Vec<(u32, Rc<RefCell<RoomState>>)> {
    ROOMS.with_borrow_mut(|rooms| {
        // One that is in use is somebody else's.
        let answers_there = |room: &Rc<RefCell<RoomState>>| {
            room.try_borrow().is_ok_and(|room| room.answers_through(mailbox))
        };
        let mut forgotten = Vec::new();
        for index in 0..u32::try_from(rooms.places.len()).unwrap_or(u32::MAX) {
            let room = rooms.at(index).and_then(|place| place.room.as_ref());
            if room.is_some_and(answers_there)
                && let Some(room) = rooms.forget(index)
            {
                forgotten.push((index, room));
            }
        }
        forgotten
    })
}

impl Rooms {
    fn at(&mut self, index: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(index).ok()?)
    }

    fn forget(&mut self, index: u32) -> Option<Rc<RefCell<RoomState>>> {
        let place = self.at(index)?;
        let room = place.room.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(index);
        Some(room)
    }
}
