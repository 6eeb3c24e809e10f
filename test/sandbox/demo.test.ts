import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { until } from '../support/until.ts'

const timeoutMs = 60_000
const program = join(import.meta.dirname, '../../bin/xmpp-pushd')
let temporary: string
let demo: Child

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'demo-test-'))
})
afterEach(() => {
  rmSync(temporary, { recursive: true })
})

function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): void {
  demo = new Child(process.execPath, [program, 'demo', ...args], {
    env: { ...process.env, TMPDIR: temporary, ...env },
  })
}

async function shows(text: string): Promise<void> {
  await until(`the demo shows "${text}"`, () => demo.output.includes(text) || demo.hasExited, timeoutMs)
  expect(demo.output).toContain(text)
}

/** In what it printed, each after the one before it. */
function expectInOrder(texts: readonly string[]): void {
  let from = 0
  for (const text of texts) {
    const at = demo.output.indexOf(text, from)
    expect(at, `"${text}" after what comes before it`).toBeGreaterThan(-1)
    from = at
  }
}

test(
  'the demo ends by itself, all as expected, in 100 columns without colours, and leaves nothing behind',
  async () => {
    start()
    const { code } = await demo.exited
    expect(demo.output).not.toContain('✘')
    expect(code).toBe(0)
    const lines = demo.output.split('\n')
    expect(lines.filter((line) => line.length > 100)).toEqual([])
    expect(demo.output).not.toContain('\u001b')
    expect(readdirSync(temporary)).toEqual([])

    // What a newcomer is to see, in this order.
    const seen = [
      '<handshake/>',
      "<create node='juliets-phone' type='push'/>",
      "affiliation='publish-only'",
      '/v3/notification/tok-juliet',
      '"body":"But soft! 🌹"',
      ' 200 null ',
      "<iq type='result'",
      "<notification xmlns='urn:xmpp:push:0'/>",
      ' 410 unregistered ',
      '<device-not-registered ',
      ' 503 service_internal ',
      '<forbidden ',
      '<precondition-not-met ',
      'latency p99',
      'xmpp_pushd_publishes_total{',
      'exit code 0',
      'Where to go next',
    ]
    expectInOrder(seen)
  },
  timeoutMs,
)

test(
  'with --gateway the same is shown with APNs and FCM, request by request',
  async () => {
    start(['--gateway'])
    const { code } = await demo.exited
    expect(demo.output).not.toContain('✘')
    expect(code).toBe(0)
    expect(demo.output.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
    const seen = [
      '[[gateway.apns]]',
      'APNs, FCM',
      '<handshake/>',
      ' POST to APNs ',
      '/3/device/tok-juliet',
      'apns-push-type: alert',
      '"body":"But soft! 🌹"',
      ' 200 ',
      "<iq type='result'",
      'apns-push-type: background',
      ' 410 Unregistered ',
      '<device-not-registered ',
      ' 503 ServiceUnavailable ',
      ' POST to FCM ',
      '/v1/projects/sandbox-project/messages:send',
      'authorization: Bearer ya29.',
      '"token":"tok-juliets-android"',
      'latency p99',
      'exit code 0',
    ]
    expectInOrder(seen)
  },
  timeoutMs,
)

test(
  'with --keep the demo goes on until it is interrupted, then stops cleanly',
  async () => {
    start(['--keep'])
    await shows('It goes on')
    const pushes = () => demo.output.split('It goes on')[1]?.match(/ POST /g)?.length ?? 0
    await until('a push goes out', () => pushes() > 0, timeoutMs)
    expect(demo.hasExited).toBe(false)
    demo.kill('SIGINT')
    expect(await demo.exited).toEqual({ code: 0, signal: null })
    expect(demo.output).toContain('The daemon has ended with exit code 0.')
    expect(readdirSync(temporary)).toEqual([])
  },
  timeoutMs,
)

test(
  'an interrupted demo takes its daemon and its files with it',
  async () => {
    start()
    await shows('A client makes a push node')
    demo.kill('SIGINT')
    expect(await demo.exited).toEqual({ code: 130, signal: null })
    expect(readdirSync(temporary)).toEqual([])
  },
  timeoutMs,
)
