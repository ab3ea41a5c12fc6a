// SPEC.md sections 4 and 5.

const document = 'src/engine/document/mod.rs'
const packed = 'src/engine/fields/packed.rs'
const overwriting = 'src/engine/fields/overwriting.rs'
const rewriting = 'src/engine/fields/rewriting.rs'
const wide = 'src/engine/fields/wide.rs'
const buffer = 'src/engine/buffer.rs'
const merge = 'src/engine/merge.rs'
const decoded = 'src/protocol/canvas/patches.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const merging = [
  {
    rule: 'MG1',
    file: packed,
    find: 'None => next.keep(&entry, bytes, old),',
    replace: 'None => {}',
    why: 'forgets the fields that an update does not name',
  },
  {
    rule: 'MG1',
    file: rewriting,
    find: 'writer.put_value(json);\n        self.growth',
    replace: 'writer.put_value(before);\n        self.growth',
    why: 'lets the first write win',
  },
  {
    rule: 'MG1',
    file: wide,
    find: 'growth.removed += field_size(name, before.value.size());',
    replace: 'if before.index.is_none() { continue; }',
    why: 'loses writes to fields beside many others',
  },
  {
    rule: ['MG2', 'MG3'],
    file: document,
    find: '                (None, None) => {}',
    replace: `                (None, None) => {
                    let slot = self.insert(update.key);
                    self.write(slot, patches.fields_of(update));
                }`,
    why: 'creates components by partial updates',
  },
  {
    rule: 'MG2',
    file: document,
    find: '(Some(true), Some(slot)) => self.write(slot, patches.fields_of(update)),',
    replace: `(Some(true), Some(slot)) => {
                    self.bury(Some(slot), update.key);
                    self.write(slot, patches.fields_of(update));
                }`,
    why: 'replaces an alive component where it is created again',
  },
  {
    rule: 'MG3',
    file: document,
    find: '(None, Some(slot)) if alive =>',
    replace: '(None, Some(slot)) if alive || !alive =>',
    why: 'stores partial updates on tombstones',
  },
  {
    rule: 'MG3',
    file: document,
    find: '        self.clock += 1;',
    replace: `        if patches.updates.iter().any(|update| {
            update.existence.is_some() || self.get(update.key).is_some_and(Component::is_alive)
        }) {
            self.clock += 1;
        }`,
    why: 'does not count updates that store nothing',
  },
  {
    rule: 'MG4',
    file: document,
    find: '                (None, None) => {}',
    replace: '                (None, None) => late.push(position),',
    why: 'leaves updates of unseen keys out of the broadcast',
  },
  {
    rule: ['MG5', 'D2'],
    file: document,
    find: '(None, Some(_)) => late.push(position),',
    replace: '(None, Some(_)) => {}',
    why: 'broadcasts updates of tombstones',
  },
  {
    rule: 'MG6',
    file: rewriting,
    find: 'most_bytes(entries, update)?, clock)',
    replace: 'most_bytes(entries, update)?, clock.min(1))',
    why: 'gives every field that is written again the clock of the first change',
  },
  {
    rule: 'MG6',
    file: overwriting,
    find: 'Head::new(clock)',
    replace: 'Head::new(clock.min(1))',
    why: 'gives fields that are written over the clock of the first change',
  },
  {
    rule: 'MG1',
    file: overwriting,
    find: 'next.extend_from_slice(json);',
    replace: 'next.extend_from_slice(&json.to_ascii_uppercase());',
    why: 'changes values that have another length than before',
  },
  {
    rule: 'MG6',
    file: packed,
    find: 'None => next.keep(&entry, bytes, old),',
    replace: `None if matches!(entry.stored, Stored::Packed(_)) => {
                    Entry { clock, ..entry }.write(&mut next.entries);
                }
                None => next.keep(&entry, bytes, old),`,
    why: 'gives fields the clock of their neighbours',
  },
  {
    rule: 'MG7',
    file: buffer,
    find: 'array.resize(self.len, 0.0);',
    replace: 'array.resize(self.len, 1.0);',
    why: 'fills arrays with ones',
  },
  {
    rule: 'MG7',
    file: buffer,
    find: 'array.resize(self.len, 0.0);',
    replace: 'array.resize(self.len.max(array.len()), 0.0);',
    why: 'never cuts an array',
  },
  {
    rule: 'MG7',
    file: buffer,
    find: 'for &(offset, count) in &self.runs {',
    replace: `for &(offset, count) in &self.runs {
            if offset < 1000 && array.len() < offset + count {
                array.resize(offset + count, 0.0);
            }`,
    why: 'keeps what a run holds past the end',
  },
  {
    rule: 'MG7',
    file: merge,
    find: 'self.stored.map_or(Some(0), |fields| fields.base(name))',
    replace: 'self.stored.and_then(|fields| fields.get(name).and(fields.base(name)))',
    why: 'refuses a delta on a missing field',
  },
  {
    rule: 'MG8',
    file: packed,
    find: `                Some(Field { value: Value::Delta(_, delta), .. }) => {
`,
    replace: `                Some(Field { value: Value::Delta(json, _), .. }) if json.len() > 1 => {
                    next.json(entry.name, clock, json);
                }
                Some(Field { value: Value::Delta(_, delta), .. }) => {
`,
    why: 'stores deltas as they came',
  },
  {
    rule: ['MG9', 'D13'],
    file: merge,
    find: 'let base = base.ok_or_else(|| no_base(update.key, field.name))?;',
    replace: 'let base = base.unwrap_or(0);',
    why: 'makes up a base for deltas',
  },
  {
    rule: 'MG9',
    file: decoded,
    find: 'delta.numbers.push(number(runs.value())?);',
    replace: 'delta.numbers.push(number(runs.value()).unwrap_or(0.0));',
    why: 'takes values that are no numbers for 0',
  },
  {
    rule: 'MG9',
    file: decoded,
    find: '&& number.fract() == 0.0',
    replace: '',
    why: 'accepts lengths and offsets that are no integers',
  },
  {
    rule: 'MG9',
    file: decoded,
    find: 'number(json).filter(|number| *number > 0.0',
    replace: 'number(json).filter(|number| *number != 0.0',
    why: 'accepts negative lengths and offsets',
  },
  {
    rule: 'MG10',
    file: document,
    find: 'in patches.updates.iter().enumerate() {',
    replace: 'in patches.updates.iter().enumerate().rev() {',
    why: 'applies the patches of a frame from the last to the first',
  },
  {
    rule: 'MG10',
    file: merge,
    find: 'self.written.insert(field.name, length);',
    replace: 'let _ = (&mut self.written, length);',
    why: 'checks deltas against the document as it was before the frame',
  },
  {
    rule: ['TB1', 'D9'],
    file: document,
    find: '(Some(false), found) => self.bury(found, update.key),',
    replace: `(Some(false), found) => {
                    self.bury(found, update.key);
                    if patches.fields_of(update).len() > 1 {
                        let slot = self.find(update.key).unwrap_or_default();
                        self.write(slot, patches.fields_of(update));
                    }
                }`,
    why: 'keeps the fields that come with a deletion',
  },
  {
    rule: 'TB1',
    file: document,
    find: '(Some(false), found) => self.bury(found, update.key),',
    replace: `(Some(false), Some(slot)) => self.bury(Some(slot), update.key),
                (Some(false), None) => {}`,
    why: 'leaves no tombstone where the key was never seen',
  },
  {
    rule: ['TB1', 'TB2'],
    file: document,
    find: 'let replaced = std::mem::take(&mut component.fields);',
    replace: 'let replaced = Fields::default();',
    why: 'keeps the fields of what is deleted',
  },
  {
    rule: 'TB3',
    file: 'src/protocol/canvas/snapshot.rs',
    find: `    push_key(component, first, out);
    component_since(`,
    replace: `    if !component.is_alive() {
        return;
    }
    push_key(component, first, out);
    component_since(`,
    why: 'leaves tombstones out of snapshots',
  },
  {
    rule: 'TB3',
    file: 'src/protocol/canvas/snapshot.rs',
    find: 'push_clock(component.changed(), clocks.member(b"_exists"));',
    replace: 'push_clock(0, clocks.member(b"_exists"));',
    why: 'stores tombstones without their clock',
  },
]
