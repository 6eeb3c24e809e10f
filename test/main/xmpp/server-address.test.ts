import { expect, test } from 'vitest'
import { parseServerAddress } from '../../../src/main/xmpp/server-address.ts'

test.each([
  ['xmpp.example.com:5347', { host: 'xmpp.example.com', port: 5347, serverName: 'xmpp.example.com' }],
  ['127.0.0.1:5347', { host: '127.0.0.1', port: 5347, serverName: undefined }],
  ['[::1]:5347', { host: '::1', port: 5347, serverName: undefined }],
  ['unix:/run/xmpp.sock', { path: '/run/xmpp.sock', serverName: undefined }],
])('%s is an address', (text, address) => {
  expect(parseServerAddress(text)).toEqual(address)
})

test.each([
  '',
  'host',
  ':5347',
  'host:',
  'host:0',
  'host:65536',
  'host:5e3',
  '::1:5347',
  '[localhost]:5347',
  '[::1]',
  'unix:',
  'unix:run/sock',
  'http://host:5347',
])('"%s" is none', (text) => {
  expect(() => parseServerAddress(text)).toThrow(SyntaxError)
})
