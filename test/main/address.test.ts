import { describe, expect, test } from 'vitest'
import { isLocal, parseAddress } from '../../src/main/address.ts'

describe('an address', () => {
  test.each([
    ['127.0.0.1:5347', { kind: 'tcp', host: '127.0.0.1', port: 5347 }],
    ['xmpp.example:0', { kind: 'tcp', host: 'xmpp.example', port: 0 }],
    ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65535 }],
    ['unix:/run/x y.sock', { kind: 'unix', path: '/run/x y.sock' }],
  ])('%s is read', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })

  test.each([
    '',
    '5347',
    'host',
    ':5347',
    'a:',
    'a:65536',
    'a:-1',
    'a:1x',
    'a:5e3',
    '[::1]',
    '::1:80',
    '[a]:80',
    'a b:80',
    'http://a:80',
    'a:80/',
    'unix:',
    'unix:/',
    'unix:x',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test.each([
    ['127.0.0.1:1', true],
    ['127.255.0.1:1', true],
    ['[::1]:1', true],
    ['localhost:1', true],
    ['unix:/x', true],
    ['0.0.0.0:1', false],
    ['[::]:1', false],
    ['10.0.0.1:1', false],
    ['127.evil.example:1', false],
  ])('%s is reached from this machine alone: %s', (text, expected) => {
    const address = parseAddress(text)
    expect(address !== undefined && isLocal(address)).toBe(expected)
  })
})
