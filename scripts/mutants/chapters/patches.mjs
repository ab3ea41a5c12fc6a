// SPEC.md section 3.

const room = 'src/engine/room.rs'
const direct = 'src/server/direct.rs'
const encode = 'src/protocol/canvas/encode.rs'
const decode = 'src/protocol/canvas/decode.rs'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const patches = [
  {
    rule: 'PA1',
    file: direct,
    find: `        if let Some((audience, applied)) = &broadcast {
            self.broadcast_applied(Some(session), *audience, applied, out);
        }
        let broadcasts = out.len() - start.0;
        self.send(session, &Message::Ack { message_id, clock }, out);
`,
    replace: `        self.send(session, &Message::Ack { message_id, clock }, out);
        let broadcasts = out.len() - start.0;
        if let Some((audience, applied)) = &broadcast {
            self.broadcast_applied(Some(session), *audience, applied, out);
        }
`,
    why: 'acks before it broadcasts',
  },
  {
    rule: 'PA1',
    file: encode,
    find: '    if let Some(presence) = presence {',
    replace: '    if let (Some(presence), None) = (presence, document) {',
    why: 'leaves presence out of a frame that has document patches',
  },
  {
    rule: 'PA2',
    file: 'src/engine/document/mod.rs',
    find: '        self.clock += 1;',
    replace: '        self.clock += Clock::try_from(patches.count).unwrap_or(1);',
    why: 'counts each patch of a frame',
  },
  {
    rule: 'PA2',
    file: room,
    find: 'let late = if is_change { self.document.apply(document) } else { Vec::new() };',
    replace: 'let late = self.document.apply(document);',
    why: 'moves the clock for presence',
  },
  {
    rule: ['PA3', 'RC4'],
    file: room,
    find: 'if session.access == Access::ReadOnly || (',
    replace: 'if (',
    why: 'applies what readonly sessions send',
  },
  {
    rule: 'PA3',
    file: room,
    find: `        if document.is_empty() && presence.is_empty() {
            return;`,
    replace: `        let readonly =
            self.sessions.get(&id).is_some_and(|session| session.access == Access::ReadOnly);
        if readonly || document.is_empty() && presence.is_empty() {
            return;`,
    why: 'does not ack the patches of readonly sessions',
  },
  {
    rule: 'PA4',
    file: room,
    find: `        if document.is_empty() && presence.is_empty() {
            return;`,
    replace: `        if false {
            return;`,
    why: 'acks a patch of nothing',
  },
  {
    rule: 'PA4',
    file: decode,
    find: 'Some(text) if text != b"null" =>',
    replace: 'Some(text) =>',
    why: 'refuses null where a list of patches may be missing',
  },
  {
    rule: 'PA5',
    file: encode,
    find: 'frame.document_patches(document, late, &arrays).number(TIMESTAMP, clock);',
    replace: '{ let _ = clock; frame.document_patches(document, late, &arrays); }',
    why: 'broadcasts document patches without timestamp',
  },
  {
    rule: 'PA5',
    file: encode,
    find: 'frame.presence_patches(presence, &arrays);',
    replace: `frame.presence_patches(presence, &arrays);
                if document.is_none() {
                    frame.number(TIMESTAMP, &room.document().clock());
                }`,
    why: 'stamps presence broadcasts',
  },
  {
    rule: 'PA6',
    file: room,
    find: 'let (except, client) = (Some(id), Some(client));',
    replace: 'let (except, client) = (None, Some(client));',
    why: 'sends a broadcast back to its sender',
  },
  {
    rule: 'PA6',
    file: encode,
    find: 'let client = client.as_deref().unwrap_or_default();',
    replace: 'let client: &[u8] = if client.is_some() { b"" } else { b"" };',
    why: 'broadcasts as nobody',
  },
  {
    rule: 'PA6',
    file: 'lib/sessions.js',
    find: 'sent += sendToAll(this.#live, author, text)',
    replace: `{
      const others = this.all().filter(({ group, clientId }) => group === this.#live && clientId !== author?.clientId)
      for (const other of others) other.outlet.send(text)
    }`,
    why: 'broadcasts to no session of the sender’s client',
  },
  {
    rule: 'PA6',
    file: 'lib/sessions.js',
    find: 'except?.group === group ? except.outlet : undefined',
    replace: 'except?.outlet',
    why: 'leaves out who is where the sender is in another group',
  },
  {
    rule: 'PA6',
    file: 'lib/sockets/groups.js',
    find: 'if (moved !== undefined) moved.place = place',
    replace: '',
    why: 'leaves out somebody else once somebody has left',
  },
  {
    rule: 'PA12',
    file: 'lib/sockets/groups.js',
    find: 'if (isDirect) this.#sockets[place] = undefined',
    replace: 'void [isDirect, place]',
    why: 'broadcasts to those who have left meanwhile',
  },
  {
    rule: 'PA12',
    file: 'lib/sockets/groups.js',
    find: 'outlet.isOver ? undefined : outlet.socket',
    replace: 'outlet.socket',
    why: 'broadcasts to those who left before they were let in',
  },
  {
    rule: 'PA7',
    file: encode,
    find: '\\"ack\\"").json(MESSAGE_ID, *message_id)',
    replace: '\\"ack\\"").json(MESSAGE_ID, message_id.or(Some(b"null")))',
    why: 'acks a patch without messageId with null',
  },
  {
    rule: 'PA7',
    file: encode,
    find: '\\"ack\\"").json(MESSAGE_ID, *message_id)',
    replace: '\\"ack\\"").json(MESSAGE_ID, message_id.filter(|text| text.starts_with(b"\\"")))',
    why: 'repeats message ids only where they are strings',
  },
  {
    rule: ['PA7', 'CV7'],
    file: 'src/engine/direct.rs',
    find: 'clock: self.document.clock() })',
    replace: 'clock: self.document.clock().saturating_sub(1) })',
    why: 'acks with the clock before the frame',
  },
  {
    rule: 'PA8',
    file: 'lib/effects.js',
    find: `    spend(text.length)
    session.send(text)`,
    replace: `    spend(text.length)
    queueMicrotask(() => session.send(text))`,
    why: 'lets later changes overtake an ack',
  },
  {
    rule: 'PA9',
    file: 'src/engine/admission.rs',
    find: 'growth.saturating_add(self.check_presence(client, presence)?);',
    replace: 'growth.saturating_add(self.check_presence(client, presence).unwrap_or(0));',
    why: 'applies the document of a frame whose presence is bad',
  },
  {
    rule: 'PA9',
    file: 'src/protocol/canvas/patches.rs',
    find: 'decoder.patch(&mut reader)?;',
    replace: 'if decoder.patch(&mut reader).is_err() { break; }',
    why: 'accepts a frame up to its first bad patch',
  },
  {
    rule: 'PA10',
    file: decode,
    find: '_ => Frame::Unknown,',
    replace: '_ => Frame::Refused(Refusal::new(RefusalCode::BadFrame, "unknown type"), None),',
    why: 'refuses frames of an unknown type',
  },
  {
    rule: 'PA11',
    file: room,
    find: 'Applied { client: None,',
    replace: 'Applied { client: Some(Rc::from(&b"server"[..])),',
    why: 'gives the server’s own edits a client',
  },
  {
    rule: 'PA11',
    file: room,
    find: '        self.broadcast(None, Message::Change(applied), effects);',
    replace: '        drop(applied);',
    why: 'tells nobody of the server’s own edits',
  },
  {
    rule: 'PA12',
    file: 'lib/effects.js',
    find: 'if (this.#isRunning) return',
    replace: 'if (this.#waiting.length === 0) return',
    why: 'runs the effects of a nested call at once, again and again',
  },
  {
    rule: 'PA12',
    file: 'lib/sessions.js',
    find: '    if (this.isGone) return\n    this.#counters',
    replace: '    this.#counters',
    why: 'sends to sessions that are gone',
  },
  {
    rule: 'PA12',
    file: 'lib/reception/reception.js',
    find: '    const effects = this.#engine.receive(session.number, frame)\n',
    replace:
      '    const effects = /** @type {any} */ ([])\n    this.#queue.runAfter(() => this.#queue.run(this.#engine.receive(session.number, frame)))\n',
    why: 'lets a nested call change nothing before the outer one has run',
  },
]
