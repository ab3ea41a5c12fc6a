// SPEC.md section 21.

const frames = 'lib/reception/frames.js'

/** Where every frame comes by. */
const taking = "  if (typeof data === 'string' || types.isUint8Array(data)) return data\n"

/** @type {import('../../mutants.mjs').Mutant[]} */
export const anyBytes = [
  {
    rule: 'AB1',
    file: frames,
    find: taking,
    replace: `  if (typeof data === 'string' && JSON.parse(data) !== undefined) return data
${taking}`,
    why: 'throws what `JSON.parse` throws',
  },
  {
    rule: 'AB2',
    file: frames,
    find: taking,
    replace: `  try {
    const state = {}
    for (const patch of JSON.parse(String(data)).documentPatches) {
      for (const key of Object.keys(patch)) state[key] = Object.assign(state[key] ?? {}, patch[key])
    }
  } catch {}
${taking}`,
    why: 'merges into plain objects, whose prototype is everybody’s',
  },
  {
    rule: 'AB3',
    file: 'src/engine/room.rs',
    find: '        self.close(id, CloseReason::FrameRefused, effects);',
    replace: `        let all: Vec<_> = self.sessions.keys().copied().collect();
        for id in all {
            self.close(id, CloseReason::FrameRefused, effects);
        }`,
    why: 'closes everybody for what one has sent',
  },
  {
    rule: 'AB3',
    file: 'src/protocol/canvas/encode.rs',
    find: '            Value::Delta(..) if !is_last(field.name) => {}\n',
    replace: '            Value::Delta(..) if !is_last(field.name) && fields.is_empty() => {}\n',
    why: 'spells an array out as often as one frame changes it',
  },
  {
    rule: 'AB4',
    file: 'src/protocol/canvas/patches.rs',
    find: 'return Err(bad_patch("a patch must be an object"));',
    replace: 'reader.value();\n            return Ok(());',
    why: 'applies the good patches of a frame that has bad ones',
  },
  {
    rule: 'AB5',
    file: frames,
    find: taking,
    replace: `  ;(process.allFrames ??= []).push(data)
${taking}`,
    why: 'keeps every frame',
  },
]
