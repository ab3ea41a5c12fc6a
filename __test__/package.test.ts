import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { npmCommand } from '../scripts/run.mjs'
import { bunPath, nodeOfLine, oldestBunPath } from '../scripts/runtimes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = fileURLToPath(new URL('package', import.meta.url))

const runtimes = [
  { runtime: 'Node 20', path: () => nodeOfLine(20) },
  { runtime: 'Node 22', path: () => nodeOfLine(22) },
  { runtime: 'Node 24', path: () => nodeOfLine(24) },
  { runtime: 'Bun', path: bunPath },
  { runtime: 'the oldest Bun', path: oldestBunPath },
]

const NAMES = [
  'ConnectRequestError',
  'ConnectionClosedError',
  'DEFAULT_LIMITS',
  'FileStorage',
  'HeddleError',
  'MemoryStorage',
  'PROTOCOL_VERSION',
  'PUBLIC_LIMITS',
  'Room',
  'RoomManager',
  'acceptConnection',
  'parseConnectUrl',
  'safeEqual',
]

/** What the client of `room.mjs` gets: it is alone, so its edits, one as text and one as bytes, are acked and not broadcast. */
const RECEIVED = [
  { type: 'clientCount', count: 1 },
  { type: 'ack', messageId: 'alice-1', timestamp: 1 },
  { type: 'ack', messageId: 'alice-2', timestamp: 2 },
]

/** The tarball, and a project that was empty before it installed it; the programs of `package/` are its code. */
let folder: string
let project: string
let tarball: string
let files: string[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-package-'))
  project = join(folder, 'project')
  cpSync(programs, project, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const [packed] = JSON.parse(await npm(['pack', '--json', '--pack-destination', folder], root))
  tarball = join(folder, packed.filename)
  files = packed.files.map((file: { path: string }) => file.path)
  await npm(['install', '--offline', '--no-audit', '--no-fund', tarball], project)
}, 60_000)

afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Runs a program to its end and gives its output; one that fails, or hangs, rejects. */
async function run(path: string, args: string[], cwd = project, shell = false): Promise<string> {
  const { stdout } = await promisify(execFile)(path, args, { cwd, shell, timeout: 25_000 })
  return stdout
}

function npm(args: string[], cwd: string): Promise<string> {
  const { command, args: commandArgs, shell } = npmCommand(args)
  return run(command, commandArgs, cwd, shell)
}

/** Runs a development tool of this checkout with the Node at hand. */
function tool(path: string, args: string[]): Promise<string> {
  return run(process.execPath, [join(root, 'node_modules', path), ...args])
}

describe('the tarball', { timeout: 30_000 }, () => {
  it('holds the library, its addon and nothing else', () => {
    const addons = files.filter((file) => file.endsWith('.node'))
    const others = files.filter(
      (file) => !file.endsWith('.node') && !/^lib\/([a-z]+\/)?[a-z-]+\.js$/.test(file),
    )

    expect(addons).toHaveLength(1)
    expect(addons[0]).toMatch(new RegExp(`^heddle\\.${process.platform}-${process.arch}`))
    expect(others.sort()).toEqual([
      'LICENSE',
      'README.md',
      'bin/heddle.js',
      'index.d.ts',
      'index.js',
      'native.d.ts',
      'native.js',
      'package.json',
      'testing.d.ts',
      'testing.js',
    ])
  })

  it('runs nothing at install and needs no other package', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare']

    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([])
    expect(Object.keys(manifest)).not.toContain('dependencies')
    expect(Object.keys(manifest)).not.toContain('optionalDependencies')
    expect(readdirSync(join(project, 'node_modules')).sort()).toEqual([
      '.bin',
      '.package-lock.json',
      'heddle',
    ])
  })

  it('has no complaint from publint', async () => {
    const data = readFileSync(tarball)
    const { messages } = await publint({ pack: { tarball: new Uint8Array(data).buffer } })

    expect(messages).toEqual([])
  })

  it('has types that are right for every way to import it', async () => {
    const report = JSON.parse(
      await tool('@arethetypeswrong/cli/dist/index.js', [tarball, '--format', 'json']),
    )

    expect(report.problems ?? {}).toEqual({})
    expect(report.analysis.problems).toEqual([])
    expect(Object.keys(report.analysis.entrypoints)).toEqual(
      expect.arrayContaining(['.', './testing']),
    )
  })

  it.each([
    { resolution: 'bundler', module: 'esnext' },
    { resolution: 'node16', module: 'node16' },
    { resolution: 'nodenext', module: 'nodenext' },
  ])(
    'is typed for TypeScript with moduleResolution $resolution',
    async ({ resolution, module }) => {
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess']
      const how = ['--target', 'es2022', '--module', module, '--moduleResolution', resolution]
      const sources = resolution === 'bundler' ? ['consumer.mts'] : ['consumer.mts', 'consumer.cts']

      const complaints = await tool('typescript/bin/tsc', [
        '--noEmit',
        ...strict,
        ...how,
        ...sources,
      ])

      expect(complaints).toBe('')
    },
  )
})

