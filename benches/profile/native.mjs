// Instructions of each function with all that it calls, by callgrind: what is played, less what setting it up costs.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildWorkload, requireValgrind } from '../guard/native.mjs'
import { printShares } from './table.mjs'

const TIMES = 100
const OUTPUT_BYTES = 64 << 20

/** @param {string} scenario */
export async function profileNative(scenario) {
  requireValgrind()
  const workload = await buildWorkload('profiling')
  const setUp = await inclusive(workload, [scenario, '0'])
  const played = await inclusive(workload, [scenario, String(TIMES)])
  /** @type {[string, number][]} */
  const costs = []
  for (const [name, cost] of played) {
    // What runs the scenario is not part of it.
    if (
      /^(\(below main\)|main|PROGRAM|_start|std::|workload::|core::ops|workload::main|__libc|0x)/.test(
        name,
      )
    )
      continue
    costs.push([name, (cost - (setUp.get(name) ?? 0)) / TIMES])
  }
  const total = (whole(played) - whole(setUp)) / TIMES
  console.log(`${scenario}: ${total.toFixed(0)} instructions each time, callees included\n`)
  printShares('instructions', costs, total)
}

const WHOLE = 'PROGRAM TOTALS'

/** @param {Map<string, number>} costs */
function whole(costs) {
  return costs.get(WHOLE) ?? Number.NaN
}

/**
 * @param {string} workload
 * @param {string[]} args
 * @returns {Promise<Map<string, number>>} instructions by function
 */
async function inclusive(workload, args) {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-profile-'))
  try {
    const out = join(dir, 'callgrind.out')
    const options = ['--tool=callgrind', `--callgrind-out-file=${out}`]
    await promisify(execFile)('valgrind', [...options, workload, ...args])
    const annotate = ['--inclusive=yes', '--auto=no', '--threshold=100', '--show-percs=no', out]
    const { stdout } = await promisify(execFile)('callgrind_annotate', annotate, {
      maxBuffer: OUTPUT_BYTES,
    })
    return read(stdout)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/**
 * Reads what callgrind_annotate prints: `1,234  file:function [object]`. Deeper calls of a function that recurses
 * (`function'2`) are counted with the first.
 * @param {string} text
 */
function read(text) {
  const costs = new Map()
  for (const [, cost = '', rest = ''] of text.matchAll(/^ *([\d,]+) +(.+)$/gm)) {
    const name = rest.replace(/ \[[^\]]*\]$/, '').replace(/^(?:\?\?\?|[^ ]*?\.(?:rs|c|S|h)):/, '')
    if (/'\d+$/.test(name)) continue
    const instructions = Number(cost.replaceAll(',', ''))
    costs.set(name, Math.max(costs.get(name) ?? 0, instructions))
  }
  return costs
}
