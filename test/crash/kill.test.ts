import { expect, test } from 'vitest'
import { crashRound } from '../../bench/faults/crash-round.ts'
import { Rig } from '../../bench/faults/rig.ts'
import { fine } from '../../bench/faults/weather.ts'
import { until } from '../support/until.ts'

/** Another one each time: a failure names it, and `npm run crash -- --kills 12 --seed …` repeats it. */
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)

test('killed twelve times under load, the daemon loses nothing that it acknowledged', async () => {
  const round = await crashRound({ seed, kills: 12, rate: 200, longestLifeMs: 2_500 })
  const { counts, faults, kills, acknowledgedOverHttp } = round
  expect({ seed, kills, faults }).toEqual({ seed, kills: 12, faults: [] })
  expect(counts.results).toBeGreaterThan(100)
  expect(acknowledgedOverHttp).toBeGreaterThan(20)
}, 120_000)

test('with a journal of all that is accepted it loses nothing either, and repeats nothing without cause', async () => {
  const options = { seed, rate: 200, longestLifeMs: 2_500, durability: 'always' } as const
  const { counts, faults } = await crashRound({ ...options, kills: 6 })
  expect({ seed, faults }).toEqual({ seed, faults: [] })
  expect(counts.results).toBeGreaterThan(50)
}, 120_000)

test('what was acknowledged while the gateway was away is delivered by the daemon after the one killed', async () => {
  await using rig = await Rig.start({ seed })
  const { source, gateway, daemon } = rig
  await gateway.weather({ ...fine, down: true })
  source.start({ rate: 200, sharedShare: 0.2 })
  await until('a hundred to be stored', async () => ((await daemon.metric('stored')) ?? 0) >= 100)
  source.pause()
  await rig.crash()
  const { counts, faults } = await rig.settle()
  expect({ seed, faults }).toEqual({ seed, faults: [] })
  expect(counts.deliveredLater).toBeGreaterThanOrEqual(80)
}, 60_000)
