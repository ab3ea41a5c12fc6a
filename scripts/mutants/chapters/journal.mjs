// SPEC.md section 17.

const log = 'src/storage/sync_log/mod.rs'
const checksum = 'src/storage/checksum.rs'
const compact = 'src/storage/room/compact.rs'
const file = 'src/storage/file/mod.rs'
const files = 'src/storage/files.rs'
const open = 'src/storage/room/open.rs'
const owner = 'src/storage/room/owner.rs'
const read = 'src/storage/journal/read.rs'
const recovery = 'src/storage/recovery.rs'
const room = 'src/storage/room/mod.rs'
const tail = 'src/storage/room/tail.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const journal = [
  {
    rule: 'JR1',
    file: checksum,
    find: 'b",\\"checksum\\":\\"crc32c:"',
    replace: 'b",\\"checksum\\":\\"crc32:"',
    why: 'writes another member',
  },
  {
    rule: 'JR1',
    file: checksum,
    find: 'return Ok(Unsealed { text: bytes, was_sealed: false });',
    replace: 'return Err(Damage { offset: None, reason: "no checksum".to_owned() });',
    why: 'refuses files without a checksum',
  },
  {
    rule: 'JR2',
    file: checksum,
    find: 'if actual.as_bytes() != digits {',
    replace: 'if false {',
    why: 'does not look at the checksum',
  },
  {
    rule: 'JR3',
    file: room,
    find: 'journal.file.sync_data().map_err(StorageError::io("sync", &path))?;',
    replace: '',
    why: 'never syncs the journal',
  },
  {
    rule: 'JR3',
    file: files,
    find: 'disk.sync_dir(dir).map_err(StorageError::io("sync", &**dir))',
    replace: 'Ok(())',
    why: 'never syncs the directory',
  },
  {
    rule: 'JR3',
    file: files,
    find: '.and_then(|()| temporary.sync())',
    replace: '',
    why: 'renames what it has not synced',
  },
  {
    rule: 'JR3',
    file: tail,
    find: 'journal.end += as_offset(added.len());',
    replace: '',
    why: 'writes each change over the one before',
  },
  {
    rule: 'JR4',
    file: recovery,
    find: '(base == file).then_some(',
    replace: 'Some(',
    why: 'replays over any snapshot',
  },
  {
    rule: 'JR5',
    file: read,
    find: 'if scan.end < synced.offset {',
    replace: 'if scan.end > u64::MAX - 1 {',
    why: 'takes damage for a torn end',
  },
  {
    rule: 'JR5',
    file: tail,
    find: 'if clock.checked_add(1) != Some(change.clock) {',
    replace: 'if false {',
    why: 'gives a clock twice',
  },
  {
    rule: 'JR6',
    file: open,
    find: 'map_or(0, |journal| journal.torn_bytes)',
    replace: 'map_or(0, |_| 0)',
    why: 'does not count what it cuts',
  },
  {
    rule: 'JR6',
    file: open,
    find: 'scan.synced.filter(|synced| synced.offset == scan.end)',
    replace: 'scan.synced',
    why: 'takes for synced what it found',
  },
  {
    rule: 'JR7',
    file: compact,
    find: 'self.mark(covered.offset, snapshot)?;',
    replace: '',
    why: 'does not say in the journal what the snapshot stands for',
  },
  {
    rule: 'JR7',
    file: compact,
    find: 'self.put_snapshot(written, snapshot, work)?;',
    replace: `self.cut(covered, snapshot)?;
        self.put_snapshot(written, snapshot, work)?;`,
    why: 'cuts the journal before the snapshot is there',
  },
  {
    rule: 'JR7',
    file: compact,
    find: 'new.carry(old, end).map_err(StorageError::io("shorten", &path))?;',
    replace: 'let _ = (old, end);',
    why: 'drops what was appended at the last moment',
  },
  {
    rule: 'JR7',
    file: compact,
    find: 'self.file.write(&bytes, at)?;\n        self.file.sync()?;',
    replace: 'self.file.write(&bytes, at)?;',
    why: 'puts a journal in place whose end it has not synced',
  },
  {
    rule: 'JR7',
    file: compact,
    find: 'self.files.sync_dir().inspect_err(|_| self.poison())',
    replace: 'Ok(())',
    why: 'goes on in a journal whose name is not durable',
  },
  {
    rule: 'JR7',
    file: owner,
    find: 'self.files.sync_dir()?;\n        self.gauge',
    replace: 'self.gauge',
    why: 'cuts the journal before the snapshot’s name is durable',
  },
  {
    rule: 'JR8',
    file: compact,
    find: 'self.files.remove(&path)?;',
    replace: '',
    why: 'leaves the journal',
  },
  {
    rule: 'JR9',
    file: open,
    find: 'Some(snapshot) if !snapshot.was_sealed => {',
    replace: `Some(snapshot) if !snapshot.was_sealed => {
            let (sealed, _) = files.write_snapshot(found.text.as_deref().unwrap_or_default())?;
            drop(sealed.keep(&snapshot.path));`,
    why: 'rewrites the peer’s file',
  },
  {
    rule: 'JR10',
    file: room,
    find: '                self.poison();\n                Err(error)',
    replace: '                Err(error)',
    why: 'syncs again what failed',
  },
  {
    rule: 'JR10',
    file: room,
    find: 'Ok(false) => {',
    replace:
      'Ok(false) if path.exists() => Ok(()),\n        Ok(false) if !path.exists() => Ok(()),\n        Ok(false) => {',
    why: 'writes on to a file that was removed',
  },
  {
    rule: 'JR10',
    file: tail,
    find: 'self.health = Health::Poisoned;',
    replace: '',
    why: 'writes on after a failed append',
  },
  {
    rule: 'JR11',
    file,
    find: 'self.supersede(&journals, known, &text)?;',
    replace: '',
    why: 'puts a snapshot under a journal that does not continue it',
  },
  {
    rule: 'JR11',
    file,
    find: 'files.remove(&files.journal())?;',
    replace: '',
    why: 'leaves the journal beside a saved snapshot',
  },
  {
    rule: 'JR11',
    file: open,
    find: 'if was_left {',
    replace: 'if false {',
    why: 'builds on names that a dead process did not make durable',
  },
  {
    rule: 'JR12',
    file: recovery,
    find: 'if files.exists(&path)? {',
    replace: 'if files.exists(&path).unwrap_or(false) {',
    why: 'takes a journal that it cannot find out about for none',
  },
  {
    rule: 'JR13',
    file: log,
    find: 'self.file.sync_data()?;',
    replace: '',
    why: 'does not sync the log',
  },
  {
    rule: 'JR13',
    file: 'src/storage/sync_log/read.rs',
    find: 'put(bytes, &entry);',
    replace: '',
    why: 'does not look into the log',
  },
  {
    rule: 'JR13',
    file: 'src/storage/room/tail.rs',
    find: 'self.is_named && self.safe_end() >= self.end',
    replace: 'self.is_named',
    why: 'relies on the log for what it was never given',
  },
  {
    rule: 'JR14',
    file: log,
    find: 'drop(self.disk.remove(&log.path));',
    replace: '',
    why: 'leaves the log when its rooms are closed',
  },
  {
    rule: 'JR14',
    file: 'src/storage/sync_log/read.rs',
    find: 'drop(files.folder.disk.remove_if_there(&path));',
    replace: '',
    why: 'keeps the logs of dead processes',
  },
  {
    rule: 'JR14',
    file: 'src/storage/room/logged.rs',
    find: 'if needs_it && self.sync().is_err() {',
    replace: 'if needs_it && self.status().poisoned {',
    why: 'removes a log that has what a journal lacks',
  },
]
