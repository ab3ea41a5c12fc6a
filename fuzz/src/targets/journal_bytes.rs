//! Files of a room as somebody could have made them who knows the formats: every checksum is right, whatever it covers.

use super::{choices::Choices, frames::patches};

/// The room's id, and the stem of its files.
pub(super) const ROOM: &str = "board";

const SECTOR_BYTES: usize = 512;

const JOURNAL_ID: u128 = 7;

/// What the fuzzer says a snapshot, a journal and a log hold.
pub(super) struct Chosen {
    pub(super) snapshot: Option<Vec<u8>>,
    pub(super) journal: Option<Vec<u8>>,
    pub(super) log: Option<Vec<u8>>,
}

impl Chosen {
    pub(super) fn by(choices: &mut Choices<'_>) -> Self {
        let snapshot = match choices.below(4) {
            0 => None,
            1 => Some(choices.bytes(200).to_vec()),
            _ => Some(snapshot(choices)),
        };
        let journal = match choices.below(8) {
            0 => None,
            1 => Some(choices.bytes(3_000).to_vec()),
            _ => Some(journal(choices, snapshot.as_deref())),
        };
        let log = choices.once_in(4).then(|| log(choices));
        let mut chosen = Self { snapshot, journal, log };
        chosen.spoil(choices);
        chosen
    }

    /// Flips a bit, or cuts the end off.
    fn spoil(&mut self, choices: &mut Choices<'_>) {
        for bytes in [&mut self.snapshot, &mut self.journal, &mut self.log].into_iter().flatten() {
            if choices.once_in(8) && !bytes.is_empty() {
                let at = choices.below(bytes.len());
                bytes[at] ^= 1 << choices.below(8);
            }
            if choices.once_in(8) {
                bytes.truncate(choices.below(bytes.len() + 1));
            }
        }
    }
}

