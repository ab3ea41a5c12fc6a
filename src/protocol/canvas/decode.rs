//! Frames from clients.

use std::borrow::Cow;

use super::{
    super::{
        json::{Flaw, Form, Reader, canonicalize, prune, scan},
        limits::Limits,
    },
    patches::{FrameParts, decode_patches, touched_keys},
};
use crate::engine::{Clock, Frame, Group, Patches, ReconnectPatches, Refusal, RefusalCode};

/// The text of a frame, as far as it can be read.
#[derive(Debug)]
pub enum FrameText<'f> {
    /// Canonical text: as it came, or rewritten.
    Sound(Cow<'f, [u8]>),
    /// Text that must be refused for its depth, cut down so that its sender can be told apart (RC6).
    TooDeep(Refusal, Vec<u8>),
    /// No JSON, or too much of it. Nothing is known about it.
    Unreadable(Refusal),
}

impl<'f> FrameText<'f> {
    /// Reads a frame's bytes as text.
    pub fn read(bytes: &'f [u8], limits: &Limits) -> Self {
        if bytes.len() > limits.frame_bytes {
            let message = format!(
                "a frame of {} bytes is over the limit of {}",
                bytes.len(),
                limits.frame_bytes
            );
            return Self::Unreadable(Refusal::new(RefusalCode::FrameTooLarge, message));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let message = format!("no valid UTF-8 at byte {}", error.valid_up_to());
            return Self::Unreadable(Refusal::new(RefusalCode::BadJson, message));
        }
        match scan(bytes, limits.depth) {
            Ok(Form::Canonical) => Self::Sound(Cow::Borrowed(bytes)),
            Ok(Form::Loose) => Self::Sound(Cow::Owned(canonicalize(bytes))),
            Err(flaw @ Flaw::Depth(_)) => {
                let refusal = Refusal::new(RefusalCode::TooDeep, flaw.to_string());
                let pruned = prune(bytes, limits.depth);
                match scan(&pruned, limits.depth) {
                    Ok(_) => Self::TooDeep(refusal, canonicalize(&pruned)),
                    Err(_) => Self::Unreadable(refusal),
                }
            }
            Err(flaw @ Flaw::Syntax(_)) => {
                Self::Unreadable(Refusal::new(RefusalCode::BadJson, flaw.to_string()))
            }
        }
    }

    /// The canonical text, unless the frame must be refused.
    pub fn sound(&self) -> Result<&[u8], Refusal> {
        match self {
            Self::Sound(text) => Ok(text),
            Self::TooDeep(refusal, _) | Self::Unreadable(refusal) => Err(refusal.clone()),
        }
    }
}

/// Decodes a frame into `parts`, which may hold another.
pub fn decode_frame<'p, 'f: 'p>(
    text: &'f FrameText<'_>,
    limits: &Limits,
    parts: &'p mut FrameParts<'f>,
) -> Frame<'p> {
    match text {
        FrameText::Sound(text) => decode_text(text, limits, parts),
        FrameText::TooDeep(refusal, pruned) => match decode_text(pruned, limits, parts) {
            Frame::Reconnect { since, group, .. } => {
                let touched = touched_keys(
                    Envelope::read(pruned).and_then(|envelope| envelope.document_patches),
                );
                Frame::Reconnect {
                    since,
                    group,
                    patches: ReconnectPatches::Refused(refusal.clone(), touched),
                }
            }
            Frame::Unserved => Frame::Unserved,
            Frame::Patch { message_id, .. } | Frame::Refused(_, message_id) => {
                Frame::Refused(refusal.clone(), message_id)
            }
            Frame::TokenRefresh(_) | Frame::Unknown => Frame::Refused(refusal.clone(), None),
        },
        FrameText::Unreadable(refusal) => Frame::Refused(refusal.clone(), None),
    }
}

fn decode_text<'p, 'f: 'p>(
    text: &'f [u8],
    limits: &Limits,
    parts: &'p mut FrameParts<'f>,
) -> Frame<'p> {
    let Some(envelope) = Envelope::read(text) else {
        return Frame::Refused(
            Refusal::new(RefusalCode::BadFrame, "a frame must be a JSON object"),
            None,
        );
    };
    match envelope.kind {
        Some(b"\"patch\"") => envelope.patch(text.len(), limits, parts),
        Some(b"\"reconnect\"") => envelope.reconnect(text.len(), limits, parts),
        Some(b"\"auth-refresh\"") => envelope.token_refresh(),
        _ => Frame::Unknown,
    }
}

