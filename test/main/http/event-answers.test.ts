import { describe, expect, test } from 'vitest'
import type { EventEnd, EventEnded } from '../../../src/main/roles/xmpp-server/event-end.ts'
import type { IncomingEvent } from '../../../src/main/roles/xmpp-server/event-intake.ts'
import { Secret } from '../../../src/main/secret.ts'
import { event, post } from './post-event.ts'
import { run } from './running.ts'

test.each([
  ['no-room', 429, 'resource-constraint', '1'],
  ['stopping', 503, 'stopping', '5'],
] as const)('held back for %s events are %i, to come again', async (cause, status, error, after) => {
  const { url, events } = await run({ eventsHeldBack: () => cause })
  const answer = await post(url, 'message', JSON.stringify(event))
  expect(answer).toMatchObject({ status, body: { error } })
  expect(answer.headers.get('retry-after')).toBe(after)
  expect(events).toEqual([])
})

describe('an event whose pushes', () => {
  const byId: Readonly<Record<string, EventEnd>> = {
    safe: { notified: 1, safety: 'safe' },
    full: { notified: 0, safety: 'no-room' },
    open: { notified: 2, safety: 'undelivered' },
  }
  const nobody: EventEnd = { notified: 0, safety: 'safe' }
  const takeEvent = ({ message }: IncomingEvent, ended: EventEnded) =>
    ended(byId[message?.id ?? ''] ?? nobody)

  test.each([
    ['open', 503, 'undelivered', '10'],
    ['full', 429, 'resource-constraint', '1'],
  ])('are left %s is answered with %i, to come again', async (id, status, error, after) => {
    const { url } = await run({ takeEvent })
    const answer = await post(url, 'message', JSON.stringify({ ...event, id }))
    expect(answer).toMatchObject({ status, body: { error } })
    expect(answer.body).not.toHaveProperty('field')
    expect(answer.headers.get('retry-after')).toBe(after)
    const form = `to=carol&from=alice&vhost=chat.test&body=Hi&messageId=${id}`
    expect(await post(url, 'ejabberd', form)).toMatchObject({ status })
  })

  test('are not safe makes its whole list come again, and is named', async () => {
    const { url } = await run({ takeEvent })
    const list = ['safe', 'open', 'full', 'safe'].map((id) => ({ ...event, id }))
    expect(await post(url, 'message', JSON.stringify(list))).toMatchObject({
      status: 503,
      body: { error: 'undelivered', field: '[1]' },
    })
  })

  test('are of a long list leaves others their turn', async () => {
    let turnAt = 0
    let taken = 0
    const { url } = await run({
      takeEvent: (_event, ended) => {
        if (taken++ === 0) {
          setImmediate(() => {
            turnAt = taken
          })
        }
        ended(nobody)
      },
    })
    const list = Array.from({ length: 1000 }, () => event)
    expect(await post(url, 'message', JSON.stringify(list))).toMatchObject({ status: 202 })
    expect(taken).toBe(1000)
    expect(turnAt).toBeGreaterThan(0)
    expect(turnAt).toBeLessThan(1000)
  })

  test('are under way is answered when they have ended', async () => {
    const taken = Promise.withResolvers<EventEnded>()
    const { url } = await run({ takeEvent: (_event, ended) => taken.resolve(ended) })
    let isAnswered = false
    const answer = post(url, 'message', JSON.stringify(event)).finally(() => {
      isAnswered = true
    })
    const ended = await taken.promise
    // Another request of the same server, there and back.
    await post(url, 'message', '[]')
    expect(isAnswered).toBe(false)
    ended({ notified: 3, safety: 'safe' })
    expect(await answer).toMatchObject({ status: 202, body: { notified: 3 } })
  })
})

describe('with a token', () => {
  const withToken = { token: () => new Secret('s3cr+t&') }
  const query = `?token=${encodeURIComponent('s3cr+t&')}`

  test('an event needs it, in the header or, for events alone, in the query', async () => {
    const { url, log } = await run(withToken)
    const body = JSON.stringify(event)
    expect(await post(url, 'message', body, undefined, {})).toMatchObject({ status: 401 })
    expect(await post(url, 'message?token=wrong', body, 'application/json', {})).toMatchObject({
      status: 401,
    })
    expect(await post(url, `message${query}`, body, 'application/json', {})).toMatchObject({ status: 202 })
    const header = { authorization: 'Bearer s3cr+t&' }
    expect(await post(url, 'message', body, 'application/json', header)).toMatchObject({ status: 202 })
    for (const path of [`/v1/publish${query}`, `/admin/config${query}`]) {
      expect((await fetch(url + path)).status).toBe(401)
    }
    expect(log.join()).not.toContain('s3cr')
  })

  test('a failure does not show the query’s in the log', async () => {
    const { url, log } = await run({
      ...withToken,
      takeEvent: () => {
        throw new Error('a bug')
      },
    })
    expect(await post(url, `message${query}`, JSON.stringify(event), 'application/json', {})).toMatchObject({
      status: 500,
    })
    expect(log).toHaveLength(1)
    expect(log.join()).not.toContain('s3cr')
  })
})
