import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../src/core/outcome.ts'
import { type SandboxRequest, startGatewaySandbox } from '../../../src/sandbox/gateway.ts'
import { until } from '../../support/until.ts'
import { type DispatcherAtWork, dispatcherAtWork } from './dispatcher-at-work.ts'
import { alertOf, notificationTo } from './notifications.ts'

/**
 * Pushes to few nodes and devices, so close to each other that one is stored while older ones are with the gateway,
 * on their way to the disk, waiting for another attempt, or stored. Each attempt's fate is drawn; in the end all
 * succeed.
 */
interface Planned {
  readonly device: number
  readonly isCall: boolean
  /** Before it is accepted. */
  readonly gapMs: number
  /** Of its attempts; those that follow succeed at once. */
  readonly fates: readonly { readonly works: boolean; readonly delayMs: number }[]
}

const deadlineMs = 120
const planned: fc.Arbitrary<Planned> = fc.record({
  device: fc.integer({ min: 0, max: 1 }),
  isCall: fc.constantFrom(false, false, false, true),
  gapMs: fc.constantFrom(0, 0, 0, 5, 30, 110, 125),
  fates: fc.array(
    fc.record({
      works: fc.boolean(),
      // About when the deadline comes, too.
      delayMs: fc.constantFrom(0, 0, 20, 60, 110, 120, 130, 250),
    }),
    { maxLength: 3 },
  ),
})

const planOf = fc.array(planned, { minLength: 1, maxLength: 12 })
type Plan = readonly Planned[]

function numberOf({ body }: SandboxRequest): number {
  const { alert } = body as { alert: { body: string } }
  return Number(alert.body)
}

/** Carries one plan out; its outcomes. `first`: the number of the first push. */
async function carryOut(at: DispatcherAtWork, plan: Plan, first: number): Promise<Outcome[]> {
  const outcomes: Promise<Outcome>[] = []
  for (const [i, { device, isCall, gapMs }] of plan.entries()) {
    if (gapMs > 0) await delay(gapMs)
    const notification = {
      ...notificationTo(`dev-${first}-${device}`),
      content: alertOf({ body: String(first + i) }),
      collapsible: !isCall,
      // The clock that stamps publishes never shows the same time twice.
      createdAtMs: Date.now() + i / 1_000,
    }
    outcomes.push(at.push(notification))
  }
  return Promise.all(outcomes)
}

/** No push is lost, and none comes twice. */
function expectLawful(plan: Plan, ends: readonly Outcome[], copiesOf: (i: number) => number): void {
  for (const [i, { device, isCall }] of plan.entries()) {
    const kind = ends[i]?.kind
    const what = `number ${i}, ${kind}, of ${JSON.stringify(plan)}`
    expect(['delivered', 'stored'], what).toContain(kind)
    expect(copiesOf(i), what).toBeLessThanOrEqual(1)
    if (copiesOf(i) > 0) continue
    const newer = plan.findIndex((other, j) => j > i && other.device === device && copiesOf(j) > 0)
    expect(kind === 'stored' && !isCall && newer >= 0, what).toBe(true)
  }
}

async function ended(at: DispatcherAtWork): Promise<number> {
  let sum = 0
  for (const outcome of ['delivered', 'superseded'])
    sum += (await at.metric(`notifications_total{service="fcm",outcome="${outcome}"}`)) ?? 0
  return sum
}

describe.each([false, true])('with a journal: %s', (journalAll) => {
  test('of pushes to one node and device none is lost, sent twice or settled twice, whenever the newer is stored', async () => {
    await using gateway = await startGatewaySandbox()
    await using at = await dispatcherAtWork({
      urls: [gateway.url],
      journalAll,
      replyDeadlineMs: deadlineMs,
      // So long that most of what fails once is stored at once, though older ones are still under way.
      retry: { baseMs: 300, capMs: 300, maxAttempts: 0 },
    })
    const fates = new Map<number, Planned['fates'][number][]>()
    const copies = new Map<number, number>()
    gateway.answerWith((request) => {
      const number = numberOf(request)
      const fate = fates.get(number)?.shift() ?? { works: true, delayMs: 0 }
      if (fate.works) copies.set(number, (copies.get(number) ?? 0) + 1)
      // Nothing that has the gateway left out: all would be stored at once then.
      return { status: fate.works ? 200 : 429, delayMs: fate.delayMs }
    })
    let next = 0
    await fc.assert(
      fc.asyncProperty(fc.array(planOf, { minLength: 20, maxLength: 20 }), async (plans) => {
        const runs = plans.map((plan) => {
          const first = next
          next += plan.length
          for (const [i, { fates: of }] of plan.entries()) fates.set(first + i, [...of])
          return { plan, first, ends: carryOut(at, plan, first) }
        })
        await Promise.all(runs.map(({ ends }) => ends))
        await until('nothing is under way', () => at.outbox.size === 0 && at.dispatcher.pending === 0)
        await until('nothing is journalled', () => at.journalled().length === 0)
        for (const { plan, first, ends } of runs) {
          expectLawful(plan, await ends, (i) => copies.get(first + i) ?? 0)
        }
      }),
      { numRuns: 3, endOnFailure: true },
    )
    expect(at.dispatcher.state().accepted).toBe(next)
    expect(await ended(at), 'each ends once').toBe(next)
    expect(at.log.filter(({ msg }) => msg === 'the receiver of an outcome failed')).toEqual([])
  }, 120_000)
})
