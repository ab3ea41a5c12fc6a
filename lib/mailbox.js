'use strict'

/**
 * How native answers are read. An answer is one string, all its texts one after the other; what to
 * do with which piece of it stands as numbers in the mailbox, which the next answer overwrites: who still reads it then
 * sets it aside first.
 * `src/node/mailbox.rs` writes it.
 */

const { NativeMailbox } = require('./native.js')

/** The operations of an answer. */
const SEND = 0
const BROADCAST = 1
const PLACE = 2
const CLOSE = 3
const LEFT = 4
const VERIFY_TOKEN = 5
const CHANGED = 6
const COMMIT = 7
const STORE_FAILED = 8
const STORE_HEALED = 9
const STORE_TROUBLE = 10
const SETTLED = 11
const REFUSED = 12
const WALKS = 13
const RECEIVER = 14
const PIECE = 15

/** How many slots each operation takes, its number included. */
const LENGTHS = [3, 4, 3, 4, 3, 4, 2, 1, 2, 1, 2, 3, 3, 3, 2, 2]

/** The slot of each operation that holds the length of a text; 0 for none. */
const TEXT_SLOTS = [2, 3, 0, 3, 0, 3, 1, 0, 1, 0, 1, 2, 2, 0, 0, 1]

/** An answer is a handful of operations, but for that of a commit at the end of a busy turn. */
const SLOTS = 4096

/**
 * The buffer is made first: JavaScriptCore moves the content of a small array that gets its buffer later, and Bun 1.2
 * had told the native side the old place by then.
 */
const slots = new Float64Array(new ArrayBuffer(SLOTS * Float64Array.BYTES_PER_ELEMENT))

/** What rooms answer through, one for all of them: an answer is read before the next call. */
const mailbox = new NativeMailbox(slots)

/** What a raw call is about, in the slots of its answer. */
const order = new Uint32Array(slots.buffer, 0, 5)

/**
 * Somebody who runs an answer as it stands in the mailbox.
 * @typedef {object} Reader
 * @property {() => void} setAside copies what it may still need of the mailbox
 */

/** @type {Reader | undefined} */
let reader

/**
 * Gives the mailbox to somebody who reads it until `endReading`, or until told to set it aside.
 * @param {Reader} by
 * @returns {Float64Array}
 */
function beginReading(by) {
  reader = by
  return slots
}

/** @param {Reader} by */
function endReading(by) {
  if (reader === by) reader = undefined
}

/** To be called before any native call that could answer: it overwrites the mailbox. */
function clearMailbox() {
  if (reader === undefined) return
  reader.setAside()
  reader = undefined
}

/** @typedef {(number | string | null)[]} OpenAnswer */

/**
 * What a native call wants done: opened, or as it still stands in the mailbox, where it must be run or opened before
 * any other call.
 * @typedef {OpenAnswer | string} Effects
 */

/**
 * Copies an answer out of the mailbox: operations, one after the other, each with its operands.
 * @param {string | null | undefined} texts what the native call returned
 * @returns {OpenAnswer | null}
 */
function openAnswer(texts) {
  if (texts === null || texts === undefined) return null
  // The first slot counts the others.
  const end = Math.abs(slot(0)) + 1
  /** @type {OpenAnswer} */
  const effects = []
  let from = 0
  for (let at = 1; at < end; ) {
    const operation = slot(at)
    const textSlot = TEXT_SLOTS[operation]
    const next = at + (LENGTHS[operation] ?? 0)
    if (next === at) throw new Error(`unknown operation ${operation}`)
    for (let index = 0; at < next; at++, index++) {
      const value = slot(at)
      if (index === 0 || index !== textSlot) {
        effects.push(value)
      } else if (value < 0) {
        effects.push(null)
      } else {
        effects.push(texts.slice(from, from + value))
        from += value
      }
    }
  }
  return effects
}

/** Whether the last answer is to be opened, because it is not all, and `more()` has the next part, or because somebody leaves. */
function mustOpen() {
  return slot(0) < 0
}

/** What is kept for the store, in bytes; after a call that gave nothing to do. */
function unstoredBytes() {
  return slot(1)
}

/**
 * @param {number} index
 * @returns {number}
 */
function slot(index) {
  return /** @type {number} */ (slots[index])
}

module.exports = {
  BROADCAST,
  beginReading,
  CHANGED,
  CLOSE,
  clearMailbox,
  COMMIT,
  endReading,
  mustOpen,
  LEFT,
  LENGTHS,
  mailbox,
  openAnswer,
  order,
  PIECE,
  PLACE,
  RECEIVER,
  REFUSED,
  SEND,
  SETTLED,
  STORE_FAILED,
  STORE_HEALED,
  STORE_TROUBLE,
  TEXT_SLOTS,
  unstoredBytes,
  VERIFY_TOKEN,
  WALKS,
}
