import { escapeXml } from '../../src/core/xml/escape.ts'
import { fullDomain, type Installation } from './installation.ts'

/** What users of a served host and sources of events do. */

const pubsubNs = 'http://jabber.org/protocol/pubsub'

/** `<enable/>` of a user's app, addressed to the daemon. */
export function enableIq(user: string, jid: string, node: string, device: string): string {
  return `<iq type='set' id='e-${node}' from='${user}' to='${fullDomain}'><enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'>${optionsForm({ service: 'fcm', device_id: device })}</enable></iq>`
}

export async function enablePush(
  { xmpp }: Installation,
  user: string,
  jid: string,
  node: string,
  device: string,
): Promise<void> {
  const answer = await xmpp.request(fullDomain, enableIq(user, jid, node, device))
  if (answer.attr('type') !== 'result') throw new Error(answer.xml)
}

/** A push node of the user's on our PubSub-full domain, to which our own domain may publish. */
export async function createNode({ xmpp }: Installation, user: string, node: string): Promise<void> {
  const set = (id: string, payload: string) =>
    xmpp.request(fullDomain, `<iq type='set' id='${id}' from='${user}' to='${fullDomain}'>${payload}</iq>`)
  const create = await set(
    `c-${node}`,
    `<pubsub xmlns='${pubsubNs}'><create node='${node}' type='push'/></pubsub>`,
  )
  const admit = await set(
    `a-${node}`,
    `<pubsub xmlns='${pubsubNs}#owner'><affiliations node='${node}'><affiliation jid='${fullDomain}' affiliation='publish-only'/></affiliations></pubsub>`,
  )
  for (const { xml } of [create, admit]) if (!xml.includes("type='result'")) throw new Error(xml)
}

/** Events as any source can post them: of a message of bob's, unless they say otherwise. */
export async function postEvents(
  { daemon }: Installation,
  events: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[],
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const complete = (event: object) => ({ from: 'bob@chat.test/x', type: 'chat', body: 'Hi', ...event })
  const response = await daemon.request(`/v1/events/message`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Array.isArray(events) ? events.map(complete) : complete(events)),
  })
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body }
}

/** The same message as a server routes a copy of it. */
export function forwarded(to: string, id: string, component: string): string {
  return `<message from='chat.test' to='${component}'><forwarded xmlns='urn:xmpp:forward:0'><message type='chat' xmlns='jabber:client' id='${id}' to='${to}' from='bob@chat.test/x'><body>Hi</body></message></forwarded></message>`
}

function optionsForm(options: Readonly<Record<string, string>>): string {
  const fields = Object.entries(options).map(
    ([name, value]) => `<field var='${name}'><value>${escapeXml(value)}</value></field>`,
  )
  return `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>${fields.join('')}</x>`
}
