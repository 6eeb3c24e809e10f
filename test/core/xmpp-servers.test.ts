import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { XmppServers } from '../../src/core/xmpp-servers.ts'

const servers = new XmppServers([
  { domain: 'push.a.example', server: 'a:5347', hosts: ['a.example', 'other.a.org'] },
  { domain: 'push.b.example', server: 'b:5347', hosts: ['b.example', 'below.a.example'] },
  { domain: 'pubsub.b.example', server: 'b:5347', hosts: ['second.b.org'] },
])
const a = servers.scopeOf('push.a.example')
const b = servers.scopeOf('push.b.example')

describe('a stream speaks for its own server', () => {
  test.each([
    ['a host of another server', 'a.example', true],
    ['a user there', 'carol@a.example', true],
    ['a client there', 'carol@a.example/phone', true],
    ['a resource that looks like an address of its own', 'a.example/carol@b.example', true],
    ['another spelling of it', 'carol@A.EXAMPLE', true],
    ['its full-stopped spelling', 'a.example.', true],
    ['the domain of its component', 'push.a.example', true],
    ['what is below a host of it', 'room@conference.a.example/nick', true],
    ['its other host', 'x@other.a.org', true],
    ['a host of its own', 'bob@b.example/x', false],
    ['a host of its own that is below another one’s', 'bob@below.a.example', false],
    ['what is below that', 'bob@rooms.below.a.example', false],
    ['a host that another component of the server names', 'bob@second.b.org', false],
    ['the domain of another component of the server', 'pubsub.b.example', false],
    ['a host that no component has', 'dave@far.example', false],
    ['a host that only ends alike', 'dave@nota.example', false],
    ['what is above a host', 'example', false],
    ['what is no JID', 'x@y@a.example', false],
    ['nothing', '', false],
  ])('a from at %s (%s) is foreign: %s', (_name, address, isForeign) => {
    expect(b.isForeign(address)).toBe(isForeign)
    // Whatever came before.
    b.isForeign('bob@b.example')
    expect(b.isForeign(address)).toBe(isForeign)
  })

  test('a host of one server that is below a host of another one is foreign to that one', () => {
    expect(a.isForeign('below.a.example')).toBe(true)
    expect(a.isForeign('x@rooms.below.a.example')).toBe(true)
    expect(a.isForeign('conference.a.example')).toBe(false)
  })

  test.each([
    ['push.b.example', true],
    ['x@push.b.example/y', true],
    ['PUSH.b.example', true],
    ['pubsub.b.example', true],
    ['push.a.example', false],
    ['b.example', false],
    ['x.push.b.example', false],
    ['push.b.example@a.example', false],
    ['', false],
  ])('a to at %s is at a domain of the server: %s', (to, isOurs) => {
    expect(b.isOurs(to)).toBe(isOurs)
  })

  test.each([
    ['rooms.b.example', true],
    ['x@rooms.b.example/y', true],
    ['b.example', false],
    ['push.b.example', false],
    ['rooms.a.example', false],
    ['far.example', false],
    ['@', false],
  ])('%s is below a host of the server, where other components of it may be: %s', (address, isBelow) => {
    expect(b.isBelowOwnHost(address)).toBe(isBelow)
  })

  test('components that share a host are of one server, whatever their addresses, and so is a third that shares one with either', () => {
    const shared = new XmppServers([
      { domain: 'one.example', server: 'x:1', hosts: ['h1'] },
      { domain: 'two.example', server: 'y:1', hosts: ['h2'] },
      { domain: 'three.example', server: 'z:1', hosts: ['h1', 'h2'] },
      { domain: 'four.example', server: 'y:1', hosts: ['h4'] },
    ])
    expect(shared.count).toBe(1)
    expect([...shared.scopeOf('four.example').domains].toSorted()).toEqual(
      ['four.example', 'one.example', 'three.example', 'two.example'].toSorted(),
    )
  })

  test.each([
    ['push.bücher.example', 'push.xn--bcher-kva.example'],
    ['push.xn--bcher-kva.example', 'push.bücher.example'],
  ])('%s and %s are one domain, and what is below its hosts is below either spelling', (domain, other) => {
    const host = domain.replace('push.', '')
    const both = new XmppServers([
      { domain, server: 'a:1', hosts: [host] },
      { domain: 'push.b.example', server: 'b:1', hosts: ['b.example'] },
    ])
    expect(both.scopeOf(domain).isOurs(other)).toBe(true)
    expect(both.scopeOf('push.b.example').isForeign(`x@${other.replace('push.', '')}`)).toBe(true)
    expect(both.scopeOf(domain).isForeign(`x@${other.replace('push.', '')}`)).toBe(false)
  })

  test('with one server nobody is foreign', () => {
    const one = new XmppServers([{ domain: 'push.a.example', server: 'a:1', hosts: ['a.example'] }])
    expect(one.scopeOf('push.a.example').isForeign('x@b.example')).toBe(false)
  })

  test('what users of a host read goes out on domains of no other server than theirs', () => {
    expect(servers.domainsFor('second.b.org')).toEqual(['push.b.example', 'pubsub.b.example'])
    expect(servers.domainsFor('a.example')).toEqual(['push.a.example'])
    expect(servers.domainsFor('far.example')).toEqual([
      'push.a.example',
      'push.b.example',
      'pubsub.b.example',
    ])
  })

  test('what an address is called does not depend on what was asked before', () => {
    const address = fc.stringMatching(
      /^[ab@/.]?(x@)?(push\.|p\.)?(a|b|second\.b|below\.a|far)\.(example|org)(\/[ab@.]+)?$/,
    )
    fc.assert(
      fc.property(fc.array(address, { minLength: 1, maxLength: 10 }), (addresses) => {
        const used = new XmppServers([
          { domain: 'push.a.example', server: 'a:5347', hosts: ['a.example'] },
          {
            domain: 'push.b.example',
            server: 'b:5347',
            hosts: ['b.example', 'second.b.org', 'below.a.example'],
          },
        ])
        const scope = used.scopeOf('push.b.example')
        for (const one of addresses) {
          const fresh = new XmppServers([
            { domain: 'push.a.example', server: 'a:5347', hosts: ['a.example'] },
            {
              domain: 'push.b.example',
              server: 'b:5347',
              hosts: ['b.example', 'second.b.org', 'below.a.example'],
            },
          ])
          expect(scope.isForeign(one)).toBe(fresh.scopeOf('push.b.example').isForeign(one))
        }
      }),
    )
  })
})
