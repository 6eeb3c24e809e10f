/**
 * The honest naive pipeline, what one writes from the packages' READMEs: @xmpp/component's middleware,
 * one piscina task per notification, one `undici.request` per notification. Answers what the daemon
 * would answer to a publish that is delivered; checks next to nothing. Run by bench/load/run.ts.
 */

import { component, xml } from '@xmpp/component'
import { Piscina } from 'piscina'
import type { DaemonSettings } from '../load/reports.ts'
import type { NaivePush } from './naive-worker.ts'

const settings: DaemonSettings = JSON.parse(process.argv[2] ?? '{}')

const pool = new Piscina({
  filename: new URL('./naive-worker.ts', import.meta.url).href,
  minThreads: settings.workers,
  maxThreads: settings.workers,
  // The default of 1 would wait for the gateway with every push.
  concurrentTasksPerWorker: Math.ceil(settings.httpConnections / settings.workers),
  workerData: {
    origin: `http://127.0.0.1:${settings.gatewayPort}`,
    connections: Math.ceil(settings.httpConnections / settings.workers),
  },
})

/** As much of ltx's Element as is used here. */
interface Element {
  getChild(name: string): Element | undefined
  getChildren(name: string): Element[]
  getChildText(name: string): string | null
  attrs: Record<string, string>
}

/** Of the IQ responder, which the package's types leave out. */
interface IqCallee {
  set(ns: string, name: string, handler: (context: { element: Element }) => Promise<unknown>): void
}

function formFields(form: Element | undefined): Map<string, string> {
  const fields = new Map<string, string>()
  for (const field of form?.getChildren('field') ?? []) {
    fields.set(field.attrs.var ?? '', field.getChildText('value') ?? '')
  }
  return fields
}

async function publish({ element }: { element: Element }): Promise<unknown> {
  const item = element.getChild('publish')?.getChild('item')
  const summary = formFields(item?.getChild('notification')?.getChild('x'))
  const options = formFields(element.getChild('publish-options')?.getChild('x'))
  const push: NaivePush = {
    deviceId: options.get('device_id') ?? '',
    service: options.get('service') ?? '',
    mode: options.get('mode') ?? 'prod',
    title: summary.get('last-message-sender') ?? '',
    body: summary.get('last-message-body') ?? '',
    badge: Number(summary.get('message-count') ?? 1),
  }
  const status: number = await pool.run(push)
  if (status === 200) return true
  return xml(
    'error',
    { type: 'wait' },
    xml('internal-server-error', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' }),
  )
}

for (let i = 0; i < settings.streams; i++) {
  const entity = component({
    service: `xmpp://127.0.0.1:${settings.xmppPort}`,
    domain: settings.domain,
    password: settings.secret,
  }) as ReturnType<typeof component> & { iqCallee: IqCallee }
  entity.on('error', (error: unknown) => console.error(error))
  entity.iqCallee.set('http://jabber.org/protocol/pubsub', 'pubsub', publish)
  await entity.start()
}
process.on('disconnect', () => process.exit())
