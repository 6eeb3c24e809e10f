/** Tells the screen what passes between the three parties, in the order it passes. */
import type { DemoScreen, Party } from './demo-screen.ts'
import { errorOf, type SandboxElement } from './element.ts'
import type { SandboxAnswer, SandboxRequest } from './gateway-answers.ts'
import { printJson } from './json-print.ts'
import type { ProviderAnswer, ProviderRequest } from './providers/provider-request.ts'
import { printTag, printXml } from './xml-print.ts'
import { parseStanza } from './xmpp-reader.ts'
import type { PassedStanza, StreamTag } from './xmpp-sandbox.ts'

export class DemoNarrator {
  /** While true nothing is told: a burst would be thousands of lines. */
  silent = false
  /** While true data forms show their fields only. */
  foldForms = false
  readonly #screen: DemoScreen

  constructor(screen: DemoScreen) {
    this.#screen = screen
  }

  stanza({ xml, direction }: PassedStanza): void {
    if (this.silent) return
    const [from, to] = ends(direction)
    const stanza = parseStanza(xml)
    this.#screen.arrow(from, to, labelOf(stanza))
    const columns = this.#screen.payloadWidth(from, to)
    this.#screen.payload(from, to, printXml(stanza, { columns, foldForms: this.foldForms }), 'xml')
  }

  streamTag({ xml, direction }: StreamTag): void {
    if (this.silent) return
    const [from, to] = ends(direction)
    // The XML declaration says nothing to a reader.
    const tag = xml.replace(/^<\?xml[^>]*\?>/, '')
    this.#screen.arrow(from, to, /^<(\/?[\w:]+)/.exec(tag)?.[1] ?? 'stream')
    if (tag.startsWith('</')) return
    this.#screen.payload(from, to, printTag(tag, '', this.#screen.payloadWidth(from, to)), 'xml')
  }

  request({ path, body }: SandboxRequest, { status, body: answer }: SandboxAnswer): void {
    if (this.silent) return
    const columns = this.#screen.payloadWidth('daemon', 'gateway')
    this.#screen.arrow('daemon', 'gateway', 'POST')
    this.#screen.payload('daemon', 'gateway', [path], 'plain')
    this.#screen.payload('daemon', 'gateway', printJson(body, columns), 'json')
    this.#screen.arrow('gateway', 'daemon', `${status} ${reasonOf(answer)}`)
  }

  /** As it reaches APNs or FCM, over HTTP/2. */
  providerRequest({ path, headers, body }: ProviderRequest, { status, body: answer }: ProviderAnswer): void {
    if (this.silent) return
    const columns = this.#screen.payloadWidth('daemon', 'gateway')
    const shown = Object.entries(headers).filter(
      ([name]) => name.startsWith('apns-') || name === 'authorization',
    )
    const lines = [path, ...shown.map(([name, value]) => `${name}: ${value}`)]
    this.#screen.arrow('daemon', 'gateway', `POST to ${headers['apns-push-type'] ? 'APNs' : 'FCM'}`)
    this.#screen.payload(
      'daemon',
      'gateway',
      lines.map((line) => cut(line, columns)),
      'plain',
    )
    this.#screen.payload('daemon', 'gateway', printJson(body, columns), 'json')
    const { name } = (answer ?? {}) as { name?: unknown }
    const said =
      answer === undefined ? '' : typeof name === 'string' ? name.replace(/^.*\//, '…/') : reasonOf(answer)
    this.#screen.arrow('gateway', 'daemon', `${status} ${said}`.trim())
  }
}

function cut(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`
}

function ends(direction: 'in' | 'out'): [from: Party, to: Party] {
  return direction === 'in' ? ['daemon', 'server'] : ['server', 'daemon']
}

/** What a stanza is about in two or three words. */
function labelOf(stanza: SandboxElement): string {
  const error = errorOf(stanza)
  if (error !== undefined) return `error ${error.type}`
  const type = stanza.attr('type') ?? ''
  const payload = stanza.firstChild()
  if (type === 'result' || payload === undefined) return type === '' ? stanza.name : type
  const about = payload.name === 'pubsub' ? payload.firstChild()?.name : payload.name
  return `${stanza.name} ${type} ${about ?? ''}`.trim()
}

function reasonOf(body: unknown): string {
  const { reason } = (body ?? {}) as { reason?: unknown }
  return typeof reason === 'string' ? reason : JSON.stringify(body ?? null)
}
