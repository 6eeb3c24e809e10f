import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../../../support/until.ts'
import { scratchDirectory } from '../../store/open-store.ts'
import { parseStanza } from '../app-server/app-server-at-work.ts'
import { carol, fieldsOf, startXmppServer, type XmppServerAtWork } from './xmpp-server-at-work.ts'

/** The role with a plugin of this source in a file that stays, and carol with one subscription. */
async function withPlugin(directory: { readonly path: string }, source: string, pluginTimeoutMs = 100) {
  const file = join(directory.path, 'plugin.mjs')
  writeFileSync(file, source)
  const work = await startXmppServer({ plugin: file, pluginTimeoutMs })
  await work.enable(carol, 'remote.test', 'a')
  return work
}

/** The fields of what went out last. */
function lastSummary(work: XmppServerAtWork) {
  const item = work.sent.at(-1)?.stanza.firstChild()?.firstChild()?.firstChild()
  return fieldsOf(item?.firstChild()?.firstChild())
}

const failures = (work: XmppServerAtWork, cause: string) =>
  work.count('plugin_failures_total', `cause="${cause}"`)

async function restarts(work: XmppServerAtWork): Promise<number> {
  const { body } = await work.metrics.render(undefined)
  return Number(/^xmpp_pushd_plugin_restarts_total (\d+)$/m.exec(body)?.[1])
}

/** Asks, with a message of its own each time, until the plugin decides again. */
async function untilPluginDecides(work: XmppServerAtWork): Promise<void> {
  let asked = 0
  await until('the plugin decides again', async () => {
    await work.event({ id: `again-${asked++}` })
    return lastSummary(work)['last-message-sender'] === 'the plugin'
  })
}

