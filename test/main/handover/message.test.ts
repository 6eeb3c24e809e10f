import { describe, expect, test } from 'vitest'
import { endpointsOf } from '../../../src/main/handover/endpoints.ts'
import {
  type FromOld,
  fromOld,
  fromSuccessor,
  handoverFormat,
  packed,
} from '../../../src/main/handover/message.ts'
import { sound } from '../config/loading.ts'

const stream: FromOld = {
  kind: 'stream',
  domain: 'push.example',
  slot: 1,
  answersAll: false,
  progress: {
    header: "<s:stream xmlns:s='a'>",
    unread: Buffer.from([0, 255, 60]),
    unsent: Buffer.from('ä'),
    pingId: 'ping-',
    pings: 7,
  },
}

/** As it comes out of the channel. */
const overTheChannel = (message: unknown): unknown => JSON.parse(JSON.stringify(message))

describe('the messages of a handover', () => {
  test.each<FromOld>([
    stream,
    { kind: 'replace', domains: ['push.example'] },
    { kind: 'listener', name: 'gateway' },
    { kind: 'retired' },
    { kind: 'end' },
  ])('of the old daemon are read as they were written: $kind', (message) => {
    expect(fromOld(overTheChannel(packed(message)))).toEqual(message)
  })

  const endpoints = {
    listeners: { http: '127.0.0.1:9590' },
    servers: { 'push.example': { server: '127.0.0.1:5347', connections: 2, tls: true } },
  }
  test.each([
    { kind: 'ready', format: handoverFormat, version: '1.2.3', endpoints },
    { kind: 'replaced', domains: [] },
    { kind: 'got' },
    { kind: 'open' },
    { kind: 'took' },
    { kind: 'failed', reason: 'the port is taken' },
  ] as const)('of a successor are read as they were written: $kind', (message) => {
    expect(fromSuccessor(overTheChannel(message))).toEqual(message)
  })

  test('of a successor of another format are read as far as its format and version', () => {
    const message = {
      kind: 'ready',
      format: handoverFormat + 1,
      version: '9.0.0',
      endpoints: 'something else',
    }
    expect(fromSuccessor(message)).toMatchObject({ format: handoverFormat + 1, version: '9.0.0' })
  })

  test.each([
    undefined,
    null,
    'ready',
    {},
    { kind: 'unknown' },
    { kind: 'listener', name: 'other' },
    { kind: 'replace', domains: 'push.example' },
    { kind: 'replaced', domains: [1] },
    { kind: 'stream', domain: 'push.example', slot: -1, answersAll: true, progress: {} },
    { kind: 'stream', domain: 'push.example', slot: 0 },
    { kind: 'ready', format: handoverFormat, version: '1', endpoints: { listeners: {}, servers: { a: {} } } },
    { kind: 'ready', format: '1', version: '1', endpoints },
  ])('are refused when they are none: %j', (message) => {
    expect(() => fromOld(message)).toThrow(TypeError)
    expect(() => fromSuccessor(message)).toThrow(TypeError)
  })
})

test('endpoints are the listeners that there are, and all servers', () => {
  const { config } = sound(`
[http]
listen = "127.0.0.1:1"
[[component]]
domain = "plain.example"
server = "127.0.0.1:5347"
secret = "x"
connections = 3
hosts = ["plain.test"]
[[component]]
domain = "tls.example"
server = "127.0.0.1:5348"
secret = "x"
tls = true
hosts = ["tls.test"]
`)
  expect(endpointsOf(config)).toEqual({
    listeners: { http: '127.0.0.1:1' },
    servers: {
      'plain.example': { server: '127.0.0.1:5347', connections: 3, tls: false },
      'tls.example': { server: '127.0.0.1:5348', connections: 2, tls: true },
    },
  })
})