fn snapshot(choices: &mut Choices<'_>) -> Vec<u8> {
    let clock = choices.below(4);
    let component = choices.one_of(&["{}", r#"{"_exists":true,"x":[1]}"#, r#"{"_exists":false}"#]);
    let text = format!(r#"{{"timestamp":{clock},"state":{{"a":{component}}},"timestamps":{{}}"#);
    if choices.once_in(3) {
        return (text + "}").into_bytes();
    }
    let checksum = crc32c::crc32c(text.as_bytes());
    format!(r#"{text},"checksum":"crc32c:{checksum:08x}"}}"#).into_bytes()
}

/// A journal that continues the snapshot more often than not.
fn journal(choices: &mut Choices<'_>, snapshot: Option<&[u8]>) -> Vec<u8> {
    let base = if choices.once_in(6) { None } else { snapshot.map(identity) };
    let first = base.map_or(0, |(clock, _)| clock);
    let mut bytes = header(choices, base);
    let header_checksum = crc32c::crc32c(&bytes[..SECTOR_BYTES - 4]);
    bytes.resize(3 * SECTOR_BYTES, 0);
    let mut chain = header_checksum;
    let mut clock = first;
    let mut ends = vec![bytes.len()];
    for _ in 0..choices.below(6) {
        let body = record(choices, &mut clock, snapshot, bytes.len());
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        chain = crc32c::crc32c_append(crc32c::crc32c_append(chain, &length), &body);
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(&chain.to_le_bytes());
        bytes.extend_from_slice(&body);
        ends.push(bytes.len());
    }
    for sequence in 1..=choices.one_of(&[1, 1, 2, 0]) {
        let offset = match choices.below(8) {
            0 => choices.number(),
            _ => u64::try_from(choices.one_of(&ends)).unwrap(),
        };
        put_slot(&mut bytes, header_checksum, [sequence, offset, clock]);
    }
    bytes
}

/// The clock and checksum by which a journal names this file, if it holds a snapshot.
fn identity(file: &[u8]) -> (u64, u32) {
    let text = String::from_utf8_lossy(file);
    let bare = match text.split_once(",\"checksum\"") {
        Some((text, _)) => format!("{text}}}"),
        None => text.to_string(),
    };
    let clock = text.strip_prefix("{\"timestamp\":").and_then(|rest| rest.split(',').next());
    (clock.and_then(|clock| clock.parse().ok()).unwrap_or(0), crc32c::crc32c(bare.as_bytes()))
}

fn header(choices: &mut Choices<'_>, base: Option<(u64, u32)>) -> Vec<u8> {
    let mut bytes = b"HEDDLEJ1".to_vec();
    bytes.extend(if choices.once_in(32) { 2_u32 } else { 1 }.to_le_bytes());
    bytes.extend(JOURNAL_ID.to_le_bytes());
    let kind = if choices.once_in(32) { 9 } else { u32::from(base.is_some()) };
    bytes.extend(kind.to_le_bytes());
    let (clock, checksum) = base.unwrap_or_default();
    bytes.extend(clock.to_le_bytes());
    bytes.extend(checksum.to_le_bytes());
    let name = if choices.once_in(32) { "other.json".to_owned() } else { format!("{ROOM}.json") };
    let length = if choices.once_in(32) { u32::MAX } else { u32::try_from(name.len()).unwrap() };
    bytes.extend(length.to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.resize(SECTOR_BYTES - 4, 0);
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

fn record(
    choices: &mut Choices<'_>,
    clock: &mut u64,
    snapshot: Option<&[u8]>,
    end: usize,
) -> Vec<u8> {
    match choices.below(10) {
        0 => [&[2][..], &u64::try_from(end).unwrap().to_le_bytes(), &mark(snapshot)].concat(),
        1 => [&[2][..], &choices.number().to_le_bytes(), &mark(snapshot)].concat(),
        2 => [&[3][..], choices.bytes(60)].concat(),
        3 => {
            let text = format!(r#"{{"timestamp":{clock},"state":{{}},"timestamps":{{}}}}"#);
            [&[3][..], text.as_bytes()].concat()
        }
        4 => choices.bytes(40).to_vec(),
        _ => {
            *clock = if choices.once_in(24) { choices.number() } else { clock.saturating_add(1) };
            let patches = if choices.once_in(24) { "{}".to_owned() } else { patches(choices) };
            let client = choices.bytes(6);
            let client_length = if choices.once_in(24) { 9_999 } else { client.len() };
            let client_length = u32::try_from(client_length).unwrap().to_le_bytes();
            let parts = [&[1], &clock.to_le_bytes()[..], &[0; 8], &client_length, client];
            [&parts.concat()[..], patches.as_bytes()].concat()
        }
    }
}

fn mark(snapshot: Option<&[u8]>) -> Vec<u8> {
    let (clock, checksum) = snapshot.map(identity).unwrap_or_default();
    [&clock.to_le_bytes()[..], &checksum.to_le_bytes()].concat()
}

fn put_slot(bytes: &mut [u8], header_checksum: u32, [sequence, offset, clock]: [u64; 3]) {
    let slot = [sequence.to_le_bytes(), offset.to_le_bytes(), clock.to_le_bytes()].concat();
    let checksum = crc32c::crc32c_append(header_checksum, &slot);
    let at = if sequence.is_multiple_of(2) { SECTOR_BYTES } else { 2 * SECTOR_BYTES };
    bytes[at..at + 24].copy_from_slice(&slot);
    bytes[at + 24..at + 28].copy_from_slice(&checksum.to_le_bytes());
}

/// A log of several rooms, with bytes for this one's journal.
fn log(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut bytes = [&b"HEDDLEL1"[..], &1_u32.to_le_bytes(), &JOURNAL_ID.to_le_bytes()].concat();
    let mut chain = crc32c::crc32c(&bytes);
    bytes.extend(chain.to_le_bytes());
    for _ in 0..choices.below(4) {
        let name = format!("{ROOM}.json");
        let offset = match choices.below(3) {
            0 => choices.number(),
            _ => u64::try_from(choices.below(3_000)).unwrap(),
        };
        let written = choices.bytes(40);
        let sized =
            |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes()[..], bytes].concat();
        let entry = [
            sized(name.as_bytes()),
            JOURNAL_ID.to_le_bytes().to_vec(),
            offset.to_le_bytes().to_vec(),
            sized(written),
        ]
        .concat();
        let length = u32::try_from(entry.len()).unwrap().to_le_bytes();
        chain = crc32c::crc32c_append(crc32c::crc32c_append(chain, &length), &entry);
        bytes.extend([&length[..], &chain.to_le_bytes(), &entry].concat());
    }
    bytes
}
