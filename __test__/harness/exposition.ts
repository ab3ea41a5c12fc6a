/** One metric of an exposition. */
export interface Metric {
  type: string
  help: string
  /** By the text of their labels, as in `code="4400"`; `''` for none. */
  samples: Record<string, number>
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"`
const HELP = new RegExp(String.raw`^# HELP (${NAME}) ((?:[^\\]|\\[\\n])+)$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge)$`)
const SAMPLE = new RegExp(String.raw`^(${NAME})(?:\{(${LABEL}(?:,${LABEL})*)\})? (\d+)$`)

/**
 * Reads the text format of Prometheus as strictly as heddle writes it: for each metric HELP, TYPE and its samples, whole
 * numbers without times, counters named `_total`, nothing twice, and a line feed behind each line.
 */
export function readExposition(text: string): Record<string, Metric> {
  const metrics: Record<string, Metric> = {}
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new Error('the last line does not end')
  let at = 0
  while (at < lines.length) {
    const [, name = '', help = ''] = matched(HELP, lines[at++])
    const [, typed, type = ''] = matched(TYPE, lines[at++])
    if (typed !== name) throw new Error(`${name} has the type of ${typed}`)
    if (Object.hasOwn(metrics, name)) throw new Error(`${name} is there twice`)
    if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`)
    const samples: Record<string, number> = {}
    while (at < lines.length && lines[at]?.startsWith('#') === false) {
      const [, sampled, labels = '', value] = matched(SAMPLE, lines[at++])
      if (sampled !== name) throw new Error(`${sampled} stands among the samples of ${name}`)
      if (Object.hasOwn(samples, labels)) throw new Error(`${name} has ${labels} twice`)
      samples[labels] = Number(value)
    }
    metrics[name] = { type, help, samples }
  }
  return metrics
}

function matched(pattern: RegExp, line: string | undefined): RegExpExecArray {
  const match = pattern.exec(line ?? '')
  if (match === null) throw new Error(`no exposition: ${line}`)
  return match
}
