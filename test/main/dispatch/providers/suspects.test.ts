import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { servedDomain } from '../../../../src/core/gateway/served-domain.ts'
import type { Notification } from '../../../../src/core/notification.ts'
import type { Outcome } from '../../../../src/core/outcome.ts'
import { startGatewaySandbox } from '../../../../src/sandbox/gateway.ts'
import { type ApnsSandbox, startApnsSandbox } from '../../../../src/sandbox/providers/apns.ts'
import { type DispatcherAtWork, dispatcherAtWork } from '../dispatcher-at-work.ts'
import { apnsPool, authorizeApns, directly, toApns, withApns } from './pools.ts'

let apns: ApnsSandbox
let at: DispatcherAtWork
/** What the provider refuses. */
let refuses: (topic: unknown, deviceId: string) => boolean

beforeEach(async () => {
  apns = await startApnsSandbox()
  at = await withApns(apns)
  refuses = () => false
  apns.answerWith(({ headers, deviceId }) =>
    refuses(headers['apns-topic'], deviceId)
      ? { status: 400, body: { reason: 'DeviceTokenNotForTopic' } }
      : undefined,
  )
})
afterEach(async () => {
  await at[Symbol.asyncDispose]()
  await apns.close()
})

/** What so many pushes come to, one after another. */
async function kinds(count: number, change: Partial<Notification> = {}, id = 'tok'): Promise<string[]> {
  const outcomes: string[] = []
  for (let i = 0; i < count; i++) outcomes.push((await at.push(toApns(id, change))).kind)
  return outcomes
}

describe('suspects count per device, topic and mode', () => {
  test('and only where the topic is the pool’s, or was delivered to that device before', async () => {
    refuses = (topic) => topic === 'made.up'
    expect(await kinds(8, { topic: 'made.up', node: 'theirs' })).toEqual(Array(8).fill('suspect'))
    expect(at.deaths).toEqual([])
    expect(await kinds(1)).toEqual(['delivered'])
    refuses = () => true
    expect(await kinds(5)).toEqual(['suspect', 'suspect', 'suspect', 'suspect', 'dead_device'])
  })

  test('a topic that was delivered to that device counts like the pool’s own, and for that device alone', async () => {
    expect(await kinds(1, { topic: 'com.example.second' })).toEqual(['delivered'])
    refuses = () => true
    expect(await kinds(5, { topic: 'com.example.second' }, 'another')).not.toContain('dead_device')
    expect((await kinds(5, { topic: 'com.example.second' })).at(-1)).toBe('dead_device')
  })

  test('refusals of one topic are none of another', async () => {
    expect(await kinds(1, { topic: 'com.example.second' })).toEqual(['delivered'])
    refuses = () => true
    expect(await kinds(4, { topic: 'com.example.second' })).not.toContain('dead_device')
    expect(await kinds(4)).not.toContain('dead_device')
    expect(await kinds(1, { topic: 'com.example.second' })).toEqual(['dead_device'])
  })

  test('refusals of one mode are none of another', async () => {
    refuses = () => true
    const dev = { device: { service: 'apns', mode: 'dev', id: 'tok' } }
    expect(await kinds(4, dev)).not.toContain('dead_device')
    expect(await kinds(4)).not.toContain('dead_device')
    expect(await kinds(1, dev)).toEqual(['dead_device'])
  })

  test('refusals of one app, by its pool’s own topic, are none of another’s', async () => {
    const pools = [
      apnsPool(apns, { label: 'theirs', tags: ['theirs'], defaultTopic: 'com.example.theirs' }),
      apnsPool(apns, { label: 'ours', tags: ['ours'], defaultTopic: 'com.example.ours' }),
    ]
    await at[Symbol.asyncDispose]()
    at = await directly(pools)
    for (const pool of pools.keys()) authorizeApns(at.dispatcher, pool, apns)
    refuses = () => true
    expect(await kinds(4, { tags: ['theirs'] })).not.toContain('dead_device')
    expect(await kinds(4, { tags: ['ours'] })).not.toContain('dead_device')
    refuses = (topic) => topic === 'com.example.theirs'
    expect(await kinds(1, { tags: ['ours'] })).toEqual(['delivered'])
    expect(await kinds(1, { tags: ['theirs'] }), 'what ours delivers is no word of theirs').toEqual([
      'dead_device',
    ])
  })

  test('the mark that follows holds for the node that it came by', async () => {
    refuses = () => true
    const push = toApns('tok', { node: 'theirs' })
    await kinds(5, { node: 'theirs' })
    const isDead = (node: string) => at.deadDevices.isDead(push.device, push.domain, node)
    expect([isDead('theirs'), isDead('node-1')]).toEqual([true, false])
    expect(at.deaths).toMatchObject([{ found: { by: 'suspect_limit' }, notification: { node: 'theirs' } }])
  })

  test('what came in over the served API has nothing held against its device', async () => {
    refuses = () => true
    expect(await kinds(8, { domain: servedDomain, node: '' })).toEqual(Array(8).fill('suspect'))
  })
})

