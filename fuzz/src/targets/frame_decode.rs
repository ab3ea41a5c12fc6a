//! Any bytes as a frame.

use super::json::{NESTING, assert_canonical, assert_same_meaning, depth, is_json};
use heddle::{
    engine::{Frame, Patches, ReconnectPatches, RefusalCode, Value},
    protocol::{
        canvas::{FrameParts, FrameText, decode_edit, decode_frame, decode_usual},
        json::from_utf16,
        limits::Limits,
    },
};

/// Decodes any bytes, as UTF-8 and as UTF-16, as a frame and as a list of patches: nothing panics, the same bytes are
/// JSON here as elsewhere, both ways of decoding agree, and what is let through is what the engine relies on.
pub fn frame_decode(data: &[u8]) {
    decode(data);
    let units: Vec<u16> = data
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))
        .collect();
    let text = from_utf16(&units);
    if let Ok(sound) = String::from_utf16(&units) {
        assert_eq!(text, sound);
    }
    decode(text.as_bytes());
}

fn decode(bytes: &[u8]) {
    let limits = Limits::default();
    let text = FrameText::read(bytes, &limits);
    match &text {
        FrameText::Sound(canonical) => {
            assert!(is_json(bytes), "accepted, but no JSON: {}", String::from_utf8_lossy(bytes));
            assert!(depth(bytes) <= NESTING);
            assert_canonical(canonical, NESTING);
            assert_same_meaning(bytes, canonical);
        }
        FrameText::TooDeep(refusal, pruned) => {
            assert_eq!(refusal.code, RefusalCode::TooDeep);
            // What is cut is not read, so that it may be no JSON.
            assert!(depth(bytes) > NESTING);
            assert_canonical(pruned, NESTING);
        }
        FrameText::Unreadable(refusal) => {
            let is_sound = is_json(bytes) && depth(bytes) <= NESTING;
            assert!(!is_sound, "{}: {}", refusal.message, String::from_utf8_lossy(bytes));
        }
    }
    let mut parts = FrameParts::default();
    let frame = decode_frame(&text, &limits, &mut parts);
    look_at(&frame);
    let mut usual = FrameParts::default();
    if decode_usual(bytes, &limits, &mut usual) {
        assert_eq!(format!("{:?}", usual.patch()), format!("{frame:?}"));
    }
    if let Ok(canonical) = text.sound()
        && let Ok(patches) = decode_edit(canonical, &limits)
    {
        assert_sound(&patches);
    }
}

fn look_at(frame: &Frame<'_>) {
    match frame {
        Frame::Patch { message_id, document, presence } => {
            if let Some(text) = message_id {
                assert_canonical(text, NESTING);
            }
            assert_sound(document);
            assert_sound(presence);
        }
        Frame::Reconnect { since: _, group: _, patches } => match patches {
            ReconnectPatches::Sound { document, presence } => {
                assert_sound(document);
                assert_sound(presence);
            }
            ReconnectPatches::Refused(refusal, keys) => {
                assert!(!refusal.code.as_str().is_empty());
                for key in keys {
                    assert_name(key);
                }
            }
        },
        Frame::TokenRefresh(token) => {
            assert!(token.starts_with(b"\""));
            assert_canonical(token, NESTING);
        }
        Frame::Refused(refusal, message_id) => {
            assert!(!refusal.message.is_empty());
            if let Some(text) = message_id {
                assert_canonical(text, NESTING);
            }
        }
        Frame::Unserved | Frame::Unknown => {}
    }
}

/// Asserts what the engine takes for granted.
fn assert_sound(patches: &Patches<'_>) {
    if patches.is_empty() {
        assert!(patches.updates.is_empty() && patches.fields.is_empty());
        return;
    }
    assert_canonical(patches.text, NESTING);
    // What was accepted once is accepted again when a journal is replayed, as the same.
    let again = decode_edit(patches.text, &Limits::ACCEPTED_BEFORE).unwrap();
    assert_eq!(again.count, patches.count);
    assert_eq!(again.updates.len(), patches.updates.len());
    assert_eq!(again.fields.len(), patches.fields.len());
    for update in &patches.updates {
        assert!(update.patch < patches.count);
        assert_name(update.key);
        assert_canonical(update.text, NESTING);
        assert!(patches.fields.get(update.fields.clone()).is_some());
        for field in patches.fields_of(update) {
            assert_name(field.name);
            match &field.value {
                Value::Json(json) => assert_canonical(json, NESTING),
                Value::Delta(json, delta) => {
                    assert!(patches.has_deltas);
                    assert_canonical(json, NESTING);
                    let count: usize = delta.runs.iter().map(|(_, count)| count).sum();
                    assert_eq!(count, delta.numbers.len());
                    assert!(delta.len <= 1 << 20);
                    assert!(delta.numbers.iter().all(|number| number.is_finite()));
                }
            }
        }
    }
}

/// Asserts that this is the inside of a canonical JSON string.
fn assert_name(name: &[u8]) {
    assert_canonical(&[b"\"", name, b"\""].concat(), 1);
}
