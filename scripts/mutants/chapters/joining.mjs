// SPEC.md section 2.

const room = 'src/engine/room.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const joining = [
  {
    rule: 'JN1',
    file: room,
    find: 'if self.presence.has_others(&client) {',
    replace: 'if !self.presence.has_others(&client) {',
    why: 'sends presence to who joins only where there is none',
  },
  {
    rule: 'JN1',
    file: room,
    find: 'if self.presence.has_others(&client) {',
    replace: 'if false {',
    why: 'sends no presence to who joins',
  },
  {
    rule: 'JN2',
    file: room,
    find: `        self.announce_count(effects);
        effects.push(Effect::Left`,
    replace: '        effects.push(Effect::Left',
    why: 'does not count again when somebody leaves',
  },
  {
    rule: 'JN2',
    file: room,
    find: `        }
        self.announce_count(effects);
    }`,
    replace: `        }
        self.broadcast(Some(id), Message::ClientCount(self.sessions.len()), effects);
    }`,
    why: 'does not tell the count to the one who joined',
  },
  {
    rule: 'JN2',
    file: room,
    find: 'Message::ClientCount(self.sessions.len())',
    replace: 'Message::ClientCount(self.clients.len())',
    why: 'counts clients instead of sessions',
  },
  {
    rule: ['JN3', 'D8'],
    file: 'lib/arrival/connection.js',
    find: 'isHeld: true,',
    replace: 'isHeld: false,',
    why: 'sends documents to an accepted session at once',
  },
  {
    rule: 'JN3',
    file: room,
    find: 'let group = if held { Group::Held } else { Group::Live };',
    replace: 'let group = Group::Live;',
    why: 'holds no documents back',
  },
  {
    rule: 'JN3',
    file: room,
    find: 'session.group == Group::Held) {',
    replace: 'session.group == Group::Held && false) {',
    why: 'goes on holding documents back after a first frame that is a patch',
  },
  {
    rule: 'JN3',
    file: 'src/protocol/canvas/encode.rs',
    find: '(group != Group::Held && !document.is_empty()).then_some(*document);',
    replace: '(!document.is_empty()).then_some(*document);',
    why: 'sends held sessions the document half of a frame',
  },
  {
    rule: 'JN3',
    file: 'src/engine/population.rs',
    find: `            live: others(self.live, Group::Live),
            whole_arrays: others(self.whole_arrays, Group::WholeArrays),
            held: others(self.held, Group::Held),`,
    replace: `            live: others(self.live, Group::Live),
            whole_arrays: others(self.whole_arrays, Group::WholeArrays),
            held: false,`,
    why: 'keeps presence and counts from held sessions too',
  },
  {
    rule: 'JN4',
    file: room,
    find: 'let group = if held { Group::Held } else { Group::Live };',
    replace: 'let group = if held { Group::Live } else { Group::Held };',
    why: 'holds back who joined by itself',
  },
  {
    rule: 'JN4',
    file: 'lib/room.js',
    find: 'isHeld: false,',
    replace: 'isHeld: true,',
    why: 'holds documents back from sessions of handleSocketConnect',
  },
  {
    rule: 'JN5',
    file: 'lib/arrival/connection.js',
    find: `      room.handleSocketMessage(sessionId, frame)
    }`,
    replace: `      void frame
    }`,
    why: 'drops the frames that came while authorize ran',
  },
  {
    rule: 'JN5',
    file: 'lib/reception/reception.js',
    find: 'else if (session.gate === undefined) this.pass(session, frame)',
    replace: 'else if (session !== undefined) this.pass(session, frame)',
    why: 'handles frames before the room has loaded',
  },
  {
    rule: 'JN5',
    file: 'lib/reception/loading.js',
    find: 'for (const session of this.#arrivals ?? []) {',
    replace:
      'for (const session of [...(this.#arrivals ?? [])].sort((a, b) => b.number - a.number)) {',
    why: 'handles what waited session by session',
  },
  {
    rule: 'JN5',
    file: 'lib/reception/frames.js',
    find: "this.#frames.push(typeof frame === 'string' ? frame : new Uint8Array(frame))",
    replace: 'this.#frames.push(frame)',
    why: 'keeps frames in memory that the caller uses again',
  },
  {
    rule: 'JN6',
    file: 'lib/sessions.js',
    find: 'Buffer.from(randomUUID(),',
    replace: 'Buffer.from(randomUUID().toUpperCase(),',
    why: 'gives upper-case session ids',
  },
]
