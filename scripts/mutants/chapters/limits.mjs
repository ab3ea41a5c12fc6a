// SPEC.md section 11.

const room = 'src/engine/room.rs'
const frames = 'lib/frames.js'

/**
 * A limit is broken in both directions.
 * @param {string} rule
 * @param {string} limit
 * @param {string} value
 * @returns {import('../../mutants.mjs').Mutant[]}
 */
function offByOne(rule, limit, value) {
  const file = 'src/protocol/limits.rs'
  const find = `            ${limit}: ${value},`
  const name = limit.replaceAll('_', ' ')
  return [
    {
      rule,
      file,
      find,
      replace: `            ${limit}: (${value}) + 1,`,
      why: `lets one more pass (${name})`,
    },
    {
      rule,
      file,
      find,
      replace: `            ${limit}: (${value}) - 1,`,
      why: `lets one less pass (${name})`,
    },
  ]
}

/** @type {import('../../mutants.mjs').Mutant[]} */
export const limits = [
  {
    rule: 'LM1',
    file: 'src/protocol/canvas/encode.rs',
    find: 'frame.json("messageId", *message_id)',
    replace: 'frame.json("messageId", message_id.filter(|_| false))',
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
    find: 'decode(self.ephemeral_patches, &mut keys)?',
    replace: 'decode(self.ephemeral_patches, &mut 0)?',
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
    find: 'growth = growth.saturating_add(draft.take(update, patches)?);',
    replace: 'growth = growth.max(draft.take(update, patches)?);',
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
    find: 'FRAME_LIMIT_BYTES + 64 * 1024',
    replace: 'FRAME_LIMIT_BYTES * 1024',
    why: 'lets any number of frames wait',
  },
  {
    rule: 'LM7',
    file: frames,
    find: 'FRAME_LIMIT_BYTES + 64 * 1024',
    replace: 'FRAME_LIMIT_BYTES - 64 * 1024',
    why: 'lets no frame of full size wait',
  },
  {
    rule: 'LM7',
    file: frames,
    find: 'const LEAST_COST_BYTES = 64',
    replace: 'const LEAST_COST_BYTES = 0',
    why: 'lets any number of empty frames wait',
  },
]
