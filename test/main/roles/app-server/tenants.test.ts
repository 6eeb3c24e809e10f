import { describe, expect, test } from 'vitest'
import { XmppServers } from '../../../../src/core/xmpp-servers.ts'
import { optionsFor, pubsubHost, shadowedHost, startAppServer, virtualHost } from './app-server-at-work.ts'

const servers = new XmppServers([
  { domain: pubsubHost, server: 'a:5347', hosts: ['chat.test'] },
  { domain: virtualHost, server: 'a:5347', hosts: ['chat.test'] },
  { domain: shadowedHost, server: 'b:5347', hosts: ['other.test'] },
])
const gone = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

describe('a stream speaks for its own server', () => {
  test.each(['message', 'presence', 'iq'])(
    'a %s with <gone/> about a user of nobody here removes the nodes on domains of that server alone',
    async (name) => {
      await using app = await startAppServer()
      app.server.reconfigure({ ...optionsFor(), servers })
      await app.create('dave@far.test/x', 'on-a', pubsubHost)
      await app.create('dave@far.test/x', 'on-b', shadowedHost)
      app.verdict(
        `<${name} from='dave@far.test' to='${shadowedHost}' id='1' type='error'>${gone}</${name}>`,
        shadowedHost,
      )
      // The change behind it in the queue is made after it.
      await app.create('eve@far.test/x', 'later', shadowedHost)
      expect(app.nodes.get(pubsubHost, 'on-a')).toBeDefined()
      expect(app.nodes.get(shadowedHost, 'on-b')).toBeUndefined()
    },
  )
})
