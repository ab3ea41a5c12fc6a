import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  code: number | null
  out: string[]
  err: string[]
}

/** Runs the command line to its end. */
export function heddle(...args: string[]): Promise<Ended> {
  const bin = fileURLToPath(new URL('../../bin/heddle.js', import.meta.url))
  const child = spawn(process.execPath, [bin, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  const lines = (text: string) => text.split('\n').slice(0, -1)
  return new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      out += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      err += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out: lines(out), err: lines(err) }))
  })
}
