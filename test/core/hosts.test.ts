import { domainToASCII, domainToUnicode } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hostKey, isInternational, normalDomain, parseJid } from '../../src/core/jid.ts'
import { isVirtualDomain } from '../../src/core/served-domains.ts'
import { XmppServers } from '../../src/core/xmpp-servers.ts'

const ascii = 'xn--bcher-kva.example'
const unicode = 'bücher.example'

describe('hosts compare as A-labels of their U-labels', () => {
  test.each([
    [ascii, unicode],
    ['xn--strae-oqa.example', 'straße.example'],
    ['chat.xn--9ca.test', 'chat.é.test'],
    ['xn--fiqs8s', '中国'],
    [ascii, 'BÜCHER.Example.'],
    ['XN--BCHER-KVA.example', unicode],
  ])('%s is %s', (one, other) => {
    expect(normalDomain(one)).toBe(normalDomain(other))
  })

  test.each([
    ['xn--bcher-kva.example', 'bucher.example'],
    ['strasse.example', 'straße.example'],
    // A-labels that stand for nothing, or for what needs none.
    ['xn--foo-.example', 'foo.example'],
    ['xn--.example', '.example'],
    ['bü%41.example', 'büa.example'],
    // Addresses at a host are not the host.
    ['eve@bücher.example', unicode],
    ['ève@chat.test', 'chat.test'],
    ['eve@chat.test/xn--', 'chat.test'],
    ['chat.test/é', 'chat.test'],
  ])('%s is not %s', (one, other) => {
    expect(normalDomain(one)).not.toBe(normalDomain(other))
  })

  test('a host of ASCII alone stands for itself, whatever it looks like', () => {
    for (const host of [
      'example.com',
      '1.2',
      '0x7f.1',
      'a_b.example',
      'a--b.example',
      '[::1]',
      'x'.repeat(500),
    ]) {
      expect(hostKey(host)).toBe(host)
    }
  })

  test('whatever is the domain of a JID, both spellings of it are one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), (label) => {
        const domain = parseJid(`${label}.example`)?.domain
        fc.pre(domain !== undefined)
        const written = domainToASCII(domain)
        fc.pre(written !== '' && isInternational(domain) && domainToUnicode(written) === domain)
        expect(hostKey(domain)).toBe(written)
        expect(hostKey(written)).toBe(written)
      }),
    )
  })

  test('a virtual host is known in either', () => {
    expect(isVirtualDomain(`push.${ascii}`, ['push.@HOST@'], [unicode])).toBe(true)
    expect(isVirtualDomain(`push.${unicode}`, ['push.@HOST@'], [ascii])).toBe(true)
  })

  test('so is the server that a host belongs to', () => {
    const servers = new XmppServers([
      { domain: 'push.a.example', server: 'a:5347', hosts: [unicode] },
      { domain: 'push.b.example', server: 'b:5347', hosts: ['b.example'] },
    ])
    expect(servers.serverOf(ascii)).toBe(servers.serverOf(unicode))
    expect(servers.isHost(ascii)).toBe(true)
    expect(servers.areApart(`conference.${ascii}`, 'b.example')).toBe(true)
  })
})
