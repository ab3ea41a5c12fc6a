// SPEC.md section 19.

const archive = 'src/storage/history/archive.rs'
const compact = 'src/storage/room/compact.rs'
const driver = 'lib/driver.js'
const file = 'src/storage/file/mod.rs'
const keepers = 'lib/keepers/keepers.js'
const listed = 'src/storage/history/read.rs'
const restoration = 'src/protocol/canvas/restoration.rs'
const room = 'src/storage/room/history.rs'
const names = 'src/storage/history/mod.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const history = [
  {
    rule: 'HI1',
    file: room,
    find: `else {
            return;
        };
        let pruned`,
    replace: `else {
            self.keep_history(0);
            return self.mind_history(work);
        };
        let pruned`,
    why: 'looks after an archive that nobody wants',
  },
  {
    rule: 'HI1',
    file: compact,
    find: 'self.keeps_history().then_some(found)',
    replace: '{ self.keep_history(0); Some(found) }',
    why: 'archives without being told to',
  },
  {
    rule: 'HI1',
    file: keepers,
    find: "if (history !== undefined && (files === undefined || durability === 'none')) {",
    replace: 'if (history !== undefined && files === undefined) {',
    why: 'promises a history where nothing is journaled',
  },
  {
    rule: 'HI2',
    file: compact,
    find: '        self.put_snapshot(written, snapshot, work)?;\n',
    replace: `        self.put_snapshot(written, snapshot, work)?;
        if let Some(found) = &folded.found {
            self.archive(found);
        }
`,
    why: 'archives the new snapshot as the old one',
  },
  {
    rule: 'HI2',
    file: archive,
    find: `    put(files, &journal.path, &path, copying, || copy(files, found, journal, &path))?;
    files.folder.disk.sync_dir(&dir).map_err(StorageError::io("sync", &dir))`,
    replace: `    put(files, &journal.path, &path, copying, || copy(files, found, journal, &path))`,
    why: 'cuts the journal before the archive is durable',
  },
  {
    rule: 'HI2',
    file: archive,
    find: '        temporary.sync()?;\n',
    replace: '',
    why: 'archives copies that it has not synced',
  },
  {
    rule: 'HI2',
    file: 'src/storage/room/mod.rs',
    find: 'self.archive_given_up(clock, has_failed);',
    replace: 'let _ = has_failed;',
    why: 'forgets what was in a journal that is rewritten',
  },
  {
    rule: 'HI3',
    file: archive,
    find: 'let is_kept = |segment: &Segment| segment.newest_ms >= since_ms;',
    replace: 'let is_kept = |segment: &Segment| segment.newest_ms >= since_ms || true;',
    why: 'removes nothing',
  },
  {
    rule: 'HI3',
    file: names,
    find: 'map(|change| change.time_ms).max()?;',
    replace: 'map(|change| change.time_ms).min()?;',
    why: 'removes a journal with its oldest change',
  },
  {
    rule: 'HI3',
    file: compact,
    find: 'self.prune_history();',
    replace: '',
    why: 'removes nothing of a room that does not change',
  },
  {
    rule: 'HI4',
    file: room,
    find: 'if !history.is_failing {',
    replace: 'if true {',
    why: 'tells of each failure',
  },
  {
    rule: 'HI4',
    file: compact,
    find: 'self.archive(found);',
    replace: `self.archive(found);
            if let Some(error) = self.take_history_trouble() {
                return Err(error);
            }`,
    why: 'compacts only what it could archive',
  },
  {
    rule: 'HI4',
    file: listed,
    find: 'Err(error) => listing.errors.push(error),',
    replace: 'Err(error) => return Err(error),',
    why: 'lists nothing because of one damaged file',
  },
  {
    rule: 'HI4',
    file: archive,
    find: `    if is_removed {
        // A segment`,
    replace: `    if false {
        // A segment`,
    why: 'may leave a journal without its snapshot',
  },
  {
    rule: 'HI5',
    file: listed,
    find: 'change.clock > wanted.after && change.clock <= end && change.time_ms >= wanted.since_ms',
    replace: 'change.clock <= end && change.time_ms >= wanted.since_ms',
    why: 'lists what was not asked for',
  },
  {
    rule: 'HI5',
    file: listed,
    find: 'listing.add(view.live.changes, wanted.stored, wanted);',
    replace: '',
    why: 'does not list what is in the journal',
  },
  {
    rule: 'HI5',
    file: listed,
    find: 'listing.changes.truncate(wanted.limit);',
    replace: '',
    why: 'lists more than was asked for',
  },
  {
    rule: 'HI6',
    file: listed,
    find: 'partition_point(|change| change.clock <= clock)',
    replace: 'partition_point(|change| change.clock < clock)',
    why: 'gives the room before the change',
  },
  {
    rule: 'HI7',
    file: listed,
    find: '        live.changes.retain(|change| change.clock <= stored);\n',
    replace: '        let stored = live.clock.max(stored);\n',
    why: 'shows what is not stored',
  },
  {
    rule: 'HI7',
    file: listed,
    find: 'Some((_, last)) if base <= *last => *last = end.max(*last),',
    replace: 'Some((_, last)) => *last = end.max(*last),',
    why: 'says that there is what is missing',
  },
  {
    rule: 'HI8',
    file: listed,
    find: 'last.min(next).min(self.stored)',
    replace: 'last.min(self.stored)',
    why: 'lists what was taken back',
  },
  {
    rule: 'HI8',
    file: archive,
    find: '    go_back(files, segment.base)?;\n',
    replace: '',
    why: 'remembers what the room went back behind',
  },
  {
    rule: 'HI8',
    file: listed,
    find: 'Kind::Journal(segment) if segment.base < live_base => Some(segment),',
    replace: 'Kind::Journal(segment) => Some(segment),',
    why: 'believes the archive and not the room',
  },
  {
    rule: 'HI9',
    file: driver,
    find: `const { patches, kept } = this.#engine.planRestoration(past)
    const effects = this.#engine.applyRestoration(patches)`,
    replace: `const { patches, kept } = this.#engine.planRestoration(past)
    const effects = this.#engine.applyRestoration(patches === '[]' ? '[{}]' : patches)`,
    why: 'counts an edit where nothing differs',
  },
  {
    rule: 'HI9',
    file: restoration,
    find: 'object.member(new.key()).extend_from_slice(TOMBSTONE);',
    replace: 'let _ = new;',
    why: 'leaves what has come since',
  },
  {
    rule: 'HI9',
    file: restoration,
    find: 'if !new.get(name).is_some_and(|newer| is_same(content, newer)) {',
    replace: '{',
    why: 'writes what has not changed',
  },
  {
    rule: 'HI9',
    file: 'src/server/durable.rs',
    find: 'self.edit_within(patches, Limits::ACCEPTED_BEFORE, out)',
    replace: 'self.edit_within(patches, *self.room.limits(), out)',
    why: 'refuses to restore what is large',
  },
  {
    rule: 'HI10',
    file: restoration,
    find: '                push_kept(old, new, &mut kept);\n',
    replace: '',
    why: 'does not say what stays',
  },
  {
    rule: 'HI11',
    file,
    find: '        saved?;\n',
    replace: `        saved?;
        if let Ok(names) = self.files.folder.disk.list(&self.files.history(), usize::MAX) {
            for name in names {
                drop(self.files.folder.disk.remove(&self.files.history().join(name)));
            }
        }
`,
    why: 'clears the archive',
  },
]
