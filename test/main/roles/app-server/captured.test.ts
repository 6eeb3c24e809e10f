import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Element } from '../../../../src/core/xml/element.ts'
import type { AppServerOptions } from '../../../../src/main/roles/app-server/options.ts'
import {
  type AppServerAtWork,
  optionsFor,
  parseStanza,
  parseStanzas,
  startAppServer,
  summaryOfAnswer,
} from './app-server-at-work.ts'

/** The stanzas that a real server sent to a component, in their order. */
function captured(server: 'ejabberd' | 'prosody' | 'mongooseim'): Element[] {
  const file = new URL(`../../../fixtures/stanzas/${server}.xml`, import.meta.url)
  return parseStanzas(readFileSync(file, 'utf8'))
}

function optionsOfKind(kind: { pubsub: boolean; virtual: boolean }): AppServerOptions {
  const domains = ['push.chat.test', 'push.example.test'].map((domain) => ({
    domain,
    publishers: 'any' as const,
    nodeOwners: 'any' as const,
    tags: [],
    ...kind,
  }))
  return { ...optionsFor(), domains }
}

/** What became of each: its payload's request, and the answer or the verdict. */
async function replay(
  app: AppServerAtWork,
  server: 'ejabberd' | 'prosody' | 'mongooseim',
): Promise<string[]> {
  const outcomes: string[] = []
  for (const stanza of captured(server)) {
    const verdict = app.server.handle('push.chat.test', stanza)
    const payload = stanza.firstChild()
    const request = payload?.name === 'pubsub' ? payload.firstChild() : payload
    const name =
      stanza.name === 'iq' && stanza.attr('type') !== 'result' ? (request?.name ?? '') : stanza.name
    switch (verdict.kind) {
      case 'push': {
        const { content } = verdict.notification
        outcomes.push(
          `${name}: ${content.kind === 'alert' ? `${content.title} | ${content.body}` : 'silent'}`,
        )
        break
      }
      case 'drop':
        outcomes.push(`${name}: dropped`)
        break
      default: {
        const answer = parseStanza(verdict.kind === 'list' ? verdict.make() : await verdict.stanza)
        expect(answer.attr('id')).toBe(stanza.attr('id'))
        expect(answer.attr('to')).toBe(stanza.attr('from'))
        expect(answer.attr('from')).toBe(stanza.attr('to'))
        outcomes.push(`${name}: ${summaryOfAnswer(answer)}`)
      }
    }
  }
  return outcomes
}

/** What a client's requests through either server are answered on a PubSub-full domain. */
const clientRequests = [
  'query: result',
  'create: result',
  'create: result',
  'affiliations: result',
  'delete: result',
  'publish: cancel/item-not-found',
  'command: cancel/service-unavailable',
  'ping: result',
  'message: dropped',
]

test.each(['ejabberd', 'prosody'] as const)(
  'a client’s requests through %s are answered as on a PubSub-full domain',
  async (server) => {
    await using app = await startAppServer()
    app.server.reconfigure(optionsOfKind({ pubsub: true, virtual: false }))
    const outcomes = await replay(app, server)
    const first = outcomes.indexOf('query: result')
    expect(outcomes.slice(first, first + clientRequests.length)).toEqual(clientRequests)
    expect(app.nodes.get('push.chat.test', 'punsub_node_for_my_private_iphone')?.affiliations).toEqual({
      'bob@chat.test': 'owner',
      'chat.test': 'publish-only',
    })
    expect(outcomes.filter((outcome) => outcome === 'ping: result')).toHaveLength(2)
    expect(outcomes.filter((outcome) => outcome.startsWith('presence'))).not.toEqual([])
  },
)

test('what ejabberd publishes becomes alerts with its own text, and silent pushes for bare notifications', async () => {
  await using app = await startAppServer()
  app.server.reconfigure(optionsOfKind({ pubsub: false, virtual: true }))
  const publishes = (await replay(app, 'ejabberd')).filter((outcome) => outcome.startsWith('publish'))
  expect(publishes).toEqual([
    'publish: New message | New message',
    'publish: New message | New message',
    'publish: silent',
    'publish: New message | New message',
    'publish: New message | New message',
    'publish: silent',
    'publish: cancel/conflict precondition-not-met',
  ])
})

test('what Prosody publishes becomes alerts, with the default text when it only counts', async () => {
  await using app = await startAppServer()
  app.server.reconfigure(optionsOfKind({ pubsub: false, virtual: true }))
  const publishes = (await replay(app, 'prosody')).filter((outcome) => outcome.startsWith('publish'))
  expect(publishes).toEqual([
    'publish: New message | New Message!',
    'publish: New message | New Message!',
    'publish: New message | You have a new message',
    'publish: New message | You have a new message',
    'publish: New message | New Message!',
    'publish: New message | New Message!',
    'publish: New message | You have a new message',
    'publish: cancel/conflict precondition-not-met',
    'publish: New message | You have a new message',
  ])
})

test('what MongooseIM publishes becomes an alert with sender and body', async () => {
  await using app = await startAppServer()
  app.server.reconfigure(optionsOfKind({ pubsub: false, virtual: true }))
  expect(await replay(app, 'mongooseim')).toEqual(['publish: bob@localhost | Hello <push> & "q" ąę'])
})
