import { afterAll, beforeAll } from 'vitest'
import { escapeXml } from '../../../../src/core/xml/escape.ts'
import { readMessageEvents } from '../../../../src/main/http/event-bodies.ts'
import type { XmppServerOptions } from '../../../../src/main/roles/xmpp-server/options.ts'
import {
  component,
  eventContent,
  startXmppServer,
  usualOptions,
  virtualHost,
  type XmppServerAtWork,
} from './xmpp-server-at-work.ts'

export type Content = Partial<XmppServerOptions['content']>

/** One for all tests, each of which has a user of its own. */
export let work: XmppServerAtWork
let users = 0
export let user = ''
beforeAll(async () => {
  work = await startXmppServer()
})
afterAll(async () => {
  await work[Symbol.asyncDispose]()
})

/** A user who has enabled push, and nothing was pushed to yet. */
export async function subscribed(content: Content = {}): Promise<void> {
  user = `user-${++users}@chat.test`
  work.server.reconfigure({ ...usualOptions, content: { ...eventContent, ...content } })
  await work.enable(`${user}/r1`, virtualHost, 'n')
  work.here.length = 0
}

export type Tell = (xml: string) => Promise<void>

export interface Message {
  readonly from?: string
  readonly type?: string
  readonly id?: string
}

export function messageXml(
  children: string,
  { from = 'alice@chat.test/phone', type = 'chat', id = 'm1' }: Message = {},
) {
  const typed = type === '' ? '' : ` type='${type}'`
  return `<message xmlns='jabber:client' from='${escapeXml(from)}' to='carol@chat.test'${typed} id='${id}'>${children}</message>`
}

/** As Prosody tells. */
async function forwarded(xml: string): Promise<void> {
  work.verdict(
    `<message from='chat.test' to='${component}'><forwarded xmlns='urn:xmpp:forward:0'>${xml}</forwarded></message>`,
  )
  await work.server.decided()
}

/** As ejabberd tells. */
async function pushOffline(xml: string): Promise<void> {
  work.verdict(
    `<message from='${user}' to='${component}'><event xmlns='http://jabber.org/protocol/pubsub#event'>` +
      `<items node='urn:xmpp:push:nodes:messages'><item id='1'>${xml}</item></items></event></message>`,
  )
  await work.server.decided()
}

async function overHttp(xml: string): Promise<void> {
  for (const event of readMessageEvents({ stanza: xml })) {
    await new Promise((resolve) => work.server.take(event, resolve))
  }
}

export const ways: readonly [string, Tell][] = [
  ['a forwarded message', forwarded],
  ['an event of mod_push_offline', pushOffline],
  ['an event over HTTP', overHttp],
]

/** What is pushed of a message: sender and text of each push. */
export async function pushes(tell: Tell, ...xmls: string[]) {
  // Each test has a user of its own.
  for (const xml of xmls) await tell(xml.replaceAll('carol@chat.test', user))
  return work.here.map(({ summary }) => [
    summary.get('last-message-sender'),
    summary.get('last-message-body'),
  ])
}

/** The same of messages that come forwarded. */
export async function pushesOf(content: Content, ...xmls: string[]) {
  await subscribed(content)
  return pushes(forwarded, ...xmls)
}

export async function textsOf(children: string, content: Content = {}): Promise<(string | undefined)[]> {
  const all = await pushesOf(content, messageXml(children))
  return all.map(([, text]) => text)
}
