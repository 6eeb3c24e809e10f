import { describe, expect, test } from 'vitest'
import { readProsodyFile } from '../../../src/main/imports/prosody.ts'
import { bytesOf, exported, faultsIn, subscriptionsIn } from './exports.ts'

describe('the registrations that Prosody keeps of a user', () => {
  test('are read from its data file; one without a node cannot be had here', () => {
    const name = 'carol%2eo%2dx'
    const bytes = exported(`prosody/example%2ecom/cloud_notify/${name}.dat`)
    const found = readProsodyFile('file', 'example%2ecom', name, bytes)
    const common = { user: 'carol.o-x@example.com', enabled: '2026-11-22T09:33:46.000Z' }
    const options = {
      service: 'apns',
      device_id: 'tok-carol.o-x',
      secret: 's\'1"\\ <x>',
      topic: 'zażółć\n 🚀\ttab',
    }
    expect(subscriptionsIn(found)).toEqual([
      { ...common, jid: 'push.example.com', node: 'n&1 "q" \'z\'', options },
      { ...common, jid: 'other@push.example.com', node: 'plain', options: {} },
    ])
    expect(faultsIn(found)).toEqual(['file: "nonode.example.com<": has no node'])
  })

  const read = (entry: string, name = 'bob', host = 'chat%2etest') =>
    readProsodyFile('file', host, name, bytesOf(`return { ["key"] = ${entry} };`))

  test('have the user and the host of their path, byte by byte', () => {
    const found = read('{ jid = "p.test"; node = "n" }', '%c5%bc%c3%b3%c5%82w', 'xn%2d%2dabc%2etest')
    expect(subscriptionsIn(found)).toMatchObject([{ user: 'żółw@xn--abc.test', enabled: undefined }])
  })

  test.each([
    ['no table', '1', 'is no registration'],
    ['no address', '{ node = "n" }', 'has no jid'],
    ['what is no address', '{ jid = "@"; node = "n" }', 'jid: not the address of a push service'],
    ['no form', '{ jid = "p"; node = "n"; options = "x" }', 'its options are no form'],
    ['half a form', '{ jid = "p"; node = "n"; options = { name = "x"; { } } }', 'its options are no form'],
    ['no time', '{ jid = "p"; node = "n"; timestamp = 1e300 }', 'its timestamp is no time'],
    [
      'another form',
      '{ jid = "p"; node = "n"; options = { name = "x"; attr = { xmlns = "jabber:x:data"; type = "submit" } } }',
      'FORM_TYPE is not http://jabber.org/protocol/pubsub#publish-options',
    ],
  ])('are named where they have %s', (_, entry, reason) => {
    expect(faultsIn(read(entry))).toEqual([`file: "key": ${reason}`])
  })

  test.each([
    ['is no table', 'bob', 'return os.exit()', 'cannot be read at line 1'],
    ['is of no user', '%ff', 'return {}', 'its path names no user'],
  ])('cannot be read from a file that %s', (_, name, bytes, reason) => {
    expect(faultsIn(readProsodyFile('file', 'chat%2etest', name, bytes))).toEqual([`file: ${reason}`])
  })
})
