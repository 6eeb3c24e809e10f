import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { freePort } from '../../test/support/free-port.ts'
import { unitEnvironment } from '../unit-environment.ts'
import type { HttpKind } from './http-source.ts'
import { certificate as providerCertificate, providerTables } from './provider-tables.ts'
import type {
  DaemonSettings,
  SinkReport,
  SourceCommand,
  SourceReport,
  SourceRound,
  TakenByGateway,
} from './reports.ts'
import { sourceKinds } from './stanza-template.ts'
import type { Subject } from './subject.ts'

const domain = 'push.example.com'
const server = 'example.com'

/** A source of events over XMPP hears of what has come to the gateway this often: no answers tell it. */
const tellMs = 5

/** The processes of one. */
interface Parts {
  readonly daemon: ChildProcess
  /** The server end of the streams; it sends when the source is XMPP. */
  readonly xmpp: ChildProcess
  /** What sends. */
  readonly source: ChildProcess
  readonly sink: ChildProcess
}

/** Source, daemon and sink, each a process, connected and ready for rounds. */
export class Rig implements AsyncDisposable {
  readonly subject: Subject
  readonly daemon: ChildProcess
  readonly #parts: Parts
  readonly #leftOver: LeftOver

  constructor(subject: Subject, parts: Parts, leftOver: LeftOver) {
    this.subject = subject
    this.daemon = parts.daemon
    this.#parts = parts
    this.#leftOver = leftOver
  }

  async run(command: SourceCommand): Promise<SourceRound> {
    const { source } = this.#parts
    source.send(command)
    const round = reported<SourceReport, 'round'>(source, 'round')
    if (this.subject.setUp.source === 'event') await this.#tellTaken(round)
    return round
  }

  /** All the while until `round` is over: one question at a time, so that each answer is to the last. */
  async #tellTaken(round: Promise<unknown>): Promise<void> {
    const over = round.then(() => true)
    do {
      const { requests } = await this.count()
      const message: TakenByGateway = { taken: requests }
      this.#parts.source.send(message)
    } while (!(await Promise.race([over, sleep(tellMs, false)])))
  }

  count(): Promise<Extract<SinkReport, { kind: 'count' }>> {
    this.#parts.sink.send({})
    return reported<SinkReport, 'count'>(this.#parts.sink, 'count')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { daemon, source, xmpp, sink } = this.#parts
    daemon.kill('SIGTERM')
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit')
    for (const peer of new Set([source, xmpp, sink])) peer.disconnect()
    remove(this.#leftOver)
    leftOvers.delete(this.#leftOver)
  }
}

/** What a rig would leave behind. */
interface LeftOver {
  readonly directory: string
  daemon: ChildProcess | undefined
}

/** Of the rigs that are not disposed of: an interrupted run removes it on its way out. */
const leftOvers = new Set<LeftOver>()
process.once('exit', () => leftOvers.forEach(remove))

function remove({ directory, daemon }: LeftOver): void {
  daemon?.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}

/** Fills a store in the format of the subject's own version. */
async function fillStoreOf({ cli, setUp }: Subject, dataDir: string): Promise<void> {
  const file = new URL('../../bench/load/fill-store.ts', pathToFileURL(cli))
  const { fillStore }: typeof import('./fill-store.ts') = await import(file.href)
  await fillStore(dataDir, setUp.stored, domain, server)
}

export async function startRig(subject: Subject): Promise<Rig> {
  const { setUp } = subject
  const directory = mkdtempSync(join(tmpdir(), 'xmpp-pushd-bench-'))
  const leftOver: LeftOver = { directory, daemon: undefined }
  leftOvers.add(leftOver)
  if (subject.program === 'daemon') await fillStoreOf(subject, join(directory, 'data'))

  const kind = sourceKinds.find((known) => known === setUp.source) ?? 'virtual'
  const service = setUp.push === 'apns' ? 'apns' : 'fcm'
  const xmpp = peer('./xmpp-source.ts', { domain, kind, service, size: setUp.stanzaBytes })
  const isDirect = setUp.gateway === 'direct'
  const tls = isDirect ? providerCertificate : setUp.tls ? certificate() : undefined
  const sinkFile = isDirect ? './provider-sink.ts' : './gateway-sink.ts'
  const sink = peer(sinkFile, { latencyMs: setUp.gatewayLatencyMs, tls })
  const [{ port: xmppPort }, { port: gatewayPort, tokenPort = 0 }] = await Promise.all([
    reported<SourceReport, 'listening'>(xmpp, 'listening'),
    reported<SinkReport, 'listening'>(sink, 'listening'),
  ])
  const { streams, workers, httpConnections } = setUp
  const settings = { domain, secret: 'bench', xmppPort, gatewayPort, streams, workers, httpConnections }
  const servedPort = isServed(subject) ? await freePort() : undefined
  const gateway = isDirect ? providerTables(directory, { port: gatewayPort, tokenPort, servedPort }) : ''
  const daemon = startDaemon(subject, settings, directory, gateway)
  leftOver.daemon = daemon
  daemon.once('exit', (code, signal) => {
    if (signal === 'SIGTERM' || code === 0) return
    console.error(`${subject.name} ended: ${code ?? signal}`)
    process.exit(1)
  })
  const streamsUp = subject.program === 'floor' ? 1 : streams
  for (let up = 0; up < streamsUp; ) up = (await reported<SourceReport, 'streams'>(xmpp, 'streams')).up
  if (servedPort !== undefined) await works(servedPort)
  const source = sourceOf(subject, xmpp, directory, servedPort)
  return new Rig(subject, { daemon, xmpp, source, sink }, leftOver)
}

function sourceOf(
  { setUp: { source, push } }: Subject,
  xmpp: ChildProcess,
  directory: string,
  servedPort: number | undefined,
): ChildProcess {
  if (servedPort !== undefined) return peer('./served-source.ts', { client: source, push, port: servedPort })
  const kind = httpKinds[source]
  if (kind === undefined) return xmpp
  return peer('./http-source.ts', { kind, socketPath: join(directory, 'http.sock'), domain })
}

const httpKinds: Readonly<Record<string, HttpKind>> = {
  'http-publish': 'publish',
  'http-event': 'event',
  'http-events': 'events',
}

function isServed({ setUp: { source } }: Subject): boolean {
  return source === 'autocannon' || source === 'h2load-http1' || source === 'h2load-http2'
}

/** Resolves once the served API says that all of its pools work. */
async function works(servedPort: number): Promise<void> {
  const isPass = () =>
    new Promise<boolean>((resolve) => {
      const asked = request(
        { host: '127.0.0.1', port: servedPort, path: '/healthcheck', rejectUnauthorized: false },
        (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk
          })
          response.on('end', () => resolve(body.includes('"pass","version"')))
        },
      )
      asked.on('error', () => resolve(false)).end()
    })
  while (!(await isPass())) await sleep(50)
}

