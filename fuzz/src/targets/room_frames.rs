//! Any sequence of what can happen to a room.

use super::{
    choices::Choices,
    frames::{frame, patches},
    watched_room::WatchedRoom,
};
use heddle::{
    engine::{Access, Input, Quota},
    protocol::limits::Limits,
};

const CLIENTS: [&[u8]; 4] = [b"ann", b"bob", b"", b"__proto__"];

/// More would cost more than they find.
const MAX_STEPS: usize = 80;

/// Joins, frames, edits, rights, slow readers and a store that fails, in any order, in a room that is journaled or not, and may
/// hold much or little.
pub fn room_frames(data: &[u8]) {
    let mut choices = Choices::new(data);
    let is_journaled = choices.once_in(2);
    let mut room = WatchedRoom::new(is_journaled, quota(&mut choices));
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
    match choices.below(28) {
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
        19..=20 => {
            let session = room.some_session(choices);
            room.handle(Input::Lagging { session });
        }
        21..=22 => {
            let session = room.some_session(choices);
            room.handle(Input::Drained { session });
        }
        _ => room.step_store(choices),
    }
}

fn quota(choices: &mut Choices<'_>) -> Quota {
    if choices.once_in(2) {
        return Limits::default().quota;
    }
    let document_bytes = choices.one_of(&[200, 400, 2_000]);
    Quota {
        fields: choices.one_of(&[1, 2, 4, 10]),
        component_bytes: choices.one_of(&[20, 60, document_bytes]),
        document_bytes,
        components: choices.one_of(&[1, 3, 10]),
        presence_bytes: choices.one_of(&[100, 300, 2_000]),
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
