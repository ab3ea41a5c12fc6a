'use strict'

/**
 * `heddle/testing`: the invariants of `Storage` (index.d.ts numbers them) as cases for any test runner.
 *
 * Here cases are listed, run and cleaned up; the cases themselves are in `contract-saves.js` and
 * `contract-appends.js`, what they look at storages through in `contract-subject.js`. Nothing of it
 * needs the native engine.
 */

const { checkFunction, checkMethods } = require('../arguments.js')
const { appendCases, pairCase, twoRoomsOfAppends } = require('./appends.js')
const { saveCases, twoRoomsOfSaves } = require('./saves.js')
const { Subject } = require('./subject.js')
const { ignore } = require('../timers.js')

/** @typedef {import('../../testing').StorageCase} StorageCase */
/** @typedef {import('../../testing').StorageFixture} StorageFixture */
/** @typedef {() => StorageFixture | Promise<StorageFixture>} MakeFixture */

/**
 * One case before it has a fixture.
 * @typedef {object} ContractCase
 * @property {string} name
 * @property {number} invariant the one that is broken when the case fails
 * @property {(room: Subject) => Promise<void>} check
 */

/**
 * @param {MakeFixture} make
 * @returns {Promise<StorageCase[]>}
 */
async function storageContract(make) {
  checkFunction('make', make)
  const cases = await withFixture(make, casesFor)
  return cases.map(({ name, invariant, check }) => ({
    name,
    run: () =>
      withFixture(make, async (fixture) => {
        const room = new Subject(fixture, invariant)
        await room.open()
        await check(room)
      }),
  }))
}

/**
 * @param {StorageFixture} fixture
 * @returns {ContractCase[]}
 */
function casesFor({ storage, another }) {
  const hasRooms = another !== undefined
  const cases = [...saveCases, ...(hasRooms ? [twoRoomsOfSaves] : [])]
  const methods = [storage.append, storage.loadChanges].filter((method) => method !== undefined)
  if (methods.length === 0) return cases
  if (methods.length === 1) return [...cases, pairCase]
  return [...cases, ...appendCases, ...(hasRooms ? [twoRoomsOfAppends] : [])]
}

/**
 * Runs `use` on a fresh fixture and cleans it up. What `use` fails with goes before what the cleaning
 * fails with.
 * @template T
 * @param {MakeFixture} make
 * @param {(fixture: StorageFixture) => T | Promise<T>} use
 * @returns {Promise<T>}
 */
async function withFixture(make, use) {
  const fixture = await make()
  checkMethods('the fixture', fixture, ['reopen'])
  const cleanUp = async () => fixture.cleanUp?.()
  /** @type {T} */
  let result
  try {
    checkMethods('storage', fixture.storage, ['load', 'save'])
    result = await use(fixture)
  } catch (error) {
    await cleanUp().catch(ignore)
    throw error
  }
  await cleanUp()
  return result
}

module.exports = { storageContract }
