// The contract of storages, run by an ES module on a storage of its own, without any test runner.
import { storageContract } from 'heddle/testing'
import { makeFixture, tryAll } from './shelf.cjs'

console.log(JSON.stringify(await tryAll(await storageContract(makeFixture))))
