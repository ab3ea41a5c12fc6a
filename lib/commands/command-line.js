'use strict'

/**
 * `npx heddle …`: what is asked for, and the exit code. What the commands find out is the native
 * side's, what they say is `checkup-text.js`.
 *
 * Exit codes: 0 when all is well, 1 when a room is not, 2 when it could not be found out.
 */

const { basename, join } = require('node:path')
const { version } = require('../../package.json')
const { check, salvage } = require('./checkup.js')
const { codedError } = require('../errors.js')

/**
 * Where a command says things, line by line.
 * @typedef {{ out: (line: string) => void, err: (line: string) => void }} Terminal
 */

/**
 * What was asked for.
 * @typedef {object} Request
 * @property {string[]} words the command and what it is about
 * @property {boolean} help
 * @property {boolean} version
 * @property {boolean} json
 * @property {string | undefined} file
 */

const USAGE = `heddle ${version}

  npx heddle check <dir> [--json]           the state of every room in the directory; changes nothing
  npx heddle salvage <dir> <roomId>         writes what can be read of a damaged room beside it
  npx heddle salvage <dir> --file <file>    the same for the room of this file, as check calls it
  npx heddle --help | --version

Put -- before an id that begins with a dash. Exit codes of check: 0 all rooms are good, 1 one is not, 2 the
directory could not be read or the command was wrong. Of salvage: 0 a file was written, or none was needed,
1 nothing could be rescued or the room is open, 2 there is no such room or the command was wrong.`

class UsageError extends Error {}

/**
 * Runs a command and gives its exit code.
 * @param {string[]} args
 * @param {Terminal} terminal
 * @returns {number}
 */
function main(args, terminal) {
  try {
    const request = parse(args)
    if (request.help) terminal.out(USAGE)
    else if (request.version) terminal.out(version)
    else return run(request, terminal)
    return 0
  } catch (error) {
    const known = error instanceof UsageError ? error : codedError(error)
    if (known === undefined) throw error
    terminal.err(`heddle: ${known.message}`)
    if (error instanceof UsageError) terminal.err('`npx heddle --help` says what there is.')
    return 2
  }
}

/**
 * @param {string[]} args
 * @returns {Request}
 */
function parse(args) {
  /** @type {Request} */
  const request = { words: [], help: false, version: false, json: false, file: undefined }
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--') {
      request.words.push(...args.slice(at + 1))
      break
    }
    if (arg === '--help' || arg === '-h') request.help = true
    else if (arg === '--version' || arg === '-v') request.version = true
    else if (arg === '--json') request.json = true
    else if (arg === '--file') request.file = args[++at] ?? wrong('--file needs a file name')
    else if (arg.startsWith('-')) wrong(`there is no option ${arg}`)
    else request.words.push(arg)
  }
  return request
}

/**
 * @param {Request} request
 * @param {Terminal} terminal
 * @returns {number}
 */
function run({ words, json, file }, terminal) {
  const [command, dir, roomId, ...more] = words
  if (command === undefined) wrong('what to do is missing: check or salvage')
  if (command !== 'check' && command !== 'salvage') wrong(`there is no command ${command}`)
  if (dir === undefined || dir === '') wrong(`${command} needs a directory`)
  if (command === 'check') {
    if (roomId !== undefined) wrong(`check takes one directory, and here is ${roomId} as well`)
    if (file !== undefined) wrong('check takes no --file')
    return check(dir, json, terminal)
  }
  if (more.length > 0) wrong(`salvage takes one room, and here is ${more[0]} as well`)
  if (json) wrong('salvage takes no --json')
  if ((roomId === undefined) === (file === undefined)) {
    wrong('salvage needs a room: its id, or --file and the name of its file')
  }
  return salvage(dir, roomId, file === undefined ? undefined : inDirectory(dir, file), terminal)
}

/**
 * The name of a file that may have been given with its directory.
 * @param {string} dir
 * @param {string} file
 */
function inDirectory(dir, file) {
  return join(dir, basename(file)) === join(file) ? basename(file) : file
}

/**
 * @param {string} message
 * @returns {never}
 */
function wrong(message) {
  throw new UsageError(message)
}

module.exports = { main }
