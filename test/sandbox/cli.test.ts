import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
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

describe('what is not understood is said in one sentence, with the exit code of a usage fault', () => {
  test.each([
    [['gateway', '--prot', '1'], /prot/],
    [['gateway', '--port', 'many'], /--port is a whole number/],
    [['gateway', '--tls-cert', 'a'], /go together/],
    [['xmpp', '--domain', 'a'], /--domain and --secret are needed/],
    [['xmpp', '--domain', 'a', '--secret', 'b', '--second-stream', 'c'], /balance or conflict/],
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
