// The contract of storages, run by a CommonJS module on a storage of its own, without any test runner.
'use strict'

const testing = require('heddle/testing')
const shelf = require('./shelf.cjs')

void testing
  .storageContract(shelf.makeFixture)
  .then(shelf.tryAll)
  .then((said) => console.log(JSON.stringify(said)))
