// SPEC.md section 7.

const room = 'src/engine/room.rs'
const reconnecting = 'src/engine/reconnect.rs'
const encode = 'src/protocol/canvas/encode.rs'
const pieces = 'src/protocol/canvas/pieces.rs'
const decode = 'src/protocol/canvas/decode.rs'
const walks = 'src/engine/walks.rs'
const walksOfSockets = 'lib/sockets/walks.js'
const journaled = 'src/server/journaled.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const reconnect = [
  {
    rule: 'RC1',
    file: encode,
    find: 'if since.is_none_or(|since| clock > since) {',
    replace: 'if since.is_none_or(|since| clock >= since) {',
    why: 'sends fields that the client has seen',
  },
  {
    rule: 'RC1',
    file: pieces,
    find: '    pieces.finish()\n}',
    replace:
      '    let mut all = pieces.finish();\n    if all.is_empty() {\n        all.push(br#"{"type":"patch","clientId":""}"#.to_vec());\n    }\n    all\n}',
    why: 'sends a patch of nothing before synced',
  },
  {
    rule: 'RC1',
    file: pieces,
    find: '            pieces.presence(client, told, room);\n        }\n        Message::Handed',
    replace:
      '            if pieces.open.is_some() {\n                pieces.presence(client, told, room);\n            }\n        }\n        Message::Handed',
    why: 'leaves presence out of a catch-up without document',
  },
  {
    rule: 'RC1',
    file: pieces,
    find: 'name(b"")',
    replace: 'name(b"x")',
    why: 'sends a catch-up in the name of its receiver',
  },
  {
    rule: 'RC1',
    file: reconnecting,
    find: 'effects.push(Effect::Send(id, Message::Synced(self.document.clock())));',
    replace: `let last = effects.len() - 1;
        effects.insert(last, Effect::Send(id, Message::Synced(self.document.clock())));`,
    why: 'says synced before the catch-up',
  },
  {
    rule: 'RC2',
    file: reconnecting,
    find: `            ReconnectPatches::Sound { document, presence } => {
                self.accept(id, document, presence, effects)`,
    replace: `            ReconnectPatches::Sound { .. } => {
                self.accept(id, super::patch::Patches::none(), super::patch::Patches::none(), effects)`,
    why: 'drops what a client brings along',
  },
  {
    rule: 'RC3',
    file: reconnecting,
    find: 'since > before {',
    replace: 'since >= before {',
    why: 'asks a client that is exactly at the clock',
  },
  {
    rule: 'RC3',
    file: reconnecting,
    find: 'since > before {',
    replace: 'since > self.document.clock() {',
    why: 'judges who is ahead by the clock after the frame',
  },
  {
    rule: 'RC3',
    file: reconnecting,
    find: 'Message::Resync { since: before }',
    replace: 'Message::Resync { since }',
    why: 'repeats the client’s clock in a resync',
  },
  {
    rule: 'RC4',
    file: reconnecting,
    find: 'if access == Access::ReadWrite && since > before {',
    replace: 'if since > before {',
    why: 'asks readonly clients for what they know',
  },
  {
    rule: ['RC5', 'D3'],
    file: walks,
    find: 'if since == 0 { self.walks.graves_from } else { since }',
    replace: 'since',
    why: 'sends tombstones to who has seen nothing',
  },
  {
    rule: 'RC5',
    file: walks,
    find: 'if since == 0 { self.walks.graves_from } else { since }',
    replace: 'if since <= 1 { self.walks.graves_from } else { since }',
    why: 'sends no tombstones to who has seen the first change',
  },
  {
    rule: 'RC5',
    file: walks,
    find: 'walks.graves_from = walks.graves_from.min(clock);',
    replace: 'let _ = clock;',
    why: 'keeps what was deleted from one whose first catch-up was cut off',
  },
  {
    rule: 'RC6',
    file: reconnecting,
    find: 'effects.push(Effect::Send(id, Message::Refused(refused.refusal, None)));',
    replace: 'return self.refuse(id, refused.refusal, None, effects);',
    why: 'closes a session whose reconnect brings bad patches',
  },
  {
    rule: 'RC6',
    file: reconnecting,
    find: '                touched = refused.touched;',
    replace: `                touched = refused.touched;
                if since > before {
                    effects.push(Effect::Send(id, Message::Resync { since: before }));
                }`,
    why: 'asks for a resync after a refusal',
  },
  {
    rule: 'RC7',
    file: room,
    find: 'let touched = document.updates.iter().map(|update| update.key).collect();',
    replace: 'let touched = Vec::new();',
    why: 'forgets which keys a refused delta touched',
  },
  {
    rule: 'RC7',
    file: decode,
    find: 'touched_keys(self.document_patches)',
    replace: 'touched_keys(None)',
    why: 'forgets which keys malformed patches touched',
  },
  {
    rule: 'RC7',
    file: pieces,
    find: 'Some(component) => component_since(component, None, out),',
    replace: 'Some(component) => component_since(component, Some(since), out),',
    why: 'sends only the news of what was touched',
  },
  {
    rule: 'RC7',
    file: pieces,
    find: 'None => out.extend_from_slice(TOMBSTONE),',
    replace: 'None => out.extend_from_slice(b"{}"),',
    why: 'does not take back what it refused to create',
  },
  {
    rule: 'RC8',
    file: decode,
    find: "b'-' | b'n' => return Some(0),",
    replace: "b'-' => return Some(0),",
    why: 'refuses null as lastTimestamp',
  },
  {
    rule: 'RC8',
    file: decode,
    find: "b'-' | b'n' => return Some(0),",
    replace: "b'n' => return Some(0),",
    why: 'refuses negative clocks',
  },
  {
    rule: 'RC8',
    file: decode,
    find: `        _ => return None,
    };
    match text`,
    replace: `        _ => return Some(0),
    };
    match text`,
    why: 'takes any lastTimestamp for 0',
  },
  {
    rule: 'RC9',
    file: 'src/engine/document/mod.rs',
    find: '.take_while(move |(_, component)| since == 0 || component.changed() > since)',
    replace: '.filter(move |(_, component)| since == 0 || component.changed() > since)',
    why: 'walks the whole document for each catch-up',
  },
  {
    rule: 'RC10',
    file: pieces,
    find: 'full.frame().number(TIMESTAMP, &clock);',
    replace: 'full.frame().number(TIMESTAMP, &clock.saturating_add(1));',
    why: 'makes a client believe that it knows what is still to come',
  },
  {
    rule: ['RC10', 'D15'],
    file: pieces,
    find: 'open.text.len() >= limit',
    replace: 'open.text.len() >= limit && list.is_empty()',
    why: 'sends everything in one frame',
  },
  {
    rule: 'RC10',
    file: pieces,
    find: 'let limit = self.limit.saturating_mul(OWN_PIECES);',
    replace: 'let limit = self.limit;',
    why: 'spreads what a client handed in over several frames',
  },
  {
    rule: 'RC10',
    file: pieces,
    find: '    pieces.end_document(since);',
    replace: '    pieces.end_document(room.document().clock());',
    why: 'has a step carry the clock of the room',
  },
  {
    rule: 'RC10',
    file: pieces,
    find: 'self.end_document(document.clock());',
    replace: 'self.end_document(known);',
    why: 'leaves the cursor where it was at the end of a catch-up',
  },
  {
    rule: 'RC10',
    file: pieces,
    find: 'if *ends_walk {',
    replace: 'if *ends_walk && false {',
    why: 'ends a walk without a last frame where nothing changed meanwhile',
  },
  {
    rule: 'RC11',
    file: walks,
    find: 'sessions.push(*id);',
    replace: 'if sessions.is_empty() {\n                sessions.push(*id);\n            }',
    why: 'encodes each step for each session anew',
  },
  {
    rule: 'RC11',
    file: walks,
    find: 'alike.filter(|(_, walk)| walk.since == since).collect();',
    replace: 'alike.collect();',
    why: 'gives a step to sessions that came with another lastTimestamp',
  },
  {
    rule: 'RC11',
    file: walks,
    find: 'let position = self.walks.position;',
    replace: 'let position = 0;',
    why: 'begins at the start again for who comes later',
  },
  {
    rule: 'RC11',
    file: walksOfSockets,
    find: 'const READY_SHARE = 1 / 2',
    replace: 'const READY_SHARE = 4',
    why: 'gives steps to sockets that hold more than they may',
  },
  {
    rule: 'RC12',
    file: room,
    find: '        self.walks.forget(id);\n        let clients',
    replace: '        let clients',
    why: 'keeps the walk of a session that leaves',
  },
  {
    rule: 'DU12',
    file: 'src/engine/effect.rs',
    find: 'Self::Piece { newest, .. } => *newest > stored,',
    replace: 'Self::Piece { newest, .. } => *newest > stored && false,',
    why: 'sends a step that shows what is not stored',
  },
  {
    rule: 'RC10',
    file: journaled,
    find: 'room.run(Input::GivenBack { sessions, slots }, None, out);',
    replace: 'let _ = (sessions, slots);',
    why: 'forgets a step that was taken back',
  },
]