describe('a plugin of your own runs in a thread of its own', () => {
  test.each([
    ['exits', 'process.exit(0)', /it ended its thread \(exit code 0\)/, 5_000],
    ['throws out of turn', 'setTimeout(() => { throw new Error("late") }, 0); return later()', /late/, 5_000],
    ['leaves a rejection unhandled', 'Promise.reject(new Error("unseen")); return later()', /unseen/, 5_000],
    ['computes without end', 'for (;;);', /endless loop/, 100],
    [
      'takes more memory than it may',
      'for (const all = []; ; ) all.push({ text: [Math.random()] })',
      /memory limit/,
      10_000,
    ],
  ])('one that %s costs its own decision only, and is started again', async (_, fault, logged, timeoutMs) => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `const later = () => new Promise((resolve) => setTimeout(resolve, 10_000, 'too late').unref())
      export function senderId(event) {
        if (event.id === 'bad') { ${fault} }
        return 'the plugin'
      }`,
      timeoutMs,
    )
    expect(await work.event({ id: 'good' })).toBe(1)
    expect(lastSummary(work)).toMatchObject({ 'last-message-sender': 'the plugin' })

    const ended = work.take({ id: 'bad' })
    await work.server.decided()
    // Decided by the defaults, and safe as soon as the App Server has taken it: over HTTP that is a 202.
    expect(lastSummary(work)).toMatchObject({ 'last-message-sender': 'alice@chat.test' })
    work.answerLast('result')
    expect(await ended).toEqual({ notified: 1, safety: 'safe' })
    expect(await failures(work, 'gone')).toBeGreaterThanOrEqual(1)
    expect(await restarts(work)).toBe(1)
    expect(work.log.find((line) => line.includes('the thread of the plugin ended'))).toMatch(logged)
    await untilPluginDecides(work)
    expect(await restarts(work)).toBe(1)
  })

  test('the events that its thread holds when it ends, and those that come meanwhile, take the defaults', async () => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `export async function senderId(event) {
        if (event.id === 'bad') process.exit(1)
        await new Promise((resolve) => setTimeout(resolve, 50))
        return 'the plugin'
      }`,
    )
    for (const id of ['before', 'bad', 'after']) void work.take({ id })
    await until('the thread has ended', async () => (await restarts(work)) === 1)
    // Its next thread cannot be up yet: all of this is one turn of the event loop.
    void work.take({ id: 'meanwhile' })
    expect(work.sent).toHaveLength(4)
    expect(await failures(work, 'gone')).toBe(4)
    for (const { xml } of work.sent) expect(xml).not.toContain('the plugin')
  })

  test.each([
    ['Array', 'Array.prototype.push = Array.prototype.map = () => { throw new Error("mine") }'],
    ['Object', 'Object.prototype.name = "mine"; Object.entries = Object.freeze = () => []'],
    ['Promise', 'Promise.prototype.then = () => undefined'],
    ['timers', 'globalThis.setTimeout = globalThis.setImmediate = () => 0'],
    // When it is loaded: before, its thread could not say that it is ready.
    [
      'the port',
      'import { parentPort } from "node:worker_threads"; setTimeout(() => { parentPort.postMessage = () => undefined })',
    ],
  ])('one that changes prototypes and globals (%s) changes its own only', async (_, change) => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `${change}
      export const senderId = async () => 'the plugin'`,
    )
    const ended = work.take({ id: 'one' })
    await work.server.decided()
    if (work.sent.length > 0) work.answerLast('result')
    expect((await ended).safety).toBe('safe')
    expect([1, 2].map((n) => n + 1)).toEqual([2, 3])
    expect({}).not.toHaveProperty('name')
  })

  test('one that ends again and again is started after ever longer pauses', async () => {
    using directory = scratchDirectory()
    await using work = await withPlugin(directory, 'export const senderId = () => process.exit(1)')
    writeFileSync(join(directory.path, 'plugin.mjs'), 'process.exit(1)')
    await work.event()
    await until('it was tried again', async () => (await restarts(work)) >= 3)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    // At once, and after 100, 200, 400 and 800 ms.
    expect(await restarts(work)).toBeLessThanOrEqual(6)
  })

  test.each([
    ['when it is asked', 'export function senderId() { for (;;) say() }'],
    ['all the time', 'setInterval(say, 1)\nexport const senderId = () => new Promise(() => undefined)'],
  ])(
    'one that sends message after message out of turn (%s) is ended: the daemon goes on',
    async (_, asked) => {
      using directory = scratchDirectory()
      await using work = await withPlugin(
        directory,
        `import { parentPort } from 'node:worker_threads'
      const say = () => parentPort.postMessage({ kind: 'answers', answers: [] })
      ${asked}`,
        5_000,
      )
      const ended = work.take({ id: 'one' })
      await work.server.decided()
      expect(lastSummary(work)).toMatchObject({ 'last-message-sender': 'alice@chat.test' })
      work.answerLast('result')
      expect((await ended).safety).toBe('safe')
      expect(await restarts(work)).toBeGreaterThanOrEqual(1)
      expect(work.log.join('\n')).toContain('it sends message after message that is not an answer')
    },
  )

  test.each([
    ['no message', 'undefined'],
    ['a text', '"answers"'],
    ['no answers', '({ kind: "answers", answers: 7 })'],
    ['answers to nothing', '({ kind: "answers", answers: [null, 1, {}, { id: 999, kind: "decided" }] })'],
    ['that it is ready', '({ kind: "ready" })'],
  ])('what it says out of turn (%s) is not heard', async (_, message) => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `import { parentPort } from 'node:worker_threads'
      export function senderId() {
        parentPort.postMessage(${message})
        return 'the plugin'
      }`,
    )
    expect(await work.event()).toBe(1)
    expect(lastSummary(work)).toMatchObject({ 'last-message-sender': 'the plugin' })
    expect(work.log).toEqual([])
  })

  test.each([
    ['without a kind', '{}'],
    ['that chooses what is not there', '{ kind: "decided", chosen: [7] }'],
    ['that chooses twice', '{ kind: "decided", chosen: [0, 0] }'],
    ['that chooses by name', '{ kind: "decided", chosen: ["length"] }'],
    ['with a field without a value', '{ kind: "decided", chosen: [0], summary: ["a"] }'],
    ['with a value that is no text', '{ kind: "decided", chosen: [0], summary: ["a", {}] }'],
    [
      'with too many fields',
      '{ kind: "decided", chosen: [0], summary: Array.from({ length: 130 }, () => "a") }',
    ],
    ['with a sender that is no text', '{ kind: "decided", sender: 5 }'],
    ['that failed in a way that is not known', '{ kind: "failed", fault: "x", why: "y" }'],
  ])('an answer %s is nonsense', async (_, answer) => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `import { parentPort } from 'node:worker_threads'
      const post = parentPort.postMessage.bind(parentPort)
      parentPort.postMessage = (said) =>
        post(said.answers === undefined ? said : { ...said, answers: said.answers.map(({ id }) => ({ id, ...${answer} })) })
      export const senderId = () => 'x'`,
    )
    await work.enable(carol, 'remote.test', 'b')
    expect(await work.event()).toBe(0)
    expect(await failures(work, 'nonsense')).toBe(1)
  })

  test('it holds no more events at once than its memory has room for', async () => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `let held = 0
      let most = 0
      export async function prepareNotification() {
        most = Math.max(most, ++held)
        await new Promise((resolve) => setTimeout(resolve, 20))
        held--
        return { most }
      }`,
      10_000,
    )
    const body = 'x'.repeat(100_000)
    for (let i = 0; i < 500; i++) void work.take({ id: `${i}`, body })
    await work.server.decided()
    // A sixteenth of 64 MiB, and 200 kB each.
    expect(Number(lastSummary(work).most)).toBe(20)
    expect(await restarts(work)).toBe(0)
  })

  test('no more than 64 MiB of events wait for it: what comes over HTTP is to come again', async () => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      'export const senderId = () => new Promise((resolve) => setTimeout(resolve, 1, "x"))',
      10_000,
    )
    const body = 'x'.repeat(100_000)

    for (let i = 0; i < 350; i++) void work.take({ id: `${i}`, body })
    expect(work.server.full).toBe(true)
    expect(await work.take({ id: 'one too many', body })).toEqual({ notified: 0, safety: 'no-room' })
    expect(await work.count('limits_hit_total', 'limit="plugin_events"')).toBe(16)
    await work.server.decided()
    expect(work.server.full).toBe(false)
    expect(work.sent).toHaveLength(335)
  })

  test('it is given copies that are frozen, and the stanza with its functions', async () => {
    using directory = scratchDirectory()
    await using work = await withPlugin(
      directory,
      `export function prepareNotification({ stanza }) {
        const body = stanza.child('body', 'jabber:client')
        return { text: body.text(), lang: body.attr('xml:lang'), children: stanza.elements().length }
      }`,
    )
    const stanza = parseStanza(
      `<message xmlns='jabber:client'><body xml:lang='en'>Hi</body><active xmlns='urn:x'/></message>`,
    )
    await work.event({ stanza })
    expect(lastSummary(work)).toMatchObject({ text: 'Hi', lang: 'en', children: '2' })
  })
})
