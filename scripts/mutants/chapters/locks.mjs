// SPEC.md section 18.

const lock = 'src/storage/lock.rs'
const file = 'src/storage/file/mod.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const locks = [
  {
    rule: 'LK1',
    file: lock,
    find: 'sitting.hold = Hold::Closing;',
    replace: 'sitting.hold = Hold::Open;',
    why: 'does not say that an owner is closing',
  },
  {
    rule: 'LK1',
    file: lock,
    find: 'let pid = Some(std::process::id());',
    replace: 'let pid = None;',
    why: 'does not name the owner',
  },
  {
    rule: 'LK2',
    file: lock,
    find: 'if !file.try_lock().map_err(failed)? {',
    replace: 'if false {',
    why: 'does not ask the kernel',
  },
  {
    rule: 'LK3',
    file: lock,
    find: 'opened => return Ok((opened?, true)),',
    replace:
      'Ok(_) => return Err(ErrorKind::AlreadyExists.into()),\n            Err(error) => return Err(error),',
    why: 'takes the file’s existence for the lock',
  },
  {
    rule: 'LK3',
    file: 'src/node/room.rs',
    find: '                retirement::forget_all(&mailbox);\n',
    replace: '                let _ = mailbox;\n',
    why: 'keeps the rooms of a worker thread that has ended',
  },
  {
    rule: 'LK4',
    file,
    find: 'let (lock, _) = Lock::acquire(&self.files, Hold::Saving)?;',
    replace: `let Ok((lock, _)) = Lock::acquire(&self.files, Hold::Saving) else {
            return self.save_locked(&mut known, snapshot, &mut false);
        };`,
    why: 'saves behind an owner’s back',
  },
  {
    rule: 'LK5',
    file: lock,
    find: 'drop(files.folder.disk.remove(&path));',
    replace: '',
    why: 'leaves the lock file',
  },
  {
    rule: 'LK5',
    file: lock,
    find: '(*file, _) = lock_file(files)?;',
    replace: 'file.sync_all().map_err(StorageError::io("sync", &path))?;',
    why: 'goes on without the lock file',
  },
]
