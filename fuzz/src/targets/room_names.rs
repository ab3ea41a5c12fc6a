//! Any ids of rooms as names of files.

use crate::{
    disk::{Lie, SimDisk},
    image::Image,
};
use heddle::storage::{RoomName, file_name, legacy_name, survey};
use std::path::{Component, Path};

/// Names two ids: short, plain, no device, inside of the directory, each its own.
pub fn room_names(data: &[u8]) {
    let units: Vec<u16> = data
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))
        .collect();
    let (first, rest) = units.split_first().map_or((0, &units[..]), |(first, rest)| (*first, rest));
    let (one, other) = rest.split_at(usize::from(first) % (rest.len() + 1));
    assert_named(one);
    assert_named(other);
    assert_apart(one, other);
    // Ids that file systems take for this one.
    let text = String::from_utf16_lossy(one);
    for twin in [text.to_uppercase(), text.to_lowercase(), format!("{text}."), format!("{text} ")] {
        assert_apart(one, &twin.encode_utf16().collect::<Vec<_>>());
    }
    if let Ok(bytes) = std::str::from_utf8(data) {
        assert_named(&bytes.encode_utf16().collect::<Vec<_>>());
    }
}

fn assert_named(id: &[u16]) {
    let file = file_name(id);
    let stem = file.strip_suffix(".json").unwrap();
    assert!((1..=128).contains(&stem.len()));
    assert!(
        stem.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'~'))
    );
    let devices = ["con", "prn", "aux", "nul"];
    assert!(!devices.contains(&stem));
    let is_port = |port: &str| {
        stem.strip_prefix(port)
            .is_some_and(|digit| digit.len() == 1 && digit.as_bytes()[0].is_ascii_digit())
    };
    assert!(!is_port("com") && !is_port("lpt"));
    assert_inside(&file);
    if let Some(legacy) = legacy_name(id) {
        assert_inside(&legacy);
        assert_ne!(legacy, file);
    }
    if !stem.starts_with("~~") {
        assert_eq!(spelled(stem), wtf8(id));
    }
    // Whoever lists the directory finds the room again, by its id where the name tells it.
    let dir = std::path::absolute("/rooms").unwrap();
    let path = dir.join(&file);
    let disk = SimDisk::new(Image::with(&[(&path, b"{}")]), Lie::None);
    let found = survey(&disk, &dir).unwrap();
    let [room] = &found.rooms[..] else { panic!("{file} is no room: {found:?}") };
    assert_eq!(room.file, file);
    assert_eq!(room.id.as_deref(), (!stem.starts_with("~~")).then_some(id));
    assert_eq!(RoomName::of(id).file, file);
}

fn assert_inside(file: &str) {
    let mut parts = Path::new(file).components();
    assert!(matches!(parts.next(), Some(Component::Normal(_))), "{file}");
    assert!(parts.next().is_none(), "{file}");
    assert!(!file.contains(['/', '\\', '\0']), "{file}");
}

fn assert_apart(one: &[u16], other: &[u16]) {
    assert_eq!(one == other, file_name(one) == file_name(other), "{one:?} {other:?}");
    if let Some(legacy) = legacy_name(one) {
        assert_ne!(legacy, file_name(other));
    }
}

/// The bytes that a name spells.
fn spelled(stem: &str) -> Vec<u8> {
    if stem == "~" {
        return Vec::new();
    }
    let mut parts = stem.split('~');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

/// UTF-8 in which lone surrogates are encoded as if they were characters.
fn wtf8(id: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for decoded in char::decode_utf16(id.iter().copied()) {
        match decoded {
            Ok(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                let low = |bits: u16| 0x80 | u8::try_from(bits & 0x3F).unwrap();
                bytes.extend([0xE0 | u8::try_from(unit >> 12).unwrap(), low(unit >> 6), low(unit)]);
            }
        }
    }
    bytes
}
