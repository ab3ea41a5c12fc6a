//! Compaction: a new snapshot file that stands for the journal so far, and then a shorter journal.
//!
//! After each step a crash leaves files that recovery understands: the old snapshot and a journal
//! that continues it; or the new one and a journal that has a mark for it. Only when the new one
//! and its name are durable is the journal cut. Where the room keeps its history, what is about to
//! be replaced is archived before; that may fail, and then there is a gap in the history.

use super::{
    super::{
        StorageError,
        checksum::{Identity, bare},
        disk::{DiskFile, Temporary, as_offset},
        files::Files,
        journal::{Chain, Draft, RECORDS_START, Record, Synced, slot},
        leftovers::Leftovers,
        recovery::{Found, combine, read_journal},
    },
    RoomStore,
    tail::{Health, Journal},
};
use crate::engine::Clock;
use std::{
    io::{self, ErrorKind},
    path::PathBuf,
    sync::Arc,
};

/// How much of the journal a new snapshot stands for.
#[derive(Clone, Copy, Debug)]
struct Covered {
    offset: u64,
    chain: Chain,
    clock: Clock,
}

/// A snapshot's text made from the files, and what cannot be read of what it replaces.
struct Folded {
    text: Vec<u8>,
    /// What it was made from, for the history.
    found: Option<Found>,
    unreadable: Option<PathBuf>,
}

impl RoomStore {
    /// Puts a new snapshot in place that stands for all that was appended before the call, and cuts
    /// the journal to what came after. Appends and syncs go on meanwhile.
    ///
    /// After an error nothing is lost and it can be tried again, unless the store is poisoned then.
    pub fn compact(&self) -> Result<(), StorageError> {
        let mut work = self.work();
        self.tail().check(&self.files, &[Health::Sound])?;
        match self.fold(&mut work)? {
            Some((covered, snapshot)) => self.cut(covered, snapshot),
            None => Ok(()),
        }
    }

    /// The end of [`close`](Self::close): everything into the snapshot file.
    pub(super) fn finish(&self, work: &mut Leftovers) -> Result<(), StorageError> {
        self.fold(work)?;
        let _syncing = self.syncing();
        let Some(journal) = self.tail().journal.clone() else { return Ok(()) };
        let path = if journal.is_named { self.files.journal() } else { self.files.new_journal() };
        self.files.remove(&path)?;
        self.change(|tail| tail.journal = None);
        self.files.sync_dir()
    }

    /// Puts a snapshot of all that is in the journal in place, durably. `None` where the snapshot
    /// file has it all already.
    fn fold(&self, work: &mut Leftovers) -> Result<Option<(Covered, Identity)>, StorageError> {
        self.lock.ensure(&self.files)?;
        self.sync()?;
        let Some(covered) = self.covered() else {
            self.prune_history();
            return Ok(None);
        };
        let folded = self.folded(covered).inspect_err(|_| self.poison())?;
        let text = bare(&folded.text);
        let snapshot = Identity::of(&text, covered.clock);
        let written = self.files.write_snapshot(&text)?;

        // While the old snapshot has its name, and the journal all its changes.
        if let Some(found) = &folded.found {
            self.archive(found);
        }
        self.mark(covered.offset, snapshot)?;
        if let Some(unreadable) = &folded.unreadable {
            let aside = self.files.folder.disk.link_aside(unreadable);
            aside.map_err(StorageError::io("set aside", unreadable))?;
            self.files.sync_dir()?;
        }
        self.put_snapshot(written, snapshot, work)?;
        Ok(Some((covered, snapshot)))
    }

    fn covered(&self) -> Option<Covered> {
        let tail = self.tail();
        let journal = tail.journal.as_ref().filter(|journal| journal.is_needed)?;
        Some(Covered { offset: journal.end, chain: journal.chain, clock: tail.clock })
    }

    /// Makes the snapshot from what the disk has: what could not be read now could not be recovered
    /// either, and memory still has it all.
    fn folded(&self, covered: Covered) -> Result<Folded, StorageError> {
        let mut journal = read_journal(&self.files)?;
        if let Some(scan) = journal.as_mut().and_then(|journal| journal.scan.as_mut()) {
            scan.records.retain(|placed| placed.offset < covered.offset);
        }
        let (snapshot, unreadable) = match self.files.locate()? {
            None => (None, None),
            Some(path) => match self.files.read_snapshot(path.clone(), self.format) {
                Ok(read) => (Some(read), None),
                // The journal may do without it, after a rewrite.
                Err(error) => (None, Some((path, error))),
            },
        };
        let (found, unreadable) =
            match (combine(&self.files, journal, snapshot, self.format), unreadable) {
                (Ok(found), unreadable) => (found, unreadable.map(|(path, _)| path)),
                (Err(_), Some((_, error))) | (Err(error), None) => return Err(error),
            };
        let text = (self.format.replay)(found.text.as_deref(), &found.changes)
            .map_err(|damage| self.bad_journal(&format!("its changes make no sense: {damage}")))?;
        let clock = (self.format.check)(&text)
            .map_err(|damage| self.bad_journal(&format!("its changes lead nowhere: {damage}")))?;
        if (clock, found.clock) != (covered.clock, covered.clock) {
            return Err(self.bad_journal("its changes do not lead to the room's clock"));
        }
        let found = self.keeps_history().then_some(found);
        Ok(Folded { text, found, unreadable })
    }

