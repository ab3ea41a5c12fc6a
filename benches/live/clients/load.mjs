// The program that the clients of a server under test run in.
import { answer } from '../child.mjs'
import { Crowd } from './crowd.mjs'

let crowd = /** @type {Crowd | undefined} */ (undefined)

answer({
  /** @param {{ port: number, layout: import('./crowd.mjs').Layout }} order */
  async join({ port, layout }) {
    crowd = new Crowd(port, layout)
    await crowd.join()
    return crowd.rehearse()
  },
  /** @param {{ load: import('./crowd.mjs').Load, ms: number }} order */
  run: ({ load, ms }) => crowd?.run(load, ms),
  check: () => crowd?.check(),
})
