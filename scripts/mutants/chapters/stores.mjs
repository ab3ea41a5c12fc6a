// SPEC.md section 10. No mutant drops a sync: only a disk that loses power could tell.

const storage = 'lib/storage.js'
const disk = 'src/storage/disk.rs'
const file = 'src/storage/file/mod.rs'
const names = 'src/storage/names.rs'
const contract = 'lib/testing.js'
const subject = 'lib/contract-subject.js'

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
    find: 'temporary.persist(path).map_err(|failed| failed.error)',
    replace:
      'if path.exists() { return Ok(()); }\n    temporary.persist(path).map_err(|failed| failed.error)',
    why: 'keeps the first snapshot in its file',
  },
  {
    rule: 'ST2',
    file: disk,
    find: 'temporary.persist(path).map_err(|failed| failed.error)',
    replace: 'fs::copy(&temporary, path).map(drop)',
    why: 'writes over the old snapshot instead of renaming',
  },
  {
    rule: 'ST2',
    file: disk,
    find: 'temporary.persist(path).map_err(|failed| failed.error)',
    replace: `fs::hard_link(&temporary, path).or_else(|_| fs::copy(&temporary, path).map(drop))?;
    temporary.keep().map(drop).map_err(|failed| failed.error)`,
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
    file: disk,
    find: ' && !lists(dir, name)?)',
    replace: ' && lists(dir, name)?)',
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
    file,
    find: 'Some(name) if disk::lists(',
    replace: 'Some(name) if false && disk::lists(',
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
    find: 'Err(error) => (Content::Unreadable(path), Err(error)),',
    replace: 'Err(_) => (Content::Unreadable(path), Ok(None)),',
    why: 'takes what it cannot read for an empty room',
  },
  {
    rule: 'ST7',
    file,
    find: 'Ok(None) => return (Content::Replaceable, Ok(None)),',
    replace: 'Ok(None) => self.path(),',
    why: 'cannot open a room without a file',
  },
  {
    rule: 'ST7',
    file,
    find: 'Err(error) => (Content::Unreadable(path), Err(error)),',
    replace: `Err(error) => {
                drop(disk::move_aside(&path));
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
    find: 'if (damage !== undefined) throw damage',
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
    file: disk,
    find: 'name.push(format!(".damaged-{number}"));',
    replace: 'name.push(format!(".broken-{number}"));',
    why: 'gives damaged files another name',
  },
  {
    rule: 'ST10',
    file: 'src/protocol/canvas/snapshot.rs',
    find: '    let mut restore = Restore::new(hash_keys, clock);',
    replace: `    let keys: Vec<_> = object(state, "state")?.map(|(key, _)| key).collect();
    if clocks.keys().any(|key| !keys.contains(key)) {
        return Err(bad("the clock of a component that is not there"));
    }
    let mut restore = Restore::new(hash_keys, clock);`,
    why: 'refuses what older peers wrote',
  },
  {
    rule: 'ST10',
    file: 'src/protocol/canvas/snapshot.rs',
    find: 'snapshot.member(b"timestamps")',
    replace: 'snapshot.member(b"clocks")',
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
    file: 'lib/contract-values.js',
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
    file: 'lib/contract-appends.js',
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