describe.each(runtimes)('the installed package on $runtime', { timeout: 30_000 }, ({ path }) => {
  it('gives an ES module its names, and its process ends by itself with a room open', async () => {
    const said = JSON.parse(await run(path(), ['esm.mjs']))

    expect(said).toEqual({ names: NAMES, received: RECEIVED, rooms: [] })
  })

  it('gives a CommonJS module its names, and its process ends by itself with a room open', async () => {
    const said = JSON.parse(await run(path(), ['cjs.cjs']))

    expect(said).toEqual({ names: NAMES, received: RECEIVED, rooms: [] })
  })

  it.each(['contract.mjs', 'contract.cjs'])(
    'gives %s the contract of storages, and needs no test runner',
    async (program) => {
      const said = JSON.parse(await run(path(), [program]))

      expect(said).toEqual({ passed: 25, failed: [] })
    },
  )

  it('has a command line', async () => {
    const bin = join(project, 'node_modules', 'heddle', 'bin', 'heddle.js')

    expect(await run(path(), [bin, '--version'])).toBe(`${manifest.version}\n`)
    expect(await run(path(), [bin, 'check', 'node_modules/heddle/lib'])).toBe(
      'no rooms in node_modules/heddle/lib\n',
    )
  })

  it('loads in two worker threads beside the main one', async () => {
    const said = JSON.parse(await run(path(), ['workers.mjs']))

    expect(said).toEqual({ threads: [RECEIVED, RECEIVED], main: RECEIVED })
  })
})

it('[CK13] npx finds the command line of the installed package', { timeout: 30_000 }, async () => {
  const said = await npm(['exec', '--offline', '--', 'heddle', '--version'], project)

  expect(said.trim()).toBe(manifest.version)
})

describe('a package without its addon', { timeout: 30_000 }, () => {
  function copyWithoutAddon(): string {
    const bare = mkdtempSync(join(folder, 'bare-'))
    cpSync(project, bare, { recursive: true, filter: (file) => !file.endsWith('.node') })
    return bare
  }

  it('still says its version, and what is missing for the rest', async () => {
    const bare = copyWithoutAddon()
    const heddle = ['node_modules/heddle/bin/heddle.js']

    expect(await run(process.execPath, [...heddle, '--version'], bare)).toBe(
      `${manifest.version}\n`,
    )
    await expect(run(process.execPath, [...heddle, 'check', '.'], bare)).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^heddle: heddle has no native engine for /),
    })
  })

  it('still has the contract of storages', async () => {
    const said = JSON.parse(await run(process.execPath, ['contract.mjs'], copyWithoutAddon()))

    expect(said).toEqual({ passed: 25, failed: [] })
  })

  it.each(runtimes)('names on $runtime what is missing and how to get it', async ({ path }) => {
    const bare = copyWithoutAddon()

    const error = JSON.parse(await run(path(), ['missing.cjs'], bare))

    expect(error).toMatchObject({ name: 'HeddleError', code: 'HEDDLE_NO_NATIVE' })
    expect(error.message).toContain(`${process.platform}-${process.arch}`)
    expect(error.message).toMatch(/npm install @heddle\/native-[a-z0-9-]+@0\.1\.0/)
  })
})
