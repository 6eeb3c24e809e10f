import pino from 'pino'
import type { Element } from '../../../src/core/xml/element.ts'
import type { StreamScope } from '../../../src/core/xmpp-servers.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import { ComponentDomain, type ComponentOptions } from '../../../src/main/xmpp/component-domain.ts'
import { componentDefaults } from '../../../src/main/xmpp/component-options.ts'
import type { HandedOverStream } from '../../../src/main/xmpp/component-stream.ts'
import { LossReport } from '../../../src/main/xmpp/loss-report.ts'
import type { StanzaHandler, StanzaSink } from '../../../src/main/xmpp/ports.ts'
import { oneServer } from '../../support/one-server.ts'
import { domain, type ScriptedServer, secret } from './scripted-server.ts'
import { roomy } from './stream-recording.ts'

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly reason?: string
}
export const logLevels = pino.levels.values as { debug: number; info: number; warn: number; error: number }

/** What pino wrote, at every level. */
export class Log {
  readonly lines: LogLine[] = []
  readonly logger = pino({ level: 'trace' }, { write: (line: string) => this.#take(JSON.parse(line)) })
  readonly #waiting: ((line: LogLine) => void)[] = []
  #read = 0

  /** The first line with this message that no earlier call has passed. */
  async until(msg: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines[this.#read] ?? (await this.#next())
      this.#read++
      if (line.msg === msg) return line
    }
  }

  /** How many lines with this message are at this level or above. */
  count(msg: string, level: number): number {
    return this.lines.filter((line) => line.msg === msg && line.level >= level).length
  }

  #next(): Promise<LogLine> {
    const { promise, resolve } = Promise.withResolvers<LogLine>()
    this.#waiting.push(resolve)
    return promise
  }

  #take(line: LogLine): void {
    this.lines.push(line)
    for (const resolve of this.#waiting.splice(0)) resolve(line)
  }
}

/** A domain that is started, and stopped when its block is left. */
export class OpenDomain implements AsyncDisposable {
  readonly log = new Log()
  readonly metrics = new Metrics('0.0.0', [domain])
  readonly stanzas: { id: string | undefined; answerTo: StanzaSink; stanza: Element }[] = []
  readonly domain: ComponentDomain
  readonly #handler: StanzaHandler
  onStanza: () => void = () => {}

  constructor(
    server: ScriptedServer | string,
    options: Partial<ComponentOptions> = {},
    handler: StanzaHandler = () => {},
    scope: StreamScope = oneServer(domain).scopeOf(domain),
    handedOver: ReadonlyMap<number, HandedOverStream> = new Map(),
    isLate = false,
  ) {
    this.domain = new ComponentDomain(
      {
        ...componentDefaults,
        domain,
        server: typeof server === 'string' ? server : `127.0.0.1:${server.port}`,
        serverKind: 'standard',
        secret,
        connections: 1,
        tls: undefined,
        limits: roomy,
        reconnectBaseMs: 2,
        reconnectCapMs: 20,
        standbyMs: 20,
        closeTimeoutMs: 200,
        ...options,
      },
      {
        scope,
        log: this.log.logger,
        metrics: this.metrics,
        losses: new LossReport(this.metrics, this.log.logger, () => performance.now()),
        random: Math.random,
      },
    )
    this.#handler = handler
    if (!isLate) this.handle()
    this.domain.start(handedOver)
  }

  /** Stanzas are handled from now on: called at once, but for a domain that `isLate`. */
  handle(): void {
    this.domain.handleBy((name, stanza, answerTo) => {
      this.stanzas.push({ id: stanza.attr('id'), answerTo, stanza })
      this.onStanza()
      this.#handler(name, stanza, answerTo)
    })
  }

  get ids(): (string | undefined)[] {
    return this.stanzas.map(({ id }) => id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.domain.close()
  }
}

/** Answers every IQ get or set with a result. */
export function answerAll(name: string, stanza: Element, answerTo: StanzaSink): void {
  answerTo.send(result(stanza.attr('id') ?? '', name, stanza.attr('from') ?? ''))
}

export function result(id: string, from = domain, to = 'chat.test'): string {
  return `<iq type='result' id='${id}' from='${from}' to='${to}'/>`
}

/** The value of one child of a metric. */
export function metricValue(
  family: { samples(): { labels: Readonly<Record<string, string>>; value: number }[] },
  ...labelValues: string[]
): number {
  const wanted = labelValues.join()
  return family.samples().find(({ labels }) => Object.values(labels).join() === wanted)?.value ?? 0
}