/// Decodes the canonical text of a list of document patches from the server's own code.
pub fn decode_edit<'f>(text: &'f [u8], limits: &Limits) -> Result<Patches<'f>, Refusal> {
    let mut patches = Patches::default();
    decode_patches(text, text.len(), limits, &mut 0, &mut patches)?;
    Ok(patches)
}

/// The members of a frame that any type of frame uses, as JSON text.
#[derive(Default)]
struct Envelope<'f> {
    kind: Option<&'f [u8]>,
    message_id: Option<&'f [u8]>,
    last_timestamp: Option<&'f [u8]>,
    protocol_version: Option<&'f [u8]>,
    token: Option<&'f [u8]>,
    document_patches: Option<&'f [u8]>,
    ephemeral_patches: Option<&'f [u8]>,
}

impl<'f> Envelope<'f> {
    fn read(text: &'f [u8]) -> Option<Self> {
        let mut reader = Reader::new(text);
        if !reader.eat(b'{') {
            return None;
        }
        let mut envelope = Self::default();
        while let Some(name) = reader.name() {
            let value = Some(reader.value());
            match name {
                b"type" => envelope.kind = value,
                b"messageId" => envelope.message_id = value,
                b"lastTimestamp" => envelope.last_timestamp = value,
                b"protocolVersion" => envelope.protocol_version = value,
                b"token" => envelope.token = value,
                b"documentPatches" => envelope.document_patches = value,
                b"ephemeralPatches" => envelope.ephemeral_patches = value,
                _ => {}
            }
        }
        Some(envelope)
    }

    fn patch<'p>(
        self,
        frame_bytes: usize,
        limits: &Limits,
        parts: &'p mut FrameParts<'f>,
    ) -> Frame<'p> {
        match self.patches(frame_bytes, limits, parts) {
            Ok((document, presence)) => {
                Frame::Patch { message_id: self.message_id, document, presence }
            }
            Err(refusal) => Frame::Refused(refusal, self.message_id),
        }
    }

    fn reconnect<'p>(
        self,
        frame_bytes: usize,
        limits: &Limits,
        parts: &'p mut FrameParts<'f>,
    ) -> Frame<'p> {
        let group = match self.protocol_version {
            Some(b"2") => Group::Live,
            Some(b"1") => Group::WholeArrays,
            _ => return Frame::Unserved,
        };
        let Some(since) = self.last_timestamp.and_then(clock) else {
            return Frame::Refused(
                Refusal::new(RefusalCode::BadFrame, "lastTimestamp must be a number"),
                None,
            );
        };
        let patches = match self.patches(frame_bytes, limits, parts) {
            Ok((document, presence)) => ReconnectPatches::Sound { document, presence },
            Err(refusal) => ReconnectPatches::Refused(refusal, touched_keys(self.document_patches)),
        };
        Frame::Reconnect { since, group, patches }
    }

    fn token_refresh(self) -> Frame<'f> {
        match self.token {
            Some(token) if token.starts_with(b"\"") => Frame::TokenRefresh(token),
            _ => {
                Frame::Refused(Refusal::new(RefusalCode::BadFrame, "token must be a string"), None)
            }
        }
    }

    fn patches<'p>(
        &self,
        frame_bytes: usize,
        limits: &Limits,
        parts: &'p mut FrameParts<'f>,
    ) -> Result<(&'p Patches<'p>, &'p Patches<'p>), Refusal> {
        // One count of keys over both lists.
        let mut keys = 0;
        let decode = |text: Option<&'f [u8]>, keys: &mut usize, list: &mut Patches<'f>| match text {
            Some(text) if text != b"null" => decode_patches(text, frame_bytes, limits, keys, list),
            _ => {
                *list = Patches::default();
                Ok(())
            }
        };
        decode(self.document_patches, &mut keys, &mut parts.document)?;
        decode(self.ephemeral_patches, &mut keys, &mut parts.presence)?;
        Ok((&parts.document, &parts.presence))
    }
}

/// Reads `lastTimestamp` (RC8).
fn clock(json: &[u8]) -> Option<Clock> {
    let text = match json.first()? {
        b'-' | b'n' => return Some(0),
        b'0'..=b'9' => std::str::from_utf8(json).ok()?,
        _ => return None,
    };
    match text.split_once('e') {
        // Canonical text has exponents only below 1e-6 and from 1e21 on.
        Some((_, exponent)) if exponent.starts_with('-') => Some(0),
        Some(_) => Some(Clock::MAX),
        None => {
            let integer = text.split_once('.').map_or(text, |(integer, _)| integer);
            Some(integer.parse().unwrap_or(Clock::MAX))
        }
    }
}
