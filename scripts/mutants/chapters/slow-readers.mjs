// SPEC.md section 21.

const engine = 'src/engine/lagging.rs'
const departures = 'src/engine/departures.rs'
const presence = 'src/engine/presence.rs'
const journaled = 'src/server/journaled.rs'
const socketsFile = 'lib/sockets/sockets.js'
const outlets = 'lib/sockets/outlets.js'
const lagging = 'lib/sockets/lagging.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const slowReaders = [
  {
    rule: 'SR1',
    file: outlets,
    find: 'if (bufferedBytes(this.#socket) > this.#owner.mark) this.#owner.full()',
    replace: 'if (bufferedBytes(this.#socket) >= this.#owner.mark) this.#owner.full()',
    why: 'takes a socket for full that is at the mark',
  },
  {
    rule: ['SR1', 'SR2'],
    file: outlets,
    find: 'if (bufferedBytes(this.#socket) > this.#owner.mark) this.#owner.full()',
    replace: '',
    why: 'does not look at sockets of an unknown kind',
  },
  {
    rule: 'SR1',
    file: socketsFile,
    find: "return typeof value === 'number' && value > 0 ? value : 0",
    replace: "return typeof value === 'number' && value > 0 ? value : Number.POSITIVE_INFINITY",
    why: 'takes a socket for full that tells nothing',
  },
  {
    rule: 'SR2',
    file: lagging,
    find: 'session.intake?.hold(Reason.LAGGING)',
    replace: '',
    why: 'reads on from a session that lags',
  },
  {
    rule: 'SR2',
    file: lagging,
    find: 'session.intake?.release(Reason.LAGGING)',
    replace: '',
    why: 'reads no more from a session that has drained',
  },
  {
    rule: 'SR2',
    file: engine,
    find: `        self.population.exit(session.group);
        let departures`,
    replace: `        let departures`,
    why: 'encodes broadcasts for sessions that lag',
  },
  {
    rule: 'SR2',
    file: engine,
    find: `        if session.group != Group::Mute {
            effects.push(Effect::Place(id, Group::Mute));
        }`,
    replace: '',
    why: 'leaves a session that lags in its group',
  },
  {
    rule: 'SR3',
    file: lagging,
    find: 'queued <= limits.queuedBytes * DRAINED_SHARE',
    replace: 'queued <= limits.queuedBytes',
    why: 'takes a session for drained that is just under the mark',
  },
  {
    rule: 'SR3',
    file: lagging,
    find: 'queue.run(engine.drained(session.number))',
    replace: '',
    why: 'sends no diff to a session that has drained',
  },
  {
    rule: 'SR3',
    file: engine,
    find: 'touched: Vec::new(), buries: true, told };',
    replace: 'touched: Vec::new(), buries: since > 0, told };',
    why: 'leaves tombstones out of the diff from clock 0',
  },
  {
    rule: 'SR3',
    file: engine,
    find: 'if !keys.is_empty() {',
    replace: 'if false {',
    why: 'does not tell which presence went',
  },
  {
    rule: 'SR3',
    file: engine,
    find: 'effects.push(Effect::Send(id, Message::ClientCount(self.sessions.len())));',
    replace: '',
    why: 'does not tell the count to a session that has drained',
  },
  {
    rule: 'SR3',
    file: departures,
    find: '.filter(|(_, stamp)| **stamp > since)',
    replace: '.filter(|(_, stamp)| **stamp + 1 > since)',
    why: 'tells what went before the session began to lag',
  },
  {
    rule: 'SR3',
    file: departures,
    find: '.filter(|(other, _)| ***other != *client)',
    replace: '.filter(|_| !client.is_empty())',
    why: 'tells a session that presence of its own client went',
  },
  {
    rule: 'SR3',
    file: presence,
    find: 'entry.changed > told.until || ',
    replace: '',
    why: 'does not tell which presence changed',
  },
  {
    rule: 'SR3',
    file: presence,
    find: ' || told.gone.binary_search(key).is_ok()',
    replace: '',
    why: 'takes a presence key from a client for that of another which went',
  },
  {
    rule: 'SR3',
    file: engine,
    find: 'let told = Presence::told(lag.presence, keys);',
    replace: 'let told = Presence::told(0, keys);',
    why: 'tells all presence again to a session that has drained',
  },
  {
    rule: 'SR3',
    file: presence,
    find: 'departures.note(&client, key);',
    replace: 'let _ = (&client, key, &departures);',
    why: 'forgets that the presence of a client went that left',
  },
  {
    rule: 'SR4',
    file: 'src/server/room.rs',
    find: 'let mut deliveries = room.catch_up(session);',
    replace: 'let mut deliveries: Vec<Delivery> = Vec::new();',
    why: 'answers a session that lags before its diff',
  },
  {
    rule: 'SR4',
    file: lagging,
    find: 'if (this.#looks.has(session)) return',
    replace: '',
    why: 'reads on from a session that its diff filled again',
  },
  {
    rule: 'SR5',
    file: engine,
    find: 'if group == Group::Held {',
    replace: 'if group == Group::Mute {',
    why: 'sends the document to a session that is held back',
  },
  {
    rule: 'SR5',
    file: engine,
    find: `            && session.group != Group::Mute
        {`,
    replace: `        {`,
    why: 'sends a diff to a mute session',
  },
  {
    rule: 'SR5',
    file: engine,
    find: 'effects.push(Effect::Place(id, group));',
    replace: 'effects.push(Effect::Place(id, Group::Live));',
    why: 'puts every session that has drained into the same group',
  },
  {
    rule: 'SR6',
    file: engine,
    find: 'lag.cursor = lag.cursor.min(clock);',
    replace: '',
    why: 'takes a number that is given again for one that was seen',
  },
  {
    rule: 'SR6',
    file: journaled,
    find: 'released.extend(room.run(Input::CaughtUp { session, since }, None));',
    replace: 'let _ = (session, since);',
    why: 'sends no diff instead of one that was taken back',
  },
  {
    rule: 'SR6',
    file: journaled,
    find: 'again.is_some() || caught_up.is_some()',
    replace: 'again.is_some()',
    why: 'sends a diff that shows what was taken back',
  },
  {
    rule: 'SR6',
    file: journaled,
    find: 'released.extend(kept.session.map(|it| room.catch_up(it)).unwrap_or_default());',
    replace: '',
    why: 'answers what waited for the store before the diff',
  },
  {
    rule: 'SR6',
    file: 'src/engine/room.rs',
    find: `            if self.laggards.contains_key(&id) {
                return;
            }
            self.population.exit(old);`,
    replace: '            self.population.exit(old);',
    why: 'puts a session that lags back among the others when the store fails',
  },
  {
    rule: ['SR7', 'CC1'],
    file: socketsFile,
    find: "([4408, 'too slow'])",
    replace: "([4508, 'too slow'])",
    why: 'closes a socket that stalls with another code',
  },
  {
    rule: 'SR7',
    file: socketsFile,
    find: "if (code === TOO_SLOW[0] && typeof closable.terminate === 'function') closable.terminate()",
    replace: '',
    why: 'keeps what waits for a peer that does not read',
  },
  {
    rule: 'SR7',
    file: lagging,
    find: 'look.stalledMs >= limits.stallTimeoutMs',
    replace: 'look.stalledMs < 0',
    why: 'never gives up a socket that does not move',
  },
  {
    rule: 'SR7',
    file: lagging,
    find: 'Math.max(look.queued - queued, look.leaving - leaving, 0)',
    replace: 'Math.max(look.queued - queued, 0)',
    why: 'takes a large frame that is leaving for one that is not',
  },
  {
    rule: 'SR7',
    file: lagging,
    find: 'Math.max(look.queued - queued, look.leaving - leaving, 0)',
    replace: 'Math.max(look.leaving - leaving, 0)',
    why: 'does not see that a socket holds less',
  },
  {
    rule: 'SR7',
    file: lagging,
    find: 'leftBytes / LEAST_BYTES_PER_MS',
    replace: '(leftBytes > 0 ? look.stalledMs + elapsedMs : 0)',
    why: 'takes a byte now and then for progress',
  },
  {
    rule: ['SR8', 'CC1'],
    file: 'src/node/mailbox.rs',
    find: '(4408.0, "too slow")',
    replace: '(4508.0, "too slow")',
    why: 'closes a session that lags too long with another code',
  },
  {
    rule: 'SR8',
    file: departures,
    find: 'self.bytes > MOST_BYTES',
    replace: 'self.bytes > usize::MAX / 2',
    why: 'remembers any number of presence keys',
  },
  {
    rule: 'SR9',
    file: outlets,
    find: 'if (isFull) this.#owner.full()',
    replace: '',
    why: 'goes on broadcasting to a socket that is full',
  },
  {
    rule: 'SR10',
    file: outlets,
    find: 'if (this.#length > this.#owner.mark) this.flush()',
    replace: '',
    why: 'writes nothing before the turn ends',
  },
  {
    rule: 'SR10',
    file: outlets,
    find: 'if (!this.#isSocketFull) this.#write(this.#takeBatch())',
    replace: 'this.#write(this.#takeBatch())',
    why: 'goes on writing to a socket that is full',
  },
  {
    rule: 'SR10',
    file: outlets,
    find: 'return texts.splice(0, count)',
    replace: 'return texts.splice(-count)',
    why: 'writes what came last first',
  },
]
