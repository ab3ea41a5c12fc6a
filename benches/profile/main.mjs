// Where the time of a scenario goes.
//
//   node benches/profile/main.mjs native <scenario>    instructions of each function, by valgrind
//   node benches/profile/main.mjs border <scenario>    time of each function of JS and of the addon, by V8
//   node benches/profile/main.mjs live                 a server on `ws`: user and system time, system calls
//   node benches/profile/main.mjs light                the same under light load, beside the least possible server, by perf
//
// Scenarios of the native part are those of `benches/guard.json`; those of the border too.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { fail } from '../../scripts/requirements.mjs'
import { profileLight } from './light.mjs'
import { profileLive } from './live.mjs'
import { profileNative } from './native.mjs'

const [part, scenario = 'small'] = process.argv.slice(2)

try {
  if (part === 'native') await profileNative(scenario)
  else if (part === 'live') await profileLive()
  else if (part === 'light') await profileLight()
  else if (part === 'border') {
    const script = fileURLToPath(new URL('border-process.mjs', import.meta.url))
    spawnSync(process.execPath, [script, scenario], { stdio: 'inherit' })
  } else console.log('native, border, live or light?')
} catch (error) {
  fail(error)
}
