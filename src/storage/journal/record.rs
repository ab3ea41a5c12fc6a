//! One record of a journal.

use super::super::{Change, bytes::Bytes, checksum::Identity, disk::as_offset};
use std::io::{self, ErrorKind};

const CHANGE: u8 = 1;
const MARK: u8 = 2;
const STATE: u8 = 3;

/// The length and the checksum before a body.
const PREFIX_BYTES: usize = 8;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Record {
    Change(Change),
    /// A snapshot of this identity stands for everything before the offset.
    Mark {
        offset: u64,
        snapshot: Identity,
    },
    /// This snapshot's text stands for everything before it.
    State(Vec<u8>),
}

/// The checksum so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Chain(u32);

impl Chain {
    pub(super) fn new(header_checksum: u32) -> Self {
        Self(header_checksum)
    }

    /// Adds a record for a change to the bytes.
    pub(in super::super) fn push_change(
        &mut self,
        out: &mut Vec<u8>,
        change: &Change,
    ) -> io::Result<()> {
        let too_long = |_| io::Error::from(ErrorKind::FileTooLarge);
        let client_length = u32::try_from(change.client.len()).map_err(too_long)?;
        self.push(
            out,
            &[
                &[CHANGE],
                &change.clock.to_le_bytes(),
                &change.time_ms.to_le_bytes(),
                &client_length.to_le_bytes(),
                &change.client,
                &change.patches,
            ],
        )
    }

    /// Adds a record that says what a snapshot stands for.
    pub(in super::super) fn push_mark(
        &mut self,
        out: &mut Vec<u8>,
        offset: u64,
        snapshot: Identity,
    ) -> io::Result<()> {
        self.push(
            out,
            &[
                &[MARK],
                &offset.to_le_bytes(),
                &snapshot.clock.to_le_bytes(),
                &snapshot.checksum.to_le_bytes(),
            ],
        )
    }

    /// Adds a record with a snapshot's text.
    pub(in super::super) fn push_state(
        &mut self,
        out: &mut Vec<u8>,
        text: &[u8],
    ) -> io::Result<()> {
        self.push(out, &[&[STATE], text])
    }

    fn push(&mut self, out: &mut Vec<u8>, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let length = u32::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?.to_le_bytes();
        self.0 = crc32c::crc32c_append(self.0, &length);
        for part in parts {
            self.0 = crc32c::crc32c_append(self.0, part);
        }
        out.extend_from_slice(&length);
        out.extend_from_slice(&self.0.to_le_bytes());
        for part in parts {
            out.extend_from_slice(part);
        }
        Ok(())
    }

    /// Reads the record at the front of `bytes`: its body and its whole length. `Err` is the phrase
    /// that says what is wrong with it.
    pub(in super::super) fn next<'b>(
        &mut self,
        bytes: &'b [u8],
    ) -> Result<(&'b [u8], u64), &'static str> {
        let mut rest = Bytes(bytes);
        let (Some(length), Some(checksum)) = (rest.u32(), rest.u32()) else {
            return Err("the file ends in a record");
        };
        let body = usize::try_from(length).ok().and_then(|length| rest.take(length));
        let body = body.ok_or("a record is longer than the rest of the file")?;
        let chained = crc32c::crc32c_append(self.0, &length.to_le_bytes());
        let chained = crc32c::crc32c_append(chained, body);
        if body.is_empty() || chained != checksum {
            return Err("a record does not have the checksum it says");
        }
        self.0 = chained;
        Ok((body, as_offset(PREFIX_BYTES + body.len())))
    }
}

impl Record {
    /// Reads a body; `None` when it is of no kind that is known.
    pub(in super::super) fn decode(body: &[u8]) -> Option<Self> {
        let (kind, rest) = body.split_first()?;
        let mut rest = Bytes(rest);
        match *kind {
            CHANGE => {
                let (clock, time_ms) = (rest.u64()?, rest.u64()?);
                let client_length = usize::try_from(rest.u32()?).ok()?;
                let client = rest.take(client_length)?.into();
                Some(Self::Change(Change { clock, time_ms, client, patches: rest.0.into() }))
            }
            MARK => {
                let (offset, snapshot) = (rest.u64()?, rest.identity()?);
                rest.0.is_empty().then_some(Self::Mark { offset, snapshot })
            }
            STATE => Some(Self::State(rest.0.to_vec())),
            _ => None,
        }
    }
}