function certificate(): { cert: string; key: string } {
  return {
    cert: readFileSync(tlsFile('server.pem'), 'utf8'),
    key: readFileSync(tlsFile('server.key.pem'), 'utf8'),
  }
}

function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../../test/fixtures/tls/${name}`, import.meta.url))
}

function startDaemon(
  subject: Subject,
  settings: DaemonSettings,
  directory: string,
  gateway: string,
): ChildProcess {
  if (subject.program !== 'daemon') return peer(`../baseline/${subject.program}.ts`, settings)
  const config = join(directory, 'bench.toml')
  writeFileSync(config, configuration(subject, settings, directory) + gateway)
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  const unit = unitEnvironment(join(directory, 'cache'), pathToFileURL(subject.cli))
  const env = { ...process.env, ...unit }
  return fork(subject.cli, ['start', '--config', config], { stdio: [...stdio], env })
}

function configuration({ setUp }: Subject, settings: DaemonSettings, directory: string): string {
  const isNode = setUp.source === 'node'
  return `
data_dir = "${join(directory, 'data')}"
[log]
level = "warn"
[http]
listen = "unix:${join(directory, 'http.sock')}"
[[component]]
domain = "${settings.domain}"
server = "127.0.0.1:${settings.xmppPort}"
secret = "${settings.secret}"
connections = ${settings.streams}
pubsub = ${isNode}
[push]
wpool.workers = ${settings.workers}
virtual_pubsub_hosts = [${isNode ? '' : `"${settings.domain}"`}]
served_hosts = ["${server}"]
${setUp.gateway === 'direct' ? 'gateway = "direct"' : mongoosePushTable(setUp, settings)}
[queue]
durability = "${setUp.durability}"
`
}

function mongoosePushTable({ tls }: Subject['setUp'], settings: DaemonSettings): string {
  return `
[mongoosepush]
url = "${tls ? 'https' : 'http'}://127.0.0.1:${settings.gatewayPort}"
max_http_connections = ${settings.httpConnections}
${tls ? `tls.ca_file = "${tlsFile('ca.pem')}"` : ''}`
}

function peer(file: string, settings: object): ChildProcess {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const
  return fork(new URL(file, import.meta.url), [JSON.stringify(settings)], { stdio: [...stdio] })
}

/** The next report of this kind; rejects when the process ends before. */
function reported<R extends { kind: string }, K extends R['kind']>(
  from: ChildProcess,
  kind: K,
): Promise<Extract<R, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a part of the bench ended with ${code}`))
    const listen = (message: unknown) => {
      const report = message as R
      if (report.kind !== kind) return
      from.off('message', listen)
      from.off('exit', ended)
      resolve(report as Extract<R, { kind: K }>)
    }
    from.on('message', listen)
    from.on('exit', ended)
  })
}
