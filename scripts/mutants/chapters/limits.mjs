// SPEC.md section 11.

const room = 'src/engine/room.rs'
const quota = 'src/engine/quota.rs'
const manager = 'lib/manager.js'
const frames = 'lib/reception/frames.js'

/**
 * A limit is broken in both directions.
 * @param {string} rule
 * @param {string} limit
 * @param {string} value
 * @returns {import('../../mutants.mjs').Mutant[]}
 */
function offByOne(rule, limit, value) {
  const file = 'src/protocol/limits.rs'
  const find = `${limit}: ${value},`
  const name = limit.replaceAll('_', ' ')
  return [
    {
      rule,
      file,
      find,
      replace: `${limit}: (${value}) + 1,`,
      why: `lets one more pass (${name})`,
    },
    {
      rule,
      file,
      find,
      replace: `${limit}: (${value}) - 1,`,
      why: `lets one less pass (${name})`,
    },
  ]
}

/** @type {import('../../mutants.mjs').Mutant[]} */
export const limits = [
  {
    rule: 'LM1',
    file: 'src/protocol/canvas/encode.rs',
    find: 'frame.json(MESSAGE_ID, *message_id)',
    replace: 'frame.json(MESSAGE_ID, message_id.filter(|_| false))',
    why: 'does not say which message it refused',
  },
  {
    rule: 'LM1',
    file: room,
    find: 'Err(refused) => self.refuse(id, refused.refusal, message_id, effects),',
    replace: `Err(refused) => {
                let clock = self.document.clock();
                effects.push(Effect::Send(id, Message::Ack { message_id, clock }));
                self.refuse(id, refused.refusal, message_id, effects);
            }`,
    why: 'acks what it refuses',
  },
  {
    rule: ['LM1', 'D1', 'CC1'],
    file: room,
    find: '        self.close(id, CloseReason::FrameRefused, effects);',
    replace: '',
    why: 'leaves a session open whose frame it refused',
  },
  ...offByOne('LM2', 'frame_bytes', '16 << 20'),
  ...offByOne('LM3', 'depth', '64'),
  ...offByOne('LM4', 'keys', '100_000'),
  ...offByOne('LM5', 'name_bytes', '16 << 10'),
  ...offByOne('LM6', 'buffer_numbers', '1 << 20'),
  ...offByOne('LM6', 'buffer_growth_base', '65_536'),
  ...offByOne('LM6', 'buffer_growth_per_byte', '64'),
  {
    rule: 'LM4',
    file: 'src/protocol/canvas/decode.rs',
    find: 'decode(self.ephemeral_patches, &mut keys, ',
    replace: 'decode(self.ephemeral_patches, &mut 0, ',
    why: 'counts the keys of document and presence apart',
  },
  {
    rule: 'LM5',
    file: 'src/protocol/canvas/patches.rs',
    find: '            check_name(name, self.limits)?;',
    replace: '',
    why: 'does not bound field names',
  },
  {
    rule: 'LM5',
    file: 'src/protocol/canvas/patches.rs',
    find: '            check_name(key, self.limits)?;',
    replace: '',
    why: 'does not bound keys',
  },
  {
    rule: 'LM6',
    file: 'src/engine/merge.rs',
    find: 'growth = growth.saturating_add(draft.take(update, patches, false)?);',
    replace: 'growth = growth.max(draft.take(update, patches, false)?);',
    why: 'counts the deltas of a frame one by one',
  },
  {
    rule: 'LM6',
    file: 'src/engine/merge.rs',
    find: 'delta.len.saturating_sub(base)',
    replace: 'delta.len',
    why: 'counts what exists already as growth',
  },
  {
    rule: 'LM7',
    file: frames,
    find: 'frameBytes + INBOX_MARGIN_BYTES',
    replace: 'frameBytes * INBOX_MARGIN_BYTES',
    why: 'lets any number of frames wait',
  },
  {
    rule: 'LM7',
    file: frames,
    find: 'frameBytes + INBOX_MARGIN_BYTES',
    replace: 'frameBytes - INBOX_MARGIN_BYTES',
    why: 'lets no frame of full size wait',
  },
  {
    rule: 'LM7',
    file: frames,
    find: 'const LEAST_COST_BYTES = 64',
    replace: 'const LEAST_COST_BYTES = 0',
    why: 'lets any number of empty frames wait',
  },
  ...offByOne('LM8', 'fields', '10_000'),
  ...offByOne('LM9', 'component_bytes', '16 << 20'),
  ...offByOne('LM10', 'document_bytes', '1 << 30'),
  ...offByOne('LM11', 'components', '1_000_000'),
  ...offByOne('LM12', 'presence_bytes', '1 << 20'),
  {
    rule: 'LM6',
    file: 'src/engine/admission.rs',
    find: 'let growth = growth.saturating_add(self.check_presence(client, presence)?);',
    replace: 'let growth = growth.max(self.check_presence(client, presence)?);',
    why: 'gives each list of a frame an allowance of its own',
  },
  {
    rule: 'LM8',
    file: quota,
    find: 'draft.now.fields > bounds.fields && draft',
    replace: 'draft.now.fields > bounds.fields + 1 && draft',
    why: 'lets one more field pass',
  },
  {
    rule: 'LM9',
    file: quota,
    find: 'if is > bounds.component_bytes && is > was {',
    replace: 'if is >= bounds.component_bytes && is > was {',
    why: 'refuses a component that just fits',
  },
  {
    rule: 'LM10',
    file: quota,
    find: 'if after > bounds.bytes && after > bytes {',
    replace: 'if after > bounds.bytes + 1 && after > bytes {',
    why: 'lets a document grow too large',
  },
  {
    rule: 'LM11',
    file: quota,
    find: 'if components > bounds.components && born > died {',
    replace: 'if components >= bounds.components && born > died {',
    why: 'refuses the last component that fits',
  },
  {
    rule: 'LM12',
    file: 'src/engine/presence.rs',
    find: 'usage.change(Growth { added: 0, removed });',
    replace: 'drop(removed);',
    why: 'counts presence that is gone',
  },
  {
    rule: 'LM12',
    file: 'src/engine/presence.rs',
    find: 'most.cover(usage);',
    replace: 'most.cover(&Usage::NONE);',
    why: 'takes every client for one that shows nothing',
  },
  {
    rule: 'LM13',
    file: quota,
    find: 'if is > bounds.component_bytes && is > was {',
    replace: 'if is > bounds.component_bytes {',
    why: 'refuses what makes a component smaller',
  },
  {
    rule: 'LM14',
    file: quota,
    find: 'array_size(numbers).min(json.len())',
    replace: 'json.len().max(numbers)',
    why: 'counts an array for more once it was stored',
  },
  {
    rule: 'LM15',
    file: 'src/protocol/canvas/loaded.rs',
    find: '                check_nesting(json, limits)?;',
    replace: '                let _ = check_nesting(json, limits);',
    why: 'loads what is nested too deep',
  },
  {
    rule: 'LM16',
    file: 'src/server/sending.rs',
    find: 'out.deliver(Delivery::Refused(session, refusal.code));',
    replace: 'let _ = refusal;',
    why: 'tells nobody what it refused',
  },
  {
    rule: 'LM17',
    file: 'lib/errors.js',
    find: 'refusal: /** @type {RefusalCode | undefined} */ (refusal),',
    replace: '',
    why: 'keeps the code of a refused edit to itself',
  },
  {
    rule: 'LM18',
    file: 'lib/limits.js',
    find: 'Object.freeze({ ...base, ...given })',
    replace: 'Object.freeze({ ...DEFAULT_LIMITS, ...given })',
    why: "forgets the manager's limits where a room has some of its own",
  },
  {
    rule: 'LM19',
    file: 'lib/sessions.js',
    find: 'if (this.count < limit) return',
    replace: 'if (this.count <= limit) return',
    why: 'lets one session too many in',
  },
  {
    rule: 'LM19',
    file: manager,
    find: 'if (this.#sessionCount < totalSessions) return',
    replace: 'if (this.#sessionCount <= totalSessions) return',
    why: 'lets one session too many into its rooms',
  },
  {
    rule: 'LM20',
    file: manager,
    find: 'if (this.#entries.size < rooms) return',
    replace: 'if (this.#entries.size <= rooms) return',
    why: 'opens one room too many',
  },
  {
    rule: 'LM21',
    file: 'lib/limits.js',
    find: '  framesBurst: 2_000,\n',
    replace: '  framesBurst: 1_000,\n',
    why: 'closes the clients of a network that stalled',
  },
  {
    rule: 'LM21',
    file: 'lib/limits.js',
    find: '  frameBytes: 8 * MIB,\n',
    replace: '  frameBytes: 4 * MIB,\n',
    why: 'locks out who was offline for an hour',
  },
  {
    rule: 'LM21',
    file: 'lib/limits.js',
    find: '  nesting: 32,\n',
    replace: '  nesting: 32,\n  presenceBytes: 64 * KIB,\n',
    why: 'refuses who selects everything',
  },
  {
    rule: 'LM22',
    file: 'lib/room.js',
    find: "    checkBytes('options.clientId', clientId, this.#driver.limits.nameBytes)\n",
    replace: '',
    why: 'lets in a client with a name of any length',
  },
  {
    rule: 'LM22',
    file: 'lib/arrival/connection.js',
    find: '    checkNames({ roomId, clientId }, limitsOf(manager).nameBytes)\n',
    replace: '',
    why: 'asks for rights in the name of any length',
  },
  {
    rule: 'LM22',
    file: 'lib/arguments.js',
    find: 'value.length <= most && Buffer.byteLength(value) <= most',
    replace: 'value.length <= most',
    why: 'counts characters for bytes',
  },
]
