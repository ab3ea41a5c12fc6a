//! Any sequence of what can happen to a room.

use super::{
    choices::Choices,
    frames::{frame, patches},
    watched_room::WatchedRoom,
};
use heddle::engine::{Access, Input};

const CLIENTS: [&[u8]; 4] = [b"ann", b"bob", b"", b"__proto__"];

/// More would cost more than they find.
const MAX_STEPS: usize = 80;

/// Joins, frames, edits, rights and a store that fails, in any order, in a room that is journaled or not.
pub fn room_frames(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut room = WatchedRoom::new(choices.once_in(2));
    room.join(b"ann", Access::ReadWrite, false);
    room.join(b"bob", Access::ReadWrite, false);
    for _ in 0..MAX_STEPS {
        if choices.are_left() {
            step(&mut room, &mut choices);
        }
    }
    room.settle();
}

fn step(room: &mut WatchedRoom, choices: &mut Choices<'_>) {
    match choices.below(24) {
        0..=11 => {
            let session = room.some_session(choices);
            room.receive(session, &frame(choices));
        }
        12..=13 => {
            let (client, access) = (choices.one_of(&CLIENTS), access(choices));
            room.join(client, access, choices.once_in(2));
        }
        14 => {
            let session = room.some_session(choices);
            room.handle(Input::Left { session });
        }
        15..=16 => room.edit(patches(choices).as_bytes()),
        17 => {
            let (session, access) = (room.some_session(choices), access(choices));
            room.handle(Input::AccessChanged { session, access });
        }
        18 => answer_token(room, choices),
        _ => room.step_store(choices),
    }
}

fn access(choices: &mut Choices<'_>) -> Access {
    choices.one_of(&[Access::ReadWrite, Access::ReadWrite, Access::ReadOnly])
}

fn answer_token(room: &mut WatchedRoom, choices: &mut Choices<'_>) {
    let Some((session, attempt)) = room.some_attempt(choices) else { return };
    if choices.once_in(3) {
        return room.handle(Input::TokenRefused { session, attempt });
    }
    let access = access(choices);
    room.handle(Input::TokenVerified { session, attempt, access });
}
