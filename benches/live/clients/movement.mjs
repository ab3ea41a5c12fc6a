// The program that the clients of a server run in for the comparison.
import { answer } from '../child.mjs'
import { Movers } from './movers.mjs'

let movers = /** @type {Movers | undefined} */ (undefined)

answer({
  /** @param {Parameters<typeof Movers.joined>[0]} order */
  async join(order) {
    movers = await Movers.joined(order)
  },
  /** @param {{ rate: number, ms: number }} order */
  run: ({ rate, ms }) => movers?.run(rate, ms),
  agree: () => movers?.agree(),
})
