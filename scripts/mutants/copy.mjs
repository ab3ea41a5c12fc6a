// A copy of the working tree in which sources may be broken. It stays in target/ from run to run, so that builds in it are
// incremental; the checkout itself is never touched.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { root } from '../run.mjs'

/** @typedef {import('../mutants.mjs').Mutant} Mutant */

const folder = join(root, 'target', 'mutants')

/** Where cargo builds all copies' dependencies, once. */
export const cargoTarget = join(folder, 'cargo')

/** What tests read besides the sources that git knows. */
const isNeeded = (/** @type {string} */ path) => !/^(data|\.github|examples\/demo)\//.test(path)

export class Copy {
  /** @param {string} name */
  constructor(name) {
    this.name = name
    /** Its own root; packages are found in the checkout's node_modules, further up. */
    this.root = join(folder, name)
    this.#refresh()
  }

  /**
   * Runs `trial` while the mutant is in place.
   * @template T
   * @param {Mutant} mutant
   * @param {() => Promise<T>} trial
   * @returns {Promise<T>}
   */
  async with({ file, find, replace }, trial) {
    const path = join(this.root, file)
    const sound = readFileSync(path, 'utf8')
    if (sound.split(find).length !== 2) throw new Error(`${file} must hold once:\n${find}`)
    writeFileSync(
      path,
      sound.replace(find, () => replace),
    )
    try {
      return await trial()
    } finally {
      writeFileSync(path, sound)
    }
  }

  /**
   * Puts an addon in place of the one that this copy loads.
   * @param {string} path
   */
  takeAddon(path) {
    const name = readdirSync(root).find((file) => /^heddle\..*\.node$/.test(file))
    if (name === undefined) throw new Error('The addon is not built.')
    const target = join(this.root, name)
    // A new file: the old one may still be mapped into a process.
    rmSync(target, { force: true })
    copyFileSync(path, target)
  }

  /**
   * The test files that cite one of these rules, any when there are none, but for those that start browsers, packages
   * and examples.
   * @param {string[]} rules
   */
  testFiles(rules) {
    const names = readdirSync(join(this.root, '__test__')).filter(
      (name) => name.endsWith('.test.ts') && !/^(browser|examples|package)\./.test(name),
    )
    const cited = rules.length === 0 ? /\[[A-Z]+\d+/ : new RegExp(`\\b(${rules.join('|')})\\b`)
    return names
      .map((name) => join('__test__', name))
      .filter((path) => cited.test(readFileSync(join(this.root, path), 'utf8')))
  }

  /** Makes the copy equal to the working tree; files that are equal keep their times, for cargo's sake. */
  #refresh() {
    const wanted = trackedFiles().filter((path) => isNeeded(path) && existsSync(join(root, path)))
    for (const path of wanted) {
      const text = readFileSync(join(root, path))
      const target = join(this.root, path)
      if (existsSync(target) && readFileSync(target).equals(text)) continue
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, text)
    }
    for (const path of ['src', 'lib', 'tests', '__test__'].flatMap((name) => this.#filesIn(name))) {
      if (!wanted.includes(path)) rmSync(join(this.root, path))
    }
  }

  /** @param {string} name */
  #filesIn(name) {
    return readdirSync(join(this.root, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.root.length + 1))
      .map((path) => path.replaceAll('\\', '/'))
  }
}

/** The files of the working tree that git does not ignore. */
function trackedFiles() {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ls-files failed in ${basename(root)}: ${stderr}`)
  return [...new Set(stdout.split('\0').filter(Boolean))]
}
