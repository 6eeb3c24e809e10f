import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { Http2Client } from './providers/http2-client.ts'
import { ask } from './providers/token-client.ts'
import { apnsProviderToken, assertion } from './providers/tokens.ts'
import { RawComponent } from './raw-component.ts'

const timeoutMs = 30_000
const program = join(import.meta.dirname, '../../bin/xmpp-pushd')
let child: ChildProcessWithoutNullStreams
let output = ''

function start(...args: string[]): void {
  output = ''
  child = spawn(process.execPath, [program, 'sandbox', ...args])
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
}

async function shows(wanted: RegExp): Promise<string> {
  return until(`the sandbox shows ${wanted}`, () => wanted.exec(output)?.[1], timeoutMs)
}

async function exitCode(): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'close')
  return child.exitCode
}

afterEach(async () => {
  child.kill('SIGKILL')
  await exitCode()
})

test(
  'the gateway answers, shows each request, and counts them when it is interrupted',
  async () => {
    start('gateway', '--port', '0')
    const url = await shows(/gateway sandbox on (\S+)\n/)
    const body = JSON.stringify({ service: 'fcm', alert: { title: 'T', body: 'B' } })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/v3/notification/gone-1`, { method: 'POST', headers, body })
    expect(response.status).toBe(410)
    await shows(/(410 \/v3\/notification\/gone-1 {"service":"fcm")/)
    child.kill('SIGINT')
    expect(await exitCode()).toBe(0)
    expect(output).toMatch(/1 requests\n$/)
  },
  timeoutMs,
)

test(
  'the XMPP sandbox sends what is typed and shows what comes',
  async () => {
    start('xmpp', '--domain', 'push.example.test', '--secret', 'sauce', '--port', '0')
    const port = Number(await shows(/on 127\.0\.0\.1:(\d+);/))
    const component = await new RawComponent(port).open('push.example.test', 'sauce')
    child.stdin.write('publish node1 fcm tok-1 romeo@example.test But soft, what light\n')
    const publish = await component.until('</iq>')
    expect(publish).toContain("<publish node='node1'>")
    expect(publish).toContain("<field var='last-message-body'><value>But soft, what light</value>")
    component.write("<message from='push.example.test' to='a.test'/>")
    await shows(/(◀ <message from='push.example.test')/)
    child.stdin.write('quit\n')
    expect(await exitCode()).toBe(0)
    component.destroy()
  },
  timeoutMs,
)

describe('the providers', () => {
  let out: string
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'xmpp-pushd-sandbox-'))
  })
  afterEach(() => rmSync(out, { recursive: true, force: true }))

  test(
    'the APNs sandbox writes its key and its authority, shows each push, and does what is typed',
    async () => {
      start('apns', '--port', '0', '--out', out)
      const url = await shows(/APNs sandbox on (\S+),/)
      const read = (name: string) => readFileSync(join(out, name), 'utf8')
      const key = { keyId: 'SANDBOXKEY', teamId: 'SANDBOXTEA', key: read('AuthKey_SANDBOXKEY.p8') }
      const client = await Http2Client.connect(url, read('ca.pem'))
      const headers = {
        authorization: `bearer ${apnsProviderToken(key)}`,
        'apns-topic': 'com.example.app',
        'apns-push-type': 'alert',
      }
      const answer = await client.post('/3/device/Unregistered-1', headers, '{"aps":{"alert":"hello"}}')
      expect(answer.status).toBe(410)
      await shows(/(410 \/3\/device\/Unregistered-1 {"aps":{"alert":"hello"}})/)
      child.stdin.write('goaway\ndance\n')
      await shows(/(not understood: dance)/)
      await client.ended
      child.stdin.write('quit\n')
      expect(await exitCode()).toBe(0)
      expect(output).toMatch(/1 requests\n$/)
    },
    timeoutMs,
  )

  test(
    'the FCM sandbox writes an account whose assertions its token endpoint takes',
    async () => {
      start('fcm', '--port', '0', '--oauth-port', '0', '--out', out)
      await shows(/FCM sandbox on (\S+),/)
      const account = JSON.parse(readFileSync(join(out, 'service-account.json'), 'utf8'))
      const ca = readFileSync(join(out, 'ca.pem'), 'utf8')
      const form = {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertion(account),
      }
      expect(await ask({ account, ca }, form)).toMatchObject({ status: 200 })
      child.kill('SIGINT')
      expect(await exitCode()).toBe(0)
    },
    timeoutMs,
  )
})

describe('what is not understood is said in one sentence, with the exit code of a usage fault', () => {
  test.each([
    [['gateway', '--prot', '1'], /prot/],
    [['gateway', '--port', 'many'], /--port is a whole number/],
    [['gateway', '--tls-cert', 'a'], /go together/],
    [['xmpp', '--domain', 'a'], /--domain and --secret are needed/],
    [['xmpp', '--domain', 'a', '--secret', 'b', '--second-stream', 'c'], /balance or conflict/],
    [['apns', '--port', '0'], /--out is needed/],
    [['fcm', '--oauth-port', 'many', '--out', 'x'], /--oauth-port is a whole number/],
    [['printer'], /Usage/],
  ])(
    'sandbox %j',
    async (args, text) => {
      start(...args)
      expect(await exitCode()).toBe(78)
      expect(output).toMatch(text)
    },
    timeoutMs,
  )
})

test(
  'a port that is taken is said in one sentence, with the exit code of something that may come back',
  async () => {
    start('gateway', '--port', '0')
    const port = await shows(/:(\d+)\n/)
    const second = spawn(process.execPath, [program, 'sandbox', 'gateway', '--port', port])
    second.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const [code] = await once(second, 'close')
    expect(code).toBe(75)
    expect(output).toContain('EADDRINUSE')
  },
  timeoutMs,
)
