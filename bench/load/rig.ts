import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { unitEnvironment } from '../unit-environment.ts'
import { fillStore } from './fill-store.ts'
import type { DaemonSettings, SinkReport, SourceCommand, SourceReport, SourceRound } from './reports.ts'
import type { Subject } from './subject.ts'

const domain = 'push.example.com'
const server = 'example.com'

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
  readonly #directory: string

  constructor(subject: Subject, parts: Parts, directory: string) {
    this.subject = subject
    this.daemon = parts.daemon
    this.#parts = parts
    this.#directory = directory
  }

  run(command: SourceCommand): Promise<SourceRound> {
    this.#parts.source.send(command)
    return reported<SourceReport, 'round'>(this.#parts.source, 'round')
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
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

export async function startRig(subject: Subject): Promise<Rig> {
  const { setUp } = subject
  const directory = mkdtempSync(join(tmpdir(), 'xmpp-pushd-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  if (subject.program === 'daemon') await fillStore(join(directory, 'data'), setUp.stored, domain, server)

  const kind = setUp.source === 'http-publish' || setUp.source === 'http-event' ? 'virtual' : setUp.source
  const xmpp = peer('./xmpp-source.ts', { domain, kind, size: setUp.stanzaBytes })
  const tls = setUp.tls ? certificate() : undefined
  const sink = peer('./gateway-sink.ts', { latencyMs: setUp.gatewayLatencyMs, tls })
  const [{ port: xmppPort }, { port: gatewayPort }] = await Promise.all([
    reported<SourceReport, 'listening'>(xmpp, 'listening'),
    reported<SinkReport, 'listening'>(sink, 'listening'),
  ])
  const { streams, workers, httpConnections } = setUp
  const settings = { domain, secret: 'bench', xmppPort, gatewayPort, streams, workers, httpConnections }
  const daemon = startDaemon(subject, settings, directory)
  process.once('exit', () => daemon.kill('SIGKILL'))
  daemon.once('exit', (code, signal) => {
    if (signal !== 'SIGTERM' && code !== 0) console.error(`${subject.name} ended: ${code ?? signal}`)
  })
  const streamsUp = subject.program === 'floor' ? 1 : streams
  for (let up = 0; up < streamsUp; ) up = (await reported<SourceReport, 'streams'>(xmpp, 'streams')).up
  return new Rig(subject, { daemon, xmpp, source: sourceOf(subject, xmpp, directory), sink }, directory)
}

function sourceOf({ setUp: { source } }: Subject, xmpp: ChildProcess, directory: string): ChildProcess {
  if (source !== 'http-publish' && source !== 'http-event') return xmpp
  const kind = source === 'http-publish' ? 'publish' : 'event'
  return peer('./http-source.ts', { kind, socketPath: join(directory, 'http.sock'), domain })
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

function startDaemon(subject: Subject, settings: DaemonSettings, directory: string): ChildProcess {
  if (subject.program !== 'daemon') return peer(`../baseline/${subject.program}.ts`, settings)
  const config = join(directory, 'bench.toml')
  writeFileSync(config, configuration(subject, settings, directory))
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
[mongoosepush]
url = "${setUp.tls ? 'https' : 'http'}://127.0.0.1:${settings.gatewayPort}"
max_http_connections = ${settings.httpConnections}
${setUp.tls ? `tls.ca_file = "${tlsFile('ca.pem')}"` : ''}
[queue]
durability = "${setUp.durability}"
`
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
