// SPEC.md section 14, and the deviations of section 15 that no other chapter breaks.

const encode = 'src/protocol/canvas/encode.rs'
const decode = 'src/protocol/canvas/decode.rs'
const room = 'src/engine/room.rs'
const engineDirect = 'src/engine/direct.rs'
const direct = 'src/server/direct.rs'
const frames = 'lib/reception/frames.js'
const number = 'src/protocol/json/number.rs'
const string = 'src/protocol/json/string.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const dialect = [
  {
    rule: 'CV1',
    file: decode,
    find: 'Some(b"1") => Group::WholeArrays,',
    replace: 'Some(b"1") => Group::Live,',
    why: 'sends deltas to version 1',
  },
  {
    rule: ['CV1', 'D6'],
    file: decode,
    find: 'Some(b"1") => Group::WholeArrays,',
    replace: 'Some(b"1") => return Frame::Unserved,',
    why: 'does not serve version 1',
  },
  {
    rule: 'CV1',
    file: encode,
    find: 'whole_arrays(patches.fields_of(update), current(update.key), is_last, out);',
    replace: 'whole_arrays(patches.fields_of(update), None, is_last, out);',
    why: 'leaves out what deltas have changed',
  },
  {
    rule: 'CV2',
    file: decode,
    find: '_ => return Frame::Unserved,',
    replace: '_ => Group::Live,',
    why: 'serves any version',
  },
  {
    rule: 'CV2',
    file: decode,
    find: '_ => return Frame::Unserved,',
    replace: 'None => Group::Live,\n            _ => return Frame::Unserved,',
    why: 'takes a missing version for the current one',
  },
  {
    rule: 'CV3',
    file: room,
    find: 'if session.group == Group::Mute => {}',
    replace: 'if session.group == Group::Mute && session.attempt > 99 => {}',
    why: 'goes on taking frames after a mismatch',
  },
  {
    rule: ['CV3', 'D7'],
    file: room,
    find: '                self.place(id, Group::Mute, effects);\n',
    replace: '',
    why: 'goes on serving a session after a mismatch',
  },
  {
    rule: 'CV3',
    file: room,
    find: `            Frame::Reconnect { since, group, ref patches } => {
`,
    replace: `            Frame::Reconnect { .. } if session.group == Group::Mute => {}
            Frame::Reconnect { since, group, ref patches } => {
`,
    why: 'stays mute after a good reconnect',
  },
  {
    rule: 'CV4',
    file: 'src/protocol/json/canonical.rs',
    find: '[(one, index), (other, _)] = pair',
    replace: '[(one, _), (other, index)] = pair',
    why: 'lets the first of duplicate names win',
  },
  {
    rule: 'CV4',
    file: 'src/protocol/json/scan.rs',
    find: 'self.names.get(outer..).is_some_and(has_duplicates)',
    replace: 'outer == 0 && self.names.get(outer..).is_some_and(has_duplicates)',
    why: 'sees duplicate names at the top only',
  },
  {
    rule: 'CV5',
    file: number,
    find: 'out.extend_from_slice(b"null");',
    replace: 'out.extend_from_slice(number);',
    why: 'keeps numbers that no double holds',
  },
  {
    rule: 'CV5',
    file: number,
    find: 'return !(negative && number == b"-0");',
    replace: 'return true;',
    why: 'keeps -0',
  },
  {
    rule: 'CV5',
    file: number,
    find: `    if number.last() == Some(&b'0') {
        return false;
    }`,
    replace: '',
    why: 'keeps zeros at the end of fractions',
  },
  {
    rule: 'CV6',
    file: 'src/node/room.rs',
    find: 'if utf8.contains(char::REPLACEMENT_CHARACTER) {',
    replace: 'if utf8.is_empty() {',
    why: 'loses lone surrogates',
  },
  {
    rule: 'CV6',
    file: 'src/protocol/json/utf16.rs',
    find: '[unit >> 12, unit >> 8, unit >> 4, unit]',
    replace: '[0xf | unit & 0, 0xf, 0xf, 0xd]',
    why: 'replaces lone surrogates',
  },
  {
    rule: ['CV6', 'D10'],
    file: 'src/protocol/canvas/patches.rs',
    find: `            *self.keys += 1;
`,
    replace: `            if key == b"__proto__" {
                reader.value();
                continue;
            }
            *self.keys += 1;
`,
    why: 'drops the key __proto__',
  },
  {
    rule: 'CV7',
    file: decode,
    find: 'Ok(Form::Loose) => Self::Sound(Cow::Owned(canonicalize(bytes))),',
    replace: 'Ok(Form::Loose) => Self::Sound(Cow::Borrowed(bytes)),',
    why: 'does not rewrite what is not canonical',
  },
  {
    rule: 'CV7',
    file: string,
    find: 'Meaning::Character(\'\\n\') => out.write_all(b"\\\\n"),',
    replace: 'Meaning::Character(\'\\n\') => out.write_all(b"\\\\u000a"),',
    why: 'writes escapes in another form',
  },
  {
    rule: 'CV7',
    file: 'src/protocol/json/scan.rs',
    find: `            self.form = Form::Loose;
            self.at += 1;`,
    replace: '            self.at += 1;',
    why: 'takes white space for canonical',
  },
  {
    rule: 'CV7',
    file: room,
    find: 'push_with(effects, || Effect::Send(id, Message::Ack { message_id, clock }));',
    replace: 'effects.insert(0, Effect::Send(id, Message::Ack { message_id, clock }));',
    why: 'acks before it broadcasts what is not usual',
  },
  {
    rule: 'CV7',
    file: room,
    find: 'let clock = self.document.clock();\n                push_with',
    replace: 'let clock = self.document.clock().saturating_sub(1);\n                push_with',
    why: 'acks what is not usual with the clock before it',
  },
  {
    rule: 'CV7',
    file: engineDirect,
    find: 'session.access == Access::ReadWrite && session.group',
    replace: 'session.group',
    why: 'applies what readonly sessions send in usual frames',
  },
  {
    rule: 'CV7',
    file: engineDirect,
    find: '&& session.group == Group::Live',
    replace: '&& session.group != Group::Mute',
    why: 'goes on holding back the document after the first frame',
  },
  {
    rule: 'CV7',
    file: engineDirect,
    find: '|| is_nothing ||',
    replace: '||',
    why: 'acks what says nothing',
  },
  {
    rule: 'CV7',
    file: engineDirect,
    find: '|| !self.laggards.is_empty() ||',
    replace: '||',
    why: 'answers who lags before telling what that missed',
  },
  {
    rule: 'CV7',
    file: engineDirect,
    find: 'self.check_frame(&session.client, document, presence).ok()?;',
    replace: 'let _unchecked = &session.client;',
    why: 'applies usual frames unchecked',
  },
  {
    rule: 'CV7',
    file: direct,
    find: 'if self.is_stalled() {',
    replace: 'if false {',
    why: 'handles usual frames while nothing can be stored',
  },
  {
    rule: 'CV7',
    file: direct,
    find: 'vec![is_change; broadcasts]',
    replace: 'vec![true; broadcasts]',
    why: 'takes back presence that was told',
  },
  {
    rule: 'CV7',
    file: direct,
    find: 'group: Some(Group::Live)',
    replace: 'group: None',
    why: 'forgets the group of a session whose frame waits',
  },
  {
    rule: ['DU12', 'CV7'],
    file: direct,
    find: 'if self.is_journaled && self.has_unstored() {',
    replace: 'if false {',
    why: 'lets usual frames be answered before they are stored',
  },
  {
    rule: 'CV9',
    file: engineDirect,
    find: '|| may_spell_out_too_much(document)',
    replace: '',
    why: 'spells out any number of arrays',
  },
  {
    rule: 'CV8',
    file: frames,
    find: 'if (types.isArrayBuffer(data)) return viewOf(data)',
    replace: '',
    why: 'takes no ArrayBuffer',
  },
  {
    rule: 'CV8',
    file: frames,
    find: 'return Buffer.concat(data)',
    replace: 'return Buffer.concat(data.slice(0, 1))',
    why: 'takes only the first of several Buffers',
  },
  {
    rule: 'CV9',
    file: 'src/engine/whole_arrays.rs',
    find: 'usize = 1 << 22;',
    replace: 'usize = usize::MAX;',
    why: 'spells out whatever a frame touches',
  },
  {
    rule: 'CV9',
    file: 'src/engine/whole_arrays.rs',
    find: 'usize = 1 << 22;',
    replace: 'usize = (1 << 22) - 1;',
    why: 'closes readers of version 1 too soon',
  },
  {
    rule: 'CV9',
    file: 'src/engine/whole_arrays.rs',
    find: '&& Some(**id) != sender',
    replace: '',
    why: 'closes the sender, who needs nothing spelled out',
  },
  {
    rule: 'CV9',
    file: 'src/engine/whole_arrays.rs',
    find: ' && numbers_of(patches) > MOST_NUMBERS',
    replace: '',
    why: 'counts an array once for each of its deltas',
  },
  {
    rule: 'D12',
    file: room,
    find: 'push_with(effects, || Effect::Send(id, Message::Ack { message_id, clock }));',
    replace: `effects.extend(changed.map(Effect::Changed));
                let changed: Option<&'f [u8]> = None;
                push_with(effects, || Effect::Send(id, Message::Ack { message_id, clock }));`,
    why: 'runs hooks before the ack',
  },
]
