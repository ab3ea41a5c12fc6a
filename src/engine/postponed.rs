//! Frames in two parts: while nothing can be stored, what a frame writes waits, and what it shows does not.

use std::rc::Rc;

use super::{
    effect::{Applied, Audience, Effect, Message},
    input::{Frame, ReconnectPatches},
    patch::Patches,
    room::Room,
    session::{Access, Group, SessionId},
};

impl Room {
    /// Whether a frame would change the document, or, where its patches are refused, close its session for them.
    pub fn would_write(&self, session: SessionId, frame: &Frame<'_>) -> bool {
        let document = match frame {
            Frame::Patch { document, .. }
            | Frame::Reconnect { patches: ReconnectPatches::Sound { document, .. }, .. } => {
                document
            }
            Frame::Reconnect { patches: ReconnectPatches::Refused(..), .. }
            | Frame::Unserved
            | Frame::TokenRefresh(_)
            | Frame::Unknown
            | Frame::Refused(..) => return false,
        };
        let is_reconnect = matches!(frame, Frame::Reconnect { .. });
        self.sessions.get(&session).is_some_and(|session| {
            // CV3: patches of a mute session are nothing.
            let is_heard = is_reconnect || session.group != Group::Mute;
            is_heard && session.access == Access::ReadWrite && !document.is_empty()
        })
    }

    /// Handles the presence of a frame whose document patches wait.
    pub(super) fn postpone<'f>(
        &mut self,
        id: SessionId,
        message_id: Option<&'f [u8]>,
        presence: &'f Patches<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let client = Rc::clone(&session.client);
        match self.check_frame(&client, Patches::none(), presence) {
            Ok(()) => {
                self.presence.apply(&client, presence);
                self.show_presence(id, client, presence, effects);
            }
            Err(refusal) => self.refuse(id, refusal, message_id, effects),
        }
    }

    /// Handles a frame but for its presence.
    pub(super) fn resume<'f>(
        &mut self,
        id: SessionId,
        frame: &Frame<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        match *frame {
            Frame::Patch { message_id, document, .. } => {
                if self.sessions.get(&id).is_some_and(|session| session.group != Group::Mute) {
                    self.stop_holding(id, effects);
                    self.answer_patch(id, message_id, document, Patches::none(), effects);
                }
            }
            Frame::Reconnect {
                since,
                group,
                patches: ReconnectPatches::Sound { document, .. },
            } => {
                let patches = ReconnectPatches::Sound { document, presence: Patches::none() };
                self.receive(id, &Frame::Reconnect { since, group, patches }, effects);
            }
            Frame::Reconnect { patches: ReconnectPatches::Refused(..), .. }
            | Frame::Unserved
            | Frame::TokenRefresh(_)
            | Frame::Unknown
            | Frame::Refused(..) => self.receive(id, frame, effects),
        }
    }

    fn show_presence<'f>(
        &self,
        id: SessionId,
        client: Rc<[u8]>,
        presence: &'f Patches<'f>,
        effects: &mut Vec<Effect<'f>>,
    ) {
        if !presence.is_empty() {
            self.broadcast(Some(id), change_of_presence(client, presence), effects);
        }
    }
}

/// Tells the presence of a frame whose change was taken back. Sessions may have moved between groups since, and are told
/// of that later: so it goes to all.
pub(super) fn withdrawn<'f>(
    id: SessionId,
    client: Rc<[u8]>,
    presence: &'f Patches<'f>,
    effects: &mut Vec<Effect<'f>>,
) {
    if !presence.is_empty() {
        effects.push(Effect::Broadcast {
            except: Some(id),
            audience: Audience { live: true, whole_arrays: true, held: true },
            message: change_of_presence(client, presence),
        });
    }
}

fn change_of_presence<'f>(client: Rc<[u8]>, presence: &'f Patches<'f>) -> Message<'f> {
    Message::Change(Applied {
        client: Some(client),
        clock: None,
        document: Patches::none(),
        late: Vec::new(),
        presence,
    })
}
