import { expect, test } from 'vitest'
import { gatewayCases } from '../../bench/faults/cases/gateway-cases.ts'
import { handoverCases } from '../../bench/faults/cases/handover-cases.ts'
import { processCases } from '../../bench/faults/cases/process-cases.ts'
import { xmppCases } from '../../bench/faults/cases/xmpp-cases.ts'

/** Another one each time: a failure names it, and `npm run faults -- --case … --seed …` repeats it. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)

const cases = { ...gatewayCases, ...xmppCases, ...processCases, ...handoverCases }
/** Short ones of each kind; `npm run faults` runs all, and longer. */
const names = [
  'gateway-everything',
  'xmpp-restart',
  'xmpp-bursts',
  'drain',
  'worker-exit',
  'handover',
  'handover-killed',
]

test.each(names.map((name) => [name, cases[name]?.about]))(
  'no promise is broken: %s (%s)',
  async (name) => {
    const { faults, figures } = (await cases[name]?.run({ seed, seconds: 2 })) ?? {}
    expect({ seed, faults }).toEqual({ seed, faults: [] })
    expect(figures?.results).toBeGreaterThan(100)
  },
  60_000,
)
