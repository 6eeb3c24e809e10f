import { describe, expect, test } from 'vitest'
import { PublishInput } from '../../../../src/main/roles/app-server/publish-input.ts'
import {
  alice,
  bob,
  chatServer,
  type PublishChange,
  publish,
  pubsubHost,
  startAppServer,
  virtualHost,
} from './app-server-at-work.ts'

/** Whose turns a publish takes. */
async function senderOf(change: PublishChange): Promise<string> {
  await using app = await startAppServer()
  if (change.to === pubsubHost) {
    await app.create(alice, 'n1')
    await app.ask(
      alice,
      'set',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='n1'>` +
        `<affiliation jid='${bob.split('/')[0]}' affiliation='publish-only'/></affiliations></pubsub>`,
    )
  }
  const verdict = app.verdict(publish(change), change.to ?? virtualHost)
  if (verdict.kind !== 'push') throw new Error(`no push: ${JSON.stringify(verdict)}`)
  return verdict.sender
}

describe('senders take turns, each by the account that a publish goes on', () => {
  test.each([
    ['a user’s on a virtual host', 'the bare JID', { from: bob }, 'bob@chat.test'],
    ['a bare JID’s on a virtual host', 'that', { from: 'bob@chat.test' }, 'bob@chat.test'],
    ['a server’s on a virtual host', 'the device', { from: chatServer }, 'tok-1'],
    ['a server’s to a node', 'the node’s owner', { from: chatServer, to: pubsubHost }, 'alice@chat.test'],
    ['a user’s to a node', 'the bare JID', { from: bob, to: pubsubHost }, 'bob@chat.test'],
    ['of a server with a resource', 'the device', { from: `${chatServer}/a@b` }, 'tok-1'],
  ])('%s: %s', async (_, _by, change, sender) => {
    expect(await senderOf(change)).toBe(sender)
  })

  test('one without XMPP: the device', async () => {
    await using app = await startAppServer()
    const input = new PublishInput(virtualHost, undefined)
    input.isNotification = true
    input.setOption('service', 'fcm')
    input.setOption('device_id', 'tok-1')
    input.summary.set('message-count', '1')
    expect(app.server.checkPublish(input)).toMatchObject({ kind: 'push', sender: 'tok-1' })
  })
})
