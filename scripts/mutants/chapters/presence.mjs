// SPEC.md section 6.

const presenceFile = 'src/engine/presence.rs'
const room = 'src/engine/room.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const presence = [
  {
    rule: 'PR1',
    file: presenceFile,
    find: '(_, Some(entry)) => {',
    replace: '(_, Some(entry)) => {\n                    entry.fields = Fields::default();',
    why: 'replaces presence instead of merging it',
  },
  {
    rule: 'PR1',
    file: presenceFile,
    find: 'merge::check_deltas(patches, |key| self.get(client, key))',
    replace: 'merge::check_deltas(patches, |_| self.get(client, b""))',
    why: 'checks deltas of presence against nothing',
  },
  {
    rule: 'PR2',
    file: 'src/protocol/canvas/encode.rs',
    find: 'self.patches(patches, &[], arrays.spelled_out, current)',
    replace: 'self.patches(patches, &[], true, current)',
    why: 'spells the deltas of presence out',
  },
  {
    rule: 'PR3',
    file: room,
    find: 'if !keys.is_empty() {',
    replace: 'if keys.is_empty() {',
    why: 'tells of presence that is gone where there was none',
  },
  {
    rule: 'PR3',
    file: room,
    find: 'if !keys.is_empty() {',
    replace: `self.announce_count(effects);
            if !keys.is_empty() {`,
    why: 'counts before it tells of presence that is gone',
  },
  {
    rule: ['PR3', 'D4'],
    file: room,
    find: 'if others == 0 {',
    replace: 'if true {',
    why: 'ends presence with any session of its client',
  },
  {
    rule: 'PR4',
    file: room,
    find: '*self.clients.make().entry(Rc::clone(&client)).or_default() += 1;',
    replace: `*self.clients.make().entry(Rc::clone(&client)).or_default() += 1;
        self.presence.remove(&client);`,
    why: 'forgets the presence of a client that comes back',
  },
  {
    rule: 'PR4',
    file: room,
    find: '*self.clients.make().entry(Rc::clone(&client)).or_default() += 1;',
    replace: 'self.clients.make().insert(Rc::clone(&client), 1);',
    why: 'counts one session per client',
  },
  {
    rule: 'PR5',
    file: presenceFile,
    find: '.filter(move |(other, _)| ***other != *client);',
    replace: '.filter(move |(other, _)| other.len() + client.len() > 0);',
    why: 'sends clients their own presence',
  },
  {
    rule: 'PR6',
    file: presenceFile,
    find: '                (Some(false) | None, None) => {}',
    replace: `                (Some(false), None) => {}
                (None, None) => {
                    let mut entry = Entry { fields: Fields::default(), changed: *latest };
                    entry.fields.merge(fields, 0, scratch);
                    entries.insert(update.key.into(), entry);
                }`,
    why: 'stores partial updates of presence that is not there',
  },
  {
    rule: 'D5',
    file: presenceFile,
    find: `                    entries.remove(update.key);
`,
    replace: `                    let mut entry = Entry { fields: Fields::default(), changed: *latest };
                    entry.fields.merge(fields, 0, scratch);
                    entries.insert(update.key.into(), entry);
`,
    why: 'keeps deleted presence as tombstones',
  },
]
