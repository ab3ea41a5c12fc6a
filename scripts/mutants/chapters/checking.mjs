// SPEC.md section 20.

const command = 'lib/commands/command-line.js'
const evidence = 'src/storage/checkup/evidence.rs'
const inspect = 'src/storage/checkup/inspect.rs'
const remains = 'src/storage/journal/remains.rs'
const run = 'lib/commands/checkup.js'
const salvage = 'src/storage/checkup/salvage.rs'
const survey = 'src/storage/checkup/survey.rs'
const text = 'lib/commands/checkup-text.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const checking = [
  {
    rule: 'CK1',
    file: survey,
    find: '(Some(encoded), "journal-new") => Name::Own(stem, encoded, Part::NewJournal),',
    replace: '',
    why: 'overlooks rooms that were never synced',
  },
  {
    rule: 'CK1',
    file: survey,
    find: 'Some(_) => Name::Legacy(id),',
    replace: 'Some(_) => Name::Foreign,',
    why: 'overlooks files of the peer’s',
  },
  {
    rule: 'CK1',
    file: inspect,
    find: 'inspection.torn_bytes = journal.as_ref().map_or(0, |journal| journal.torn_bytes);',
    replace: '',
    why: 'does not tell what is torn',
  },
  {
    rule: 'CK1',
    file: text,
    find: '/[\\p{Cc}\\p{Cf}\\p{Cs}\\u2028\\u2029]/gu',
    replace: '/[\\u2028\\u2029]/gu',
    why: 'prints what others wrote as it is',
  },
  {
    rule: 'CK2',
    file: inspect,
    find: 'Ok(owner) => inspection.owner = owner,',
    replace: 'Ok(_) => {}',
    why: 'does not tell who has a room open',
  },
  {
    rule: 'CK2',
    file: inspect,
    find: 'unchanged = if after == before { unchanged + 1 } else { 0 };',
    replace: 'unchanged = 2;',
    why: 'takes files that are written for damaged',
  },
  {
    rule: 'CK2',
    file: 'src/storage/disk/real.rs',
    find: '            Ok(()) => Ok(false),\n            Err(TryLockError::WouldBlock) => Ok(true),',
    replace:
      '            Ok(()) => {\n                std::mem::forget(file);\n                Ok(false)\n            }\n            Err(TryLockError::WouldBlock) => Ok(true),',
    why: 'keeps the lock that it looks at',
  },
  {
    rule: 'CK3',
    file: inspect,
    find: 'inspection.problems.extend(journal.err());',
    replace: 'drop(journal);',
    why: 'tells one of two damages only',
  },
  {
    rule: 'CK3',
    file: run,
    find: "code === 'HEDDLE_DAMAGED_FILE') ? 'damaged' : 'unreadable'",
    replace: "code !== '') ? 'damaged' : 'unreadable'",
    why: 'takes what cannot be read for damaged',
  },
  {
    rule: 'CK3',
    file: text,
    find: 'offset: offset ?? null,',
    replace: 'offset: null,',
    why: 'does not tell where',
  },
  {
    rule: 'CK4',
    file: run,
    find: "counts.has('damaged') || counts.has('unreadable') ? 1 : 0",
    replace: "counts.has('damaged') ? 1 : 0",
    why: 'takes a room that cannot be read for a good one',
  },
  {
    rule: 'CK4',
    file: command,
    find: '    return 2\n',
    replace: '    return 1\n',
    why: 'ends with 1 when it could not look',
  },
  {
    rule: 'CK5',
    file: survey,
    find: 'if disk.read(&path).is_ok_and(|text| is_lock(&text)) {',
    replace: 'if disk.read(&path).is_ok() {',
    why: 'takes every lock file for its own',
  },
  {
    rule: 'CK5',
    file: survey,
    find: 'return Name::Leftover(LeftoverKind::SetAside);',
    replace: 'return Name::Foreign;',
    why: 'passes over files that were set aside',
  },
  {
    rule: 'CK6',
    file: run,
    find: 'if (!json) text.summary(',
    replace: 'text.summary(',
    why: 'prints more than JSON',
  },
  {
    rule: 'CK7',
    file: salvage,
    find: 'if !files.exists(&path)? {',
    replace: 'if number > 0 {',
    why: 'writes over what was salvaged before',
  },
  {
    rule: 'CK7',
    file: salvage,
    find: '&seal(&bare(text))',
    replace: '&bare(text)',
    why: 'writes no checksum',
  },
  {
    rule: 'CK7',
    file: salvage,
    find: '    files.sync_dir()?;\n    Ok(path)',
    replace: '    files.remove(&files.journal())?;\n    Ok(path)',
    why: 'removes the damaged journal',
  },
  {
    rule: 'CK8',
    file: remains,
    find: 'Ok((header, _)) if header.name != name => None,',
    replace: '',
    why: 'takes changes of another room',
  },
  {
    rule: 'CK8',
    file: remains,
    find: 'reads.into_iter().max_by_key(|remains| remains.end)',
    replace: 'reads.into_iter().min_by_key(|remains| remains.end)',
    why: 'gives up a journal whose header is damaged',
  },
  {
    rule: 'CK8',
    file: evidence,
    find: 'line_of_state(remains, format).or_else(|| line_of_beginning(remains))',
    replace: 'line_of_state(remains, format)',
    why: 'does not see that a journal goes back to the beginning',
  },
  {
    rule: 'CK8',
    file: evidence,
    find: 'line_of_state(remains, format).or_else(|| line_of_beginning(remains))',
    replace: 'line_of_beginning(remains)',
    why: 'does not see the snapshot in a journal',
  },
  {
    rule: 'CK8',
    file: evidence,
    find: '(Some(remains), None) if is_doubtful || remains.base == Base::Unknown => {',
    replace: '(Some(remains), None) => {',
    why: 'takes changes that were made on another snapshot',
  },
  {
    rule: 'CK9',
    file: evidence,
    find: 'Seal::Wrong => true,',
    replace: 'Seal::Wrong => false,',
    why: 'believes a changed snapshot',
  },
  {
    rule: 'CK9',
    file: evidence,
    find: '    let is_doubtful = known.is_none()\n',
    replace: '    let is_doubtful = true\n',
    why: 'doubts a snapshot that the journal names',
  },
  {
    rule: 'CK9',
    file: evidence,
    find: 'is_whole || reaches\n',
    replace: 'reaches\n',
    why: 'believes a changed snapshot more than a whole journal',
  },
  {
    rule: 'CK10',
    file: salvage,
    find: `        let Some(line) = evidence.best(self.format, is_whole) else {
            return`,
    replace: `        let Some(line) = evidence.best(self.format, is_whole) else {
            write(&self.files, b"{}")?;
            return`,
    why: 'writes an empty file',
  },
  {
    rule: 'CK10',
    file: run,
    find: 'text.hopeless(name, salvage).forEach(err)\n      return 1',
    replace: 'text.hopeless(name, salvage).forEach(err)\n      return 0',
    why: 'ends with 0 where nothing was rescued',
  },
  {
    rule: 'CK11',
    file: salvage,
    find: 'Ok(_) => return Ok(Salvage::Healthy(inspection.clock.unwrap_or(0))),',
    replace: 'Ok(_) => {}',
    why: 'salvages good rooms',
  },
  {
    rule: 'CK11',
    file: salvage,
    find: 'let (lock, was_left) = Lock::acquire(files, Hold::Open)?;',
    replace: `let disk = std::sync::Arc::clone(&files.folder.disk);
        let other = Files::named(disk, std::env::temp_dir(), files.name.to_string(), None);
        let (lock, was_left) = Lock::acquire(&other, Hold::Open)?;`,
    why: 'salvages a room that is open',
  },
  {
    rule: 'CK11',
    file: salvage,
    find: 'return Ok(Salvage::Absent);',
    replace: 'return Ok(Salvage::Healthy(0));',
    why: 'takes a mistyped id for a good room',
  },
  {
    rule: 'CK12',
    file: salvage,
    find: 'let bytes = bytes.saturating_sub(offset);',
    replace: 'let bytes = 0;',
    why: 'does not say how much is lost',
  },
  {
    rule: 'CK12',
    file: text,
    find: '[...moves, [path, join(dir, file)]]',
    replace: '[[path, join(dir, file)]]',
    why: 'leaves the damaged journal in the way',
  },
  {
    rule: 'CK13',
    file: command,
    find: "if (arg.startsWith('-')) wrong(",
    replace: "if (arg.startsWith('-')) void (",
    why: 'passes over options that it does not know',
  },
  {
    rule: 'CK13',
    file: command,
    find: 'else if (request.version) terminal.out(version)',
    replace: '',
    why: 'does not know its version',
  },
]
