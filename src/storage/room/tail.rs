//! The end of the journal, where changes are added.

use super::super::{
    Change, StorageError,
    checksum::Identity,
    disk::{DiskFile, as_offset},
    files::Files,
    journal::{Chain, Draft, Synced},
};
use crate::engine::Clock;
use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

/// A buffer that grew beyond this is not kept.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// Of more than this a sync of the journal costs less than to write it to a log as well.
const MAX_RECENT_BYTES: usize = 64 << 10;

/// What may be done with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Sound,
    /// A write failed: nobody knows what of it is in the journal.
    Poisoned,
    /// No more appends.
    Closing,
    Closed,
}

/// The journal file that is written to.
#[derive(Clone, Debug)]
pub(in super::super) struct Journal {
    pub(super) file: Arc<dyn DiskFile>,
    /// Whether it has its name; else it was never synced.
    pub(super) is_named: bool,
    pub(super) id: u128,
    pub(super) header_checksum: u32,
    pub(super) end: u64,
    pub(super) chain: Chain,
    pub(super) synced: Synced,
    /// Up to where a log has what was not synced.
    pub(super) logged: u64,
    /// Whether anything in it may not be in the snapshot file.
    pub(super) is_needed: bool,
}

/// The state that appending reads and changes.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) health: Health,
    /// The clock of the last change.
    pub(super) clock: Clock,
    /// The snapshot in the file, which a first journal continues.
    pub(super) base: Option<Identity>,
    /// Boxed: most rooms that are open have none.
    pub(super) journal: Option<Box<Journal>>,
    /// There while something is not safe.
    pub(super) recent: Option<Box<Recent>>,
}

/// What was appended last to a journal that was there: all that is not safe yet, unless that is much.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// The journal's id.
    journal: u128,
    offset: u64,
    bytes: Vec<u8>,
}

impl Recent {
    /// Forgets what is safe, what is too much, and what the journal does not end in.
    fn go_on(&mut self, journal: &Journal) {
        let is_end = (self.journal, self.end()) == (journal.id, journal.end);
        if is_end && !journal.is_safe() && self.bytes.len() <= MAX_RECENT_BYTES {
            return;
        }
        if self.bytes.capacity() > MAX_KEPT_BYTES {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        (self.journal, self.offset) = (journal.id, journal.end);
    }

    fn end(&self) -> u64 {
        self.offset + as_offset(self.bytes.len())
    }
}

impl Journal {
    /// What was drafted and is in its named file now, synced so far.
    pub(super) fn placed(draft: &Draft, file: Arc<dyn DiskFile>, synced: Synced) -> Self {
        Self {
            file,
            is_named: true,
            id: draft.id,
            header_checksum: draft.header_checksum,
            end: as_offset(draft.bytes.len()),
            chain: draft.chain,
            synced,
            logged: 0,
            is_needed: true,
        }
    }

    /// Whether some of it survives power loss only because a log has it.
    pub(super) fn needs_log(&self) -> bool {
        self.logged > self.synced.offset
    }

    /// Whether everything in it would survive power loss.
    fn is_safe(&self) -> bool {
        self.is_named && self.safe_end() >= self.end
    }

    fn safe_end(&self) -> u64 {
        self.synced.offset.max(self.logged)
    }
}

impl Tail {
    /// Writes changes to the end of the journal, or to a new one; any error but for changes that
    /// make no sense poisons the store.
    pub(super) fn append(&mut self, files: &Files, changes: &[Change]) -> Result<(), StorageError> {
        self.check(files, &[Health::Sound])?;
        let Some(last) = changes.last() else { return Ok(()) };
        let mut clock = self.clock;
        for change in changes {
            if clock.checked_add(1) != Some(change.clock) {
                let error =
                    io::Error::new(ErrorKind::InvalidInput, "the clocks do not ascend by one");
                return Err(StorageError::io("append to", files.journal())(error));
            }
            clock = change.clock;
        }
        let written = match self.journal.take() {
            Some(journal) => self.extend(journal, changes),
            None => self.begin(files, changes).map(Box::new),
        };
        match written {
            Ok(journal) => {
                self.journal = Some(journal);
                self.clock = last.clock;
                Ok(())
            }
            Err(error) => {
                self.health = Health::Poisoned;
                Err(StorageError::io("append to", files.journal())(error))
            }
        }
    }

    fn extend(
        &mut self,
        mut journal: Box<Journal>,
        changes: &[Change],
    ) -> io::Result<Box<Journal>> {
        let recent = self.recent.get_or_insert_default();
        recent.go_on(&journal);
        let bytes = &mut recent.bytes;
        let before = bytes.len();
        for change in changes {
            journal.chain.push_change(bytes, change)?;
        }
        let added = bytes.get(before..).unwrap_or_default();
        journal.file.write_all_at(added, journal.end)?;
        journal.end += as_offset(added.len());
        journal.is_needed = true;
        Ok(journal)
    }

    /// A room that nobody edits any more keeps nothing for a sync that is over.
    pub(super) fn forget_safe(&mut self) {
        if self.journal.as_ref().is_none_or(|journal| journal.is_safe()) {
            self.recent = None;
        }
    }

    /// The journal, and where in it begins all that is not safe; none where what was appended last does not reach so far back.
    pub(super) fn unsafe_end(&self) -> Option<(&Journal, u64, &[u8])> {
        let journal = self.journal.as_ref().filter(|journal| journal.is_named)?;
        let recent = self.recent.as_ref()?;
        let Recent { journal: id, offset, bytes } = &**recent;
        if (*id, recent.end()) != (journal.id, journal.end) {
            return None;
        }
        let safe_end = journal.safe_end();
        let safe_bytes = usize::try_from(safe_end.checked_sub(*offset)?).ok()?;
        Some((journal, safe_end, bytes.get(safe_bytes..)?))
    }

    /// A journal whose first sync is still to come has another name: nothing of it is promised to
    /// survive power loss, so that whatever is found of it then is no damage.
    fn begin(&self, files: &Files, changes: &[Change]) -> io::Result<Journal> {
        let mut draft = Draft::new(&files.header(self.base));
        let start = as_offset(draft.bytes.len());
        for change in changes {
            draft.chain.push_change(&mut draft.bytes, change)?;
        }
        let file = files.folder.disk.create(&files.new_journal())?;
        file.write_all_at(&draft.bytes, 0)?;
        let synced = Synced { sequence: 0, offset: start, clock: self.clock };
        Ok(Journal { is_named: false, ..Journal::placed(&draft, file, synced) })
    }

    /// Adds the record that says what a snapshot stands for.
    pub(super) fn mark(&mut self, offset: u64, snapshot: Identity) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let mut bytes = Vec::new();
        let mut chain = journal.chain;
        chain.push_mark(&mut bytes, offset, snapshot)?;
        journal.file.write_all_at(&bytes, journal.end)?;
        journal.end += as_offset(bytes.len());
        journal.chain = chain;
        Ok(())
    }

    /// Refuses, unless the store is in one of these states.
    pub(super) fn check(&self, files: &Files, allowed: &[Health]) -> Result<(), StorageError> {
        if allowed.contains(&self.health) {
            return Ok(());
        }
        let path = files.journal();
        match self.health {
            Health::Poisoned => Err(StorageError::Poisoned { path }),
            Health::Sound | Health::Closing | Health::Closed => {
                let error = io::Error::new(ErrorKind::BrokenPipe, "the room is closed");
                Err(StorageError::io("write to", path)(error))
            }
        }
    }
}
