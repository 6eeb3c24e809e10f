import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ExpiryWatch, expiryStage } from '../../../src/main/gateway/expiry-watch.ts'
import { readPemIdentity, readPfxIdentity } from '../../../src/main/gateway/tls-identity.ts'
import { Authority } from '../../../src/sandbox/providers/authority.ts'
import { TokenRecording } from './recording.ts'

const authority = new Authority()
const commonName = 'Apple Push Services: com.example.app'
const notAfter = new Date('2031-02-03T04:05:06Z')
const pfx = (name: string) => readFileSync(`test/fixtures/tls/${name}`)

test('a certificate and its key are read, with the end of their days', () => {
  const { cert, key } = authority.issue({ commonName, notAfter })
  expect(readPemIdentity(cert, key)).toMatchObject({
    identity: { kind: 'pem', cert, key },
    commonName,
    expiresAtMs: notAfter.getTime(),
  })
})

test('a .p12 file is read, with the end of its certificate’s days', () => {
  const read = readPfxIdentity(pfx('apns.p12'), 'sauce')
  expect(read).toMatchObject({
    identity: { kind: 'pfx' },
    commonName,
    expiresAtMs: Date.parse('2126-01-01T00:00:00Z'),
  })
})

test('a certificate with the key of another is refused', () => {
  const { cert } = authority.issue({ commonName })
  const { key } = authority.issue({ commonName })
  expect(readPemIdentity(cert, key)).toMatch(/not the certificate’s/)
})

test.each([
  ['of a .p12 that is wrong', pfx('apns.p12'), 'ketchup'],
  ['of a .p12 that is missing', pfx('apns.p12'), undefined],
])('a passphrase %s is said to be', (_, bytes, passphrase) => {
  expect(readPfxIdentity(bytes, passphrase)).toMatch(/passphrase/)
})

test('a .p12 of an old kind is refused with the commands that make it a new one', () => {
  expect(readPfxIdentity(pfx('apns-rc2.p12'), 'sauce')).toMatch(/openssl pkcs12 -legacy/)
})

test.each([
  ['no certificate', 'hello', 'hello'],
  ['nothing', '', ''],
])('files with %s are refused', (_, cert, key) => {
  expect(readPemIdentity(cert, key)).toBeTypeOf('string')
  expect(readPfxIdentity(Buffer.from(cert), undefined)).toBeTypeOf('string')
})

const dayMs = 86_400_000

test('the nearer the end, the louder the warning: once a day', () => {
  const recording = new TokenRecording(Date.parse('2030-01-01T00:00:00Z'))
  const metric: [string, number][] = []
  const { log, nowMs } = recording
  const watch = new ExpiryWatch({ log, nowMs, expiresAt: (name, seconds) => metric.push([name, seconds]) })
  const expiresAtMs = recording.atMs + 40 * dayMs
  watch.watch([
    { name: 'cert_file', expiresAtMs },
    { name: 'fresh', expiresAtMs: recording.atMs + 1000 * dayMs },
  ])
  expect(metric).toEqual([
    ['cert_file', expiresAtMs / 1000],
    ['fresh', expiresAtMs / 1000 + 960 * 86_400],
  ])
  expect(recording.lines).toEqual([])
  for (let hour = 0; hour < 42 * 24; hour++) {
    recording.atMs += dayMs / 24
    watch.check()
  }
  watch.stop()
  const levels = recording.lines.map(({ level }) => level)
  expect(levels.filter((level) => level === 'warn')).toHaveLength(23)
  expect(levels.slice(0, 23).every((level) => level === 'warn')).toBe(true)
  expect(recording.lines.at(0)).toMatchObject({
    text: 'a certificate expires soon',
    fields: { leftDays: 30 },
  })
  expect(recording.lines.at(-1)?.text).toBe('a certificate has expired')
  expect(recording.lines.every(({ fields }) => 'name' in fields && fields.name === 'cert_file')).toBe(true)
})

test('renewed files are watched in place of the old ones', () => {
  const recording = new TokenRecording()
  const { log, nowMs } = recording
  const watch = new ExpiryWatch({ log, nowMs, expiresAt: () => undefined })
  watch.watch([{ name: 'cert_file', expiresAtMs: recording.atMs - 1 }])
  expect(recording.lines).toHaveLength(1)
  watch.watch([{ name: 'cert_file', expiresAtMs: recording.atMs + 365 * dayMs }])
  recording.atMs += 2 * dayMs
  watch.check()
  watch.stop()
  expect(recording.lines).toHaveLength(1)
})

test.each([
  [-1, 'expired'],
  [0, 'expired'],
  [7 * dayMs, 'urgent'],
  [30 * dayMs, 'soon'],
  [30 * dayMs + 1, 'fine'],
])('%d ms before its end a certificate is %s', (leftMs, stage) => {
  expect(expiryStage(leftMs)).toBe(stage)
})
