//! What one session is told.

use super::{delivery::Delivery, room::Room};
use crate::{
    engine::{Group, Message, SessionId},
    protocol::canvas,
};

impl Room {
    /// Encodes a message to one session.
    pub(super) fn send(
        &self,
        session: SessionId,
        message: &Message<'_>,
        mut deliver: impl FnMut(Delivery),
    ) {
        if let Some(text) = canvas::encode::encode(message, Group::Live, &self.engine) {
            deliver(Delivery::Send(session, text));
        }
        if let Message::Refused(refusal, _) = message {
            deliver(Delivery::Refused(session, refusal.code));
        }
    }
}
