import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyPart, separator } from '../../../src/main/store/keys.ts'
import type { LmdbOutbox } from '../../../src/main/store/outbox.ts'
import { counted } from '../../../src/main/store/outbox-use.ts'
import type { StoredPush } from '../../../src/main/store/ports.ts'
import { notificationTo } from '../dispatch/notifications.ts'
import { scratchDirectory } from './open-store.ts'
import { outboxAt } from './outbox-at.ts'
import { startMs, storedPush } from './stored-push.ts'
import { tamper } from './tamper.ts'

const push = fc
  .record({
    domain: fc.constantFrom('a.test', 'b.test'),
    sender: fc.constantFrom(undefined, 1, 2),
    device: fc.constantFrom('tok-1', 'tok-2', 'tok-3'),
    collapsible: fc.boolean(),
    node: fc.constantFrom('n', 'x'.repeat(900)),
    createdAtMs: fc.constantFrom(startMs, startMs + 1),
    lastReason: fc.constantFrom('', 'TooManyRequests'),
    shelf: fc.constantFrom('fcm', 'pool other'),
  })
  .map(({ domain, device, collapsible, node, createdAtMs, ...rest }) =>
    storedPush({ ...notificationTo(device), domain, node, collapsible, createdAtMs }, rest),
  )
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), push }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reschedule' as const), nth: fc.nat(9), push }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), nth: fc.nat(9) }) },
  fc.record({
    kind: fc.constantFrom('clear' as const, 'sweep' as const, 'settle' as const, 'reopen' as const),
  }),
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** Nobody waits for it to be on disk, but where an operation says so. */
function run(outbox: LmdbOutbox, operation: Operation, ids: string[]): Promise<unknown> | undefined {
  switch (operation.kind) {
    case 'add': {
      const addition = outbox.add(operation.push)
      if (typeof addition === 'string') return undefined
      ids.push(addition.id)
      return addition.durable
    }
    case 'reschedule': {
      const id = ids[operation.nth % ids.length] ?? ''
      const known = outbox.get(id)
      if (known === undefined) return undefined
      // What a push becomes goes on being of its domain.
      const { domain } = known.notification
      const { notification } = operation.push
      return outbox.reschedule(id, { ...operation.push, notification: { ...notification, domain } })
    }
    case 'remove':
      return outbox.remove(ids[operation.nth % ids.length] ?? '', undefined)
    case 'clear':
      return outbox.clear('pool other', () => 'fcm', 2)
    case 'sweep':
      return outbox.sweep()
    default:
      return undefined
  }
}

/** What the tables of a closed store say of its pushes, and what these come to when they are counted one by one. */
async function sums(path: string, pushes: readonly StoredPush[]) {
  const stored: Record<string, Record<string, unknown>> = {}
  await tamper(path, (table) => {
    for (const name of ['outbox_domain', 'outbox_use', 'outbox', 'outbox_due']) {
      stored[name] = Object.fromEntries([...table(name).getRange({})].map(({ key, value }) => [key, value]))
    }
  })
  const domains: Record<string, number> = {}
  const uses: Record<string, [number, number]> = {}
  for (const one of pushes) {
    const domain = keyPart(one.notification.domain)
    domains[domain] = (domains[domain] ?? 0) + 1
    const keys = [separator, domain, ...(one.sender === undefined ? [] : [domain + separator + one.sender])]
    for (const key of keys) {
      const [count, bytes] = uses[key] ?? [0, 0]
      uses[key] = [count + 1, bytes + (counted(one).bytes ?? 0)]
    }
  }
  return { stored, fresh: { domains, uses } }
}

test('the sums of what is stored are those of a fresh count, and nothing when all has ended', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(3, 1_000),
      async (operations, maxStored) => {
        using dir = scratchDirectory()
        const open = () => outboxAt(dir.path, { maxStored, maxStoredBytes: 6_000 })
        let at = await open()
        const ids: string[] = []
        let under: (Promise<unknown> | undefined)[] = []
        const check = async () => {
          await Promise.all(under)
          under = []
          await at.outbox.countOld()
          const pushes = at.outbox.from('0', 1_000).map(([, one]) => one)
          expect(at.outbox.count()).toBe(pushes.length)
          await at.environment.close()
          const { stored, fresh } = await sums(dir.path, pushes)
          expect(stored.outbox_domain).toEqual(fresh.domains)
          expect(stored.outbox_use).toEqual(fresh.uses)
          expect(Object.keys(stored.outbox_due ?? {})).toHaveLength(pushes.length)
        }
        for (const one of operations) {
          if (one.kind === 'reopen') {
            await check()
            at = await open()
          } else if (one.kind === 'settle') await Promise.all(under)
          else under.push(run(at.outbox, one, ids))
        }
        await check()
        at = await open()
        for (const [id] of at.outbox.from('0', 1_000)) under.push(at.outbox.remove(id, undefined))
        await check()
        const { stored } = await sums(dir.path, [])
        expect(stored).toEqual({ outbox: {}, outbox_domain: {}, outbox_use: {}, outbox_due: {} })
      },
    ),
    { numRuns: 60 },
  )
}, 120_000)
