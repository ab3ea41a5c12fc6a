// Says how heddle fails to load.
'use strict'

try {
  require('heddle')
} catch (error) {
  const { name, code, message } = /** @type {import('heddle').HeddleError} */ (error)
  console.log(JSON.stringify({ name, code, message }))
}