    fn bad_journal(&self, reason: &str) -> StorageError {
        let error = io::Error::new(ErrorKind::InvalidData, reason);
        StorageError::io("replay", self.files.journal())(error)
    }

    /// Says in the journal, durably, what the new snapshot stands for.
    fn mark(&self, offset: u64, snapshot: Identity) -> Result<(), StorageError> {
        let mut marked = Ok(());
        self.change(|tail| {
            marked = tail.check(&self.files, &[Health::Sound, Health::Closing]).and_then(|()| {
                tail.mark(offset, snapshot)
                    .inspect_err(|_| tail.health = Health::Poisoned)
                    .map_err(StorageError::io("append to", self.files.journal()))
            });
        });
        marked.and_then(|()| self.sync())
    }

    /// Replaces the journal by one that continues the new snapshot.
    fn cut(&self, covered: Covered, snapshot: Identity) -> Result<(), StorageError> {
        let path = self.files.journal();
        let failed = || StorageError::io("shorten", &path);
        let Some(old) = self.tail().journal.clone() else { return Ok(()) };
        let mut new = NewJournal::begin(&self.files, covered, snapshot)?;
        // The bulk first, while nobody waits.
        new.carry(&*old.file, old.end).and_then(|()| new.file.sync()).map_err(failed())?;

        let _syncing = self.syncing();
        // No sync can be answered meanwhile: what was answered is in the new file, and synced.
        let (end, clock) = {
            let tail = self.tail();
            (tail.journal.as_ref().map_or(old.end, |journal| journal.end), tail.clock)
        };
        new.carry(&*old.file, end).map_err(failed())?;
        let synced = new.seal(clock).map_err(failed())?;
        self.swap(new, synced, &*old.file)?;
        self.files.sync_dir().inspect_err(|_| self.poison())
    }

    /// The moment in which appends wait: from then on they go to the new file.
    fn swap(
        &self,
        mut new: NewJournal,
        synced: Synced,
        old: &dyn DiskFile,
    ) -> Result<(), StorageError> {
        let path = self.files.journal();
        let mut tail = self.tail();
        tail.check(&self.files, &[Health::Sound, Health::Closing])?;
        let end = tail.journal.as_ref().map_or(0, |journal| journal.end);
        new.carry(old, end).map_err(StorageError::io("shorten", &path))?;
        match new.keep(&self.files, synced) {
            Ok(journal) => tail.journal = Some(Box::new(journal)),
            // Nobody knows which of the files has the name now.
            Err(error) => {
                tail.health = Health::Poisoned;
                self.gauge.show(&tail);
                return Err(StorageError::io("replace", &path)(error));
            }
        }
        self.gauge.show(&tail);
        Ok(())
    }
}

/// A journal that takes over the end of another.
struct NewJournal {
    id: u128,
    file: Temporary,
    header_checksum: u32,
    chain: Chain,
    end: u64,
    /// Where the other was read up to.
    read: u64,
    read_chain: Chain,
}

impl NewJournal {
    fn begin(files: &Files, covered: Covered, snapshot: Identity) -> Result<Self, StorageError> {
        let Draft { id, bytes, chain, header_checksum } = Draft::new(&files.header(Some(snapshot)));
        let path = files.journal();
        let file = files.aside(&path)?;
        file.write(&bytes, 0).map_err(StorageError::io("write a temporary file for", &path))?;
        Ok(Self {
            id,
            file,
            header_checksum,
            chain,
            end: as_offset(bytes.len()),
            read: covered.offset,
            read_chain: covered.chain,
        })
    }

    /// Copies the changes up to an offset of the other journal.
    fn carry(&mut self, old: &dyn DiskFile, to: u64) -> io::Result<()> {
        let bytes = old.read_between(self.read, to)?;
        let mut rest = bytes.as_slice();
        let mut copied = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let next = self.read_chain.next(rest);
            let (body, length) =
                next.map_err(|flaw| io::Error::new(ErrorKind::InvalidData, flaw))?;
            if let Some(Record::Change(change)) = Record::decode(body) {
                self.chain.push_change(&mut copied, &change)?;
            }
            rest = usize::try_from(length).ok().and_then(|at| rest.get(at..)).unwrap_or_default();
        }
        self.file.write(&copied, self.end)?;
        self.end += as_offset(copied.len());
        self.read = to;
        Ok(())
    }

    /// Syncs what was copied so far, and says so in it.
    fn seal(&self, clock: Clock) -> io::Result<Synced> {
        let synced = Synced { sequence: 1, offset: self.end, clock };
        let (at, bytes) = slot(self.header_checksum, synced);
        self.file.write(&bytes, at)?;
        self.file.sync()?;
        Ok(synced)
    }

    fn keep(self, files: &Files, synced: Synced) -> io::Result<Journal> {
        let file: Arc<dyn DiskFile> = self.file.keep(&files.journal())?;
        Ok(Journal {
            file,
            is_named: true,
            id: self.id,
            header_checksum: self.header_checksum,
            end: self.end,
            chain: self.chain,
            synced,
            logged: 0,
            is_needed: self.end > RECORDS_START,
        })
    }
}
