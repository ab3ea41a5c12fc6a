import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { heddle } from './harness/command-line.js'

describe('the command line', () => {
  it('[CK13] says its version and how it is used', async () => {
    const { code, out, err } = await heddle('--help')

    expect(await heddle('--version')).toEqual({ code: 0, out: [manifest.version], err: [] })
    expect([code, err]).toEqual([0, []])
    expect(out.join('\n')).toContain('npx heddle check <dir> [--json]')
    expect(out.join('\n')).toContain('npx heddle salvage <dir> <roomId>')
  })

  it.each<[string[], string]>([
    [[], 'what to do is missing: check or salvage'],
    [['chekc', 'dir'], 'there is no command chekc'],
    [['check'], 'check needs a directory'],
    [['check', 'a', 'b'], 'check takes one directory, and here is b as well'],
    [['check', 'a', '--jsn'], 'there is no option --jsn'],
    [['check', 'a', '--file', 'b'], 'check takes no --file'],
    [['salvage', 'a'], 'salvage needs a room: its id, or --file and the name of its file'],
    [['salvage', 'a', 'b', 'c'], 'salvage takes one room, and here is c as well'],
    [['salvage', 'a', 'b', '--json'], 'salvage takes no --json'],
    [['salvage', 'a', '--file'], '--file needs a file name'],
  ])('[CK13] %j is refused with a reason', async (args, reason) => {
    expect(await heddle(...args)).toEqual({
      code: 2,
      out: [],
      err: [`heddle: ${reason}`, '`npx heddle --help` says what there is.'],
    })
  })
})
