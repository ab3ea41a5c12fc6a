// SPEC.md section 10. The mutants that drop a sync are those of the journal.

const storage = 'lib/keepers/storage.js'
const disk = 'src/storage/disk/real.rs'
const compound = 'src/storage/disk/compound.rs'
const files = 'src/storage/files.rs'
const file = 'src/storage/file/mod.rs'
const names = 'src/storage/names.rs'
const contract = 'lib/contract/testing.js'
const subject = 'lib/contract/subject.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const stores = [
  {
    rule: 'ST1',
    file: storage,
    find: 'this.#source = sourceOf(snapshot)',
    replace: 'this.#source ??= sourceOf(snapshot)',
    why: 'keeps the first snapshot in memory',
  },
  {
    rule: 'ST1',
    file: disk,
    find: 'fs::rename(from, to)',
    replace: 'if to.exists() { return fs::remove_file(from); }\n        fs::rename(from, to)',
    why: 'keeps the first snapshot in its file',
  },
  {
    rule: 'ST2',
    file: disk,
    find: 'fs::rename(from, to)',
    replace: 'fs::copy(from, to).and_then(|_| fs::remove_file(from))',
    why: 'writes over the old snapshot instead of renaming',
  },
  {
    rule: 'ST2',
    file: disk,
    find: 'fs::rename(from, to)',
    replace: 'fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))',
    why: 'leaves its temporary files behind',
  },
  {
    rule: 'ST2',
    file: names,
    find: 'const EXTENSION: &str = ".json";',
    replace: 'const EXTENSION: &str = ".txt";',
    why: 'gives files another extension',
  },
  {
    rule: 'ST3',
    file: storage,
    find: 'const result = this.#lastCall.then(call)',
    replace: 'const result = Promise.resolve().then(call)',
    why: 'starts saves side by side',
  },
  {
    rule: 'ST4',
    file: names,
    find: "let plain = matches!(byte, b'a'..=b'z' |",
    replace: "let plain = matches!(byte, b'A'..=b'Z' | b'a'..=b'z' |",
    why: 'keeps capitals in file names',
  },
  {
    rule: 'ST4',
    file: names,
    find: "let plain = matches!(byte, b'a'..=b'z' |",
    replace: "let plain = matches!(byte, b'.' | b'/' | b'a'..=b'z' |",
    why: 'lets ids lead out of the folder',
  },
  {
    rule: 'ST4',
    file: names,
    find: 'Sha256::digest(&bytes)',
    replace: 'Sha256::digest(&bytes[..MAX_NAME_BYTES / 3])',
    why: 'gives long ids that begin alike one file',
  },
  {
    rule: 'ST4',
    file: compound,
    find: ' && !self.lists(dir, name)?)',
    replace: ' && self.lists(dir, name)?)',
    why: 'takes a file of another spelling for the room’s',
  },
  {
    rule: 'ST5',
    file: names,
    find: 'const MAX_NAME_BYTES: usize = 128;',
    replace: 'const MAX_NAME_BYTES: usize = 127;',
    why: 'hashes ids of 128 bytes',
  },
  {
    rule: 'ST5',
    file: names,
    find: 'const MAX_NAME_BYTES: usize = 128;',
    replace: 'const MAX_NAME_BYTES: usize = 129;',
    why: 'keeps ids of 129 bytes',
  },
  {
    rule: ['ST5', 'ST4'],
    file: names,
    find: 'if plain && !(device && at == 0) {',
    replace: 'if plain && !(device && at > 999) {',
    why: 'keeps device names',
  },
  {
    rule: 'ST5',
    file: names,
    find: "b'0'..=b'9' | b'_' | b'-');",
    replace: "b'0'..=b'9' | b'-');",
    why: 'escapes the underscore',
  },
  {
    rule: 'ST6',
    file: files,
    find: 'Some(name) if lists(name)? =>',
    replace: 'Some(name) if false && lists(name)? =>',
    why: 'never looks for the peer’s file',
  },
  {
    rule: 'ST6',
    file: names,
    find: '|| is_encoded(&text) {',
    replace: '|| text.is_empty() {',
    why: 'takes another id’s file for the peer’s',
  },
  {
    rule: 'ST6',
    file: names,
    find: "text.contains(['/', '\\\\', '\\0'])",
    replace: "text.contains('\\0')",
    why: 'looks for the peer’s file outside the folder',
  },
  {
    rule: 'ST7',
    file,
    find: 'Some(path) => (Content::Unreadable(path), Err(error)),',
    replace: `Some(path) => {
                    let (text, changes) = (None, Vec::new());
                    let found = Found { text, changes, clock: 0, snapshot: None, journal: None };
                    (Content::Unreadable(path), Ok(found))
                }`,
    why: 'takes what it cannot read for an empty room',
  },
  {
    rule: 'ST7',
    file: files,
    find: '_ => Ok(None),',
    replace: '_ => Ok(Some(path)),',
    why: 'cannot open a room without a file',
  },
  {
    rule: 'ST7',
    file,
    find: 'Some(path) => (Content::Unreadable(path), Err(error)),',
    replace: `Some(path) => {
                    drop(self.files.folder.disk.move_aside(&path));
                    (Content::Unreadable(path), Err(error))
                }`,
    why: 'moves what it cannot read',
  },
  {
    rule: 'ST8',
    file: storage,
    find: "if (coded?.code !== 'HEDDLE_DAMAGED_FILE') throw coded ?? error",
    replace: 'if (coded !== undefined) throw coded',
    why: 'throws for a damaged file in a script too',
  },
  {
    rule: 'ST8',
    file: storage,
    find: 'if (loaded === null && damage !== undefined) throw damage',
    replace: 'void damage',
    why: 'opens a room empty over a damaged file',
  },
  {
    rule: 'ST9',
    file,
    find: 'if matches!(&known.content, Content::Unreadable(damaged) if *damaged == path) {',
    replace: 'if false {',
    why: 'writes over what it could not read',
  },
  {
    rule: 'ST9',
    file: compound,
    find: 'name.push(format!(".damaged-{number}"));',
    replace: 'name.push(format!(".broken-{number}"));',
    why: 'gives damaged files another name',
  },
  {
    rule: 'ST10',
    file: 'src/protocol/canvas/snapshot.rs',
    find: '    let mut restore = Restore::new(hash_keys, clock);',
    replace: `    let mut components = object(state, || "state".to_owned())?;
    let keys: Vec<_> = Members(&mut components).map(|(key, _)| key).collect();
    if clocks.members.iter().any(|(key, _)| !keys.contains(key)) {
        return Err(bad("the clock of a component that is not there"));
    }
    let mut restore = Restore::new(hash_keys, clock);`,
    why: 'refuses what older peers wrote',
  },
  {
    rule: 'ST10',
    file: 'src/protocol/canvas/snapshot.rs',
    find: 'b"},\\"timestamps\\":{"',
    replace: 'b"},\\"clocks\\":{"',
    why: 'writes what the peer cannot read',
  },
  {
    rule: 'ST11',
    file: contract,
    find: 'if (methods.length === 0) return cases',
    replace: 'void 0',
    why: 'asks every storage for append',
  },
  {
    rule: 'ST11',
    file: contract,
    find: 'if (methods.length === 1) return [...cases, pairCase]',
    replace: 'if (methods.length === 1) return cases',
    why: 'takes half of the pair for none',
  },
  {
    rule: 'ST11',
    file: contract,
    find: 'const hasRooms = another !== undefined',
    replace: 'const hasRooms = true',
    why: 'asks for two rooms where there is one',
  },
  {
    rule: 'ST12',
    file: 'lib/contract/values.js',
    find: 'new Set([...Object.keys(wanted), ...Object.keys(got)])',
    replace: 'Object.keys(wanted)',
    why: 'overlooks names that were added',
  },
  {
    rule: 'ST12',
    file: subject,
    find: 'if (numbers !== expected) {',
    replace: 'if (got.length < wanted.length) {',
    why: 'overlooks changes that should be gone',
  },
  {
    rule: 'ST12',
    file: subject,
    find: 'this.#storage = await this.#fixture.reopen()',
    replace: 'await this.#fixture.reopen()',
    why: 'asks the old process what the next one finds',
  },
  {
    rule: 'ST12',
    file: subject,
    find: 'if (isStored) throw',
    replace: 'if (isStored) void',
    why: 'lets a storage swallow that a write failed',
  },
  {
    rule: 'ST12',
    file: subject,
    find: '    } catch (cause) {\n',
    replace: '    } catch (cause) {\n      throw cause\n',
    why: 'does not say which invariant a rejection breaks',
  },
  {
    rule: 'ST13',
    file: storage,
    find: 'this.#source = sourceOf(snapshot)',
    replace: 'this.#source ??= sourceOf(snapshot)',
    why: 'keeps the first snapshot in memory',
  },
  {
    rule: 'ST13',
    file: contract,
    find: '        await room.open()\n',
    replace: '',
    why: 'writes before it has loaded',
  },
  {
    rule: 'ST13',
    file: 'lib/contract/appends.js',
    find: 'await room.append(changes(5, 12))',
    replace: 'await room.append(changes(6, 12))',
    why: 'leaves a gap between appends',
  },
  {
    rule: 'ST14',
    file: contract,
    find: '    await cleanUp().catch(ignore)\n',
    replace: '',
    why: 'leaves a fixture behind when a case fails',
  },
  {
    rule: 'ST14',
    file: contract,
    find: 'await cleanUp().catch(ignore)',
    replace: 'await cleanUp()',
    why: 'lets the cleaning hide why a case failed',
  },
  {
    rule: 'ST14',
    file: contract,
    find: '  await cleanUp()\n  return result',
    replace: '  await cleanUp().catch(ignore)\n  return result',
    why: 'hides that a fixture could not be cleaned up',
  },
]
