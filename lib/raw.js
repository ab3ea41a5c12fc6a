'use strict'

/**
 * The calls that every frame makes, as functions that find their numbers in the mailbox. Without them the methods of
 * the same names of the native room do the same.
 */

const { isOff } = require('./fast-paths.js')
const { mailbox } = require('./mailbox.js')
const { rawCalls } = require('./native.js')

const raw = isOff('raw-functions') ? undefined : rawCalls(mailbox)

module.exports = { raw }
