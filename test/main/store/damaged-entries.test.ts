import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { takeDataDirectory } from '../../../src/main/store/data-directory.ts'
import { LmdbDeadLetterStore } from '../../../src/main/store/dead-letters.ts'
import { type Environment, openEnvironment } from '../../../src/main/store/environment.ts'
import { LmdbJournal } from '../../../src/main/store/journal.ts'
import { LmdbOutbox } from '../../../src/main/store/outbox.ts'
import type { Subscription } from '../../../src/main/store/ports.ts'
import { LmdbPublishStore } from '../../../src/main/store/publishes.ts'
import { LmdbSubscriptionStore } from '../../../src/main/store/subscriptions.ts'
import { notificationTo } from '../dispatch/notifications.ts'
import { scratchDirectory } from './open-store.ts'
import { given, startMs, storedPush } from './stored-push.ts'
import { damages, tamper } from './tamper.ts'

/** A single entry that is damaged does no harm to others. */

const nowMs = () => startMs

async function opened(path: string, log: Record<string, unknown>[] = []): Promise<Environment> {
  const write = (line: string) => void log.push(JSON.parse(line))
  return openEnvironment({
    directory: await takeDataDirectory(path),
    log: pino({ level: 'error' }, { write }),
  })
}

/** Stores three, damages one of them, and opens the store again. */
async function withDamage(
  path: string,
  fill: (environment: Environment) => Promise<unknown>,
  table: string,
  which: number,
  damage: unknown,
  log?: Record<string, unknown>[],
): Promise<Environment> {
  {
    await using environment = await opened(path)
    await fill(environment)
  }
  await tamper(path, async (named) => {
    const keys = [...named(table).getKeys({})]
    await named(table).put(keys[which] ?? '', damage)
  })
  return opened(path, log)
}

function letters(environment: Environment): LmdbDeadLetterStore {
  return new LmdbDeadLetterStore(environment, { maxAgeMs: 1e9, maxCount: 100, maxBytes: 1e12, nowMs })
}

function outbox(environment: Environment): LmdbOutbox {
  return new LmdbOutbox(environment, letters(environment), {
    maxStored: 100,
    maxStoredBytes: 1e12,
    domainShare: 1,
    collapse: true,
    nowMs,
  })
}

const passedOver = 'an entry of the store cannot be read: it is passed over'

describe.each(damages)('$damage:', ({ damage }) => {
  test.each([
    [0, ['b', 'c']],
    [1, ['a', 'c']],
    [2, ['a', 'b']],
  ])(
    'group %i of a journal keeps no other from being taken up, and stays for who looks at it',
    async (which, left) => {
      using dir = scratchDirectory()
      const log: Record<string, unknown>[] = []
      await using environment = await withDamage(
        dir.path,
        async (store) => {
          const journal = new LmdbJournal(store, nowMs)
          for (const id of ['a', 'b', 'c']) await journal.add([notificationTo(id)]).durable
        },
        'journal',
        which,
        damage,
        log,
      )
      const journal = new LmdbJournal(environment, nowMs)
      const found = journal.left(2)
      expect(found.map(([, group]) => group.map(({ device }) => device.id))).toEqual(left.map((id) => [id]))
      await Promise.all(found.map(([id]) => journal.remove(id)))
      expect(journal.left(2)).toEqual([])
      expect(log).toMatchObject([{ table: 'journal', msg: passedOver }])
      const { id, durable } = journal.add([notificationTo('new')])
      await durable
      expect(found.every(([earlier]) => id > earlier)).toBe(true)
    },
  )

  test('what is known of the ends in a group may be lost: all of it is taken up', async () => {
    using dir = scratchDirectory()
    await using environment = await withDamage(
      dir.path,
      async (store) => {
        const journal = new LmdbJournal(store, nowMs)
        const { id, durable } = journal.add([notificationTo('a'), notificationTo('b')])
        await durable
        await journal.ended(id, [0])
      },
      'journal_ended',
      0,
      damage,
    )
    const [[, group] = ['', []]] = new LmdbJournal(environment, nowMs).left(1)
    expect(group.map(({ device }) => device.id)).toEqual(['a', 'b'])
  })

  test('a publish that is owed keeps no other from being sent', async () => {
    using dir = scratchDirectory()
    const publish = { user: 'u@h', jid: 'j', domain: 'd', summary: [], createdAtMs: 1 }
    await using environment = await withDamage(
      dir.path,
      async (store) => {
        const publishes = new LmdbPublishStore(store, nowMs)
        for (const node of ['a', 'b', 'c']) await publishes.add({ ...publish, node }).durable
      },
      'publishes',
      2,
      damage,
    )
    const publishes = new LmdbPublishStore(environment, nowMs)
    expect(publishes.all().map(([, { node }]) => node)).toEqual(['a', 'b'])
  })

  test('a dead letter hides no other', async () => {
    using dir = scratchDirectory()
    await using environment = await withDamage(
      dir.path,
      async (store) => {
        const desk = letters(store)
        for (const id of ['a', 'b', 'c'])
          await store.queue.write(() => desk.record(notificationTo(id), 'expired', ''))
      },
      'dead_letters',
      1,
      damage,
    )
    const first = letters(environment).list(1, undefined)
    const second = letters(environment).list(1, first.next)
    const shown = [...first.letters, ...second.letters].map(({ notification }) => notification.device.id)
    expect(shown).toEqual(['c', 'a'])
    expect(second.next).toBeUndefined()
  })

  test.each(['outbox', 'outbox_place'])(
    'a stored push (%s) keeps no newer one to the same device from being stored',
    async (table) => {
      using dir = scratchDirectory()
      await using environment = await withDamage(
        dir.path,
        async (store) => given(outbox(store).add(storedPush('tok'))).durable,
        table,
        0,
        damage,
      )
      const addition = given(outbox(environment).add(storedPush('tok')))
      await addition.durable
      expect(addition.superseded).toBeUndefined()
      expect(outbox(environment).get(addition.id)).toBeDefined()
    },
  )

  test('a stored push keeps none behind it from being looked at', async () => {
    using dir = scratchDirectory()
    await using environment = await withDamage(
      dir.path,
      async (store) => {
        for (const id of ['a', 'b', 'c']) await given(outbox(store).add(storedPush(id))).durable
      },
      'outbox',
      1,
      damage,
    )
    const found = outbox(environment).from('0', 10)
    expect(found.map(([, { notification }]) => notification.device.id)).toEqual(['a', 'c'])
  })

  test('a subscription keeps its user from no other, nor from enabling it again', async () => {
    using dir = scratchDirectory()
    const one: Subscription = {
      user: 'u@h',
      jid: 'j',
      node: 'a',
      options: [],
      session: '',
      domain: '',
      enabledAtMs: 1,
      usedAtMs: 1,
      outage: undefined,
    }
    await using environment = await withDamage(
      dir.path,
      async (store) => {
        for (const node of ['a', 'b', 'c']) await new LmdbSubscriptionStore(store).put({ ...one, node }, 9)
      },
      'subscriptions',
      0,
      damage,
    )
    const subscriptions = new LmdbSubscriptionStore(environment)
    expect(subscriptions.of('u@h').map(({ node }) => node)).toEqual(['b', 'c'])
    expect(subscriptions.page(undefined, 9).subscriptions).toHaveLength(2)
    await subscriptions.put(one, 9)
    expect(subscriptions.of('u@h').map(({ node }) => node)).toEqual(['a', 'b', 'c'])
  })
})