describe('the alarm counts distinct owners', () => {
  /** Pushes of one sender, answered. */
  const pushFrom = (sender: string, ids: readonly string[]) =>
    Promise.all(
      ids.map((id) => {
        const { promise, resolve } = Promise.withResolvers<Outcome>()
        const push = toApns(id, { node: `of-${id}` })
        expect(at.dispatcher.submit(push, { settle: resolve }, push.domain, sender)).toBe(true)
        return promise
      }),
    )
  const ids = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}-${i}`)
  const alarm = () => at.metric('suspect_alarm{service="apns"}')

  test('one user’s made-up tokens raise none, and keep no dead device alive', async () => {
    refuses = (_topic, deviceId) => !deviceId.startsWith('fine')
    for (const id of ids(60, 'fine')) await pushFrom(`owner-of-${id}@chat.test`, [id])
    const madeUp = await pushFrom('mallory@chat.test', ids(200, 'made-up'))
    expect(madeUp.map(({ kind }) => kind)).not.toContain('operator_fault')
    expect(await alarm()).toBe(0)
    expect((await kinds(5, {}, 'really-dead')).at(-1)).toBe('dead_device')
  })

  test('devices of many owners do', async () => {
    refuses = () => true
    for (const id of ids(100, 'bad')) await pushFrom(`owner-of-${id}@chat.test`, [id])
    expect(await alarm()).toBe(1)
    expect(await kinds(6, {}, 'spared')).toEqual(Array(6).fill('operator_fault'))
  })
})

test('behind MongoosePush a topic that was never delivered does not count either, and none at all does', async () => {
  await using gateway = await startGatewaySandbox()
  await using work = await dispatcherAtWork({ urls: [gateway.url] })
  gateway.answerWith(() => ({ status: 400, body: { reason: 'invalid_request' } }))
  const push = async (topic: string | undefined) => (await work.push(toApns('tok', { topic }))).kind
  for (let i = 0; i < 8; i++) expect(await push('made.up')).toBe('suspect')
  for (let i = 0; i < 4; i++) expect(await push(undefined)).toBe('suspect')
  expect(await push(undefined)).toBe('dead_device')
})

test('behind MongoosePush refusals by one pool, as tags choose it, are none of another’s', async () => {
  await using gateway = await startGatewaySandbox()
  await using work = await dispatcherAtWork({ urls: [gateway.url] })
  gateway.answerWith(() => ({ status: 400, body: { reason: 'invalid_request' } }))
  const push = async (tag: string) => (await work.push(toApns('tok', { tags: [tag] }))).kind
  for (const tag of ['theirs', 'ours']) {
    for (let i = 0; i < 4; i++) expect(await push(tag)).toBe('suspect')
  }
  expect(await push('ours')).toBe('dead_device')
})
