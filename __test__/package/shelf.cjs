// A user's storage, and a user's way to run the cases of the contract on it.
'use strict'

/** @typedef {import('heddle').StoredChange} StoredChange */

/** @returns {import('heddle/testing').StorageFixture} */
function makeFixture() {
  const shelf = { snapshot: 'null', changes: '[]' }
  /** @param {(change: StoredChange) => boolean} isKept */
  const keep = (isKept) => {
    shelf.changes = JSON.stringify(JSON.parse(shelf.changes).filter(isKept))
  }
  const open = () => ({
    load: async () => JSON.parse(shelf.snapshot),
    save: async (/** @type {import('heddle').RoomSnapshot} */ snapshot) => {
      shelf.snapshot = JSON.stringify(snapshot)
      keep(({ timestamp }) => timestamp > snapshot.timestamp)
    },
    append: async (/** @type {readonly StoredChange[]} */ changes) => {
      const texts = changes.map((change) => JSON.stringify(change))
      keep(({ timestamp }) => timestamp < (changes[0]?.timestamp ?? 0))
      const kept = shelf.changes.slice(1, -1)
      shelf.changes = `[${[...(kept === '' ? [] : [kept]), ...texts]}]`
    },
    loadChanges: async (/** @type {number} */ after) =>
      JSON.parse(shelf.changes).filter(
        (/** @type {StoredChange} */ { timestamp }) => timestamp > after,
      ),
  })
  return { storage: open(), reopen: open }
}

/** @param {import('heddle/testing').StorageCase[]} cases */
async function tryAll(cases) {
  /** @type {string[]} */
  const failed = []
  for (const { name, run } of cases) {
    await run().catch((/** @type {Error} */ error) => failed.push(`${name}: ${error.message}`))
  }
  return { passed: cases.length - failed.length, failed }
}

module.exports = { makeFixture, tryAll }
