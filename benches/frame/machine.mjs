// What the figures were taken on and with.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/run.mjs'
import { bunPath } from '../../scripts/runtimes.mjs'

export function machine() {
  const processors = cpus()
  return {
    cpu: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
  }
}

/** @param {import('./scenario.mjs').Runtime[]} runtimes */
export function versions(runtimes) {
  return {
    node: process.versions.node,
    ...(runtimes.includes('bun') && { bun: said(bunPath(), ['--version']) }),
    heddle: `${versionOf('heddle')} at ${said('git', ['describe', '--always', '--dirty'])}`,
    peer: `@woven-ecs/canvas-store-server ${versionOf('@woven-ecs/canvas-store-server')}`,
    ws: versionOf('ws'),
  }
}

/** @param {string} name */
function versionOf(name) {
  const require = createRequire(import.meta.url)
  const path =
    name === 'heddle' ? join(root, 'package.json') : require.resolve(`${name}/package.json`)
  return /** @type {string} */ (JSON.parse(readFileSync(path, 'utf8')).version)
}

/** @param {string} command @param {string[]} args */
function said(command, args) {
  try {
    return execFileSync(command, args, { cwd: root, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
