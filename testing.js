'use strict'

/** What heddle/testing exports; `testing.d.ts` documents it. */

const { storageContract } = require('./lib/contract/testing.js')

module.exports = { storageContract }
