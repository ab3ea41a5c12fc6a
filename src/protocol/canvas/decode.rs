//! Frames from clients.

use std::borrow::Cow;

use super::{
    super::{
        json::{Flaw, Form, Reader, canonicalize, scan},
        limits::Limits,
    },
    patches::{decode_patches, touched_keys},
};
use crate::engine::{Clock, Frame, Group, Patches, ReconnectPatches, Refusal, RefusalCode};

/// The canonical text of a frame: as it came, or rewritten.
///
/// Fails on what is not UTF-8, not JSON, too large or too deep; no `messageId` can be told from such a frame.
pub fn normalize<'f>(bytes: &'f [u8], limits: &Limits) -> Result<Cow<'f, [u8]>, Refusal> {
    if bytes.len() > limits.frame_bytes {
        let message =
            format!("a frame of {} bytes is over the limit of {}", bytes.len(), limits.frame_bytes);
        return Err(Refusal::new(RefusalCode::FrameTooLarge, message));
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Refusal::new(
            RefusalCode::BadJson,
            format!("no valid UTF-8 at byte {}", error.valid_up_to()),
        ));
    }
    match scan(bytes, limits.depth) {
        Ok(Form::Canonical) => Ok(Cow::Borrowed(bytes)),
        Ok(Form::Loose) => Ok(Cow::Owned(canonicalize(bytes))),
        Err(flaw @ Flaw::Syntax(_)) => Err(Refusal::new(RefusalCode::BadJson, flaw.to_string())),
        Err(flaw @ Flaw::Depth(_)) => Err(Refusal::new(RefusalCode::TooDeep, flaw.to_string())),
    }
}

/// Decodes a frame's canonical text.
pub fn decode_frame<'f>(text: &'f [u8], limits: &Limits) -> Frame<'f> {
    let Some(envelope) = Envelope::read(text) else {
        return Frame::Refused(
            Refusal::new(RefusalCode::BadFrame, "a frame must be a JSON object"),
            None,
        );
    };
    match envelope.kind {
        Some(b"\"patch\"") => envelope.patch(text.len(), limits),
        Some(b"\"reconnect\"") => envelope.reconnect(text.len(), limits),
        Some(b"\"auth-refresh\"") => envelope.token_refresh(),
        _ => Frame::Unknown,
    }
}

/// Decodes the canonical text of a list of document patches from the server's own code.
pub fn decode_edit<'f>(text: &'f [u8], limits: &Limits) -> Result<Patches<'f>, Refusal> {
    decode_patches(text, text.len(), limits, &mut 0)
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

    fn patch(self, frame_bytes: usize, limits: &Limits) -> Frame<'f> {
        match self.patches(frame_bytes, limits) {
            Ok((document, presence)) => {
                Frame::Patch { message_id: self.message_id, document, presence }
            }
            Err(refusal) => Frame::Refused(refusal, self.message_id),
        }
    }

    fn reconnect(self, frame_bytes: usize, limits: &Limits) -> Frame<'f> {
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
        let patches = match self.patches(frame_bytes, limits) {
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

    fn patches(
        &self,
        frame_bytes: usize,
        limits: &Limits,
    ) -> Result<(Patches<'f>, Patches<'f>), Refusal> {
        let list = |text: Option<&'f [u8]>| text.filter(|text| *text != b"null");
        // One count of keys, and of numbers asked for, over both lists.
        let mut keys = 0;
        let decode = |text: Option<&'f [u8]>, keys: &mut usize| match list(text) {
            Some(text) => decode_patches(text, frame_bytes, limits, keys),
            None => Ok(Patches::default()),
        };
        Ok((decode(self.document_patches, &mut keys)?, decode(self.ephemeral_patches, &mut keys)?))
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
