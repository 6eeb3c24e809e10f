import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DaemonSettings, SinkReport, SourceCommand, SourceReport, SourceRound } from './reports.ts'

/** Which program is measured. */
export const daemons = ['main', 'naive', 'floor'] as const
export type DaemonName = (typeof daemons)[number]

export interface RigOptions {
  readonly streams: number
  readonly workers: number
  readonly httpConnections: number
  readonly gatewayLatencyMs: number
}

/** Source, daemon and sink, each a process, connected and ready for rounds. */
export class Rig implements AsyncDisposable {
  readonly name: DaemonName
  readonly daemon: ChildProcess
  readonly #source: ChildProcess
  readonly #sink: ChildProcess
  readonly #directory: string

  constructor(
    name: DaemonName,
    parts: { daemon: ChildProcess; source: ChildProcess; sink: ChildProcess },
    directory: string,
  ) {
    this.name = name
    this.daemon = parts.daemon
    this.#source = parts.source
    this.#sink = parts.sink
    this.#directory = directory
  }

  run(command: SourceCommand): Promise<SourceRound> {
    this.#source.send(command)
    return reported<SourceReport, 'round'>(this.#source, 'round')
  }

  count(): Promise<Extract<SinkReport, { kind: 'count' }>> {
    this.#sink.send({})
    return reported<SinkReport, 'count'>(this.#sink, 'count')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.daemon.kill('SIGTERM')
    if (this.daemon.exitCode === null && this.daemon.signalCode === null) await once(this.daemon, 'exit')
    for (const peer of [this.#source, this.#sink]) peer.disconnect()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

export async function startRig(name: DaemonName, options: RigOptions): Promise<Rig> {
  const domain = 'push.example.com'
  const source = peer('./xmpp-source.ts', [domain])
  const sink = peer('./gateway-sink.ts', [String(options.gatewayLatencyMs)])
  const [xmpp, gateway] = await Promise.all([
    reported<SourceReport, 'listening'>(source, 'listening'),
    reported<SinkReport, 'listening'>(sink, 'listening'),
  ])
  const settings = { domain, secret: 'bench', xmppPort: xmpp.port, gatewayPort: gateway.port, ...options }
  const directory = mkdtempSync(join(tmpdir(), 'xmpp-pushd-bench-'))
  const daemon = startDaemon(name, settings, directory)
  process.once('exit', () => {
    daemon.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  daemon.once('exit', (code, signal) => {
    if (signal !== 'SIGTERM' && code !== 0) console.error(`${name} ended: ${code ?? signal}`)
  })
  const streams = name === 'floor' ? 1 : options.streams
  for (let up = 0; up < streams; ) up = (await reported<SourceReport, 'streams'>(source, 'streams')).up
  return new Rig(name, { daemon, source, sink }, directory)
}

function startDaemon(name: DaemonName, settings: DaemonSettings, directory: string): ChildProcess {
  if (name !== 'main') return peer(`../baseline/${name}.ts`, [JSON.stringify(settings)])
  const config = join(directory, 'bench.toml')
  writeFileSync(config, configuration(settings, directory))
  return peer('../../src/main/cli.ts', ['start', '--config', config])
}

function configuration(settings: DaemonSettings, directory: string): string {
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
pubsub = false
[push]
wpool.workers = ${settings.workers}
virtual_pubsub_hosts = ["${settings.domain}"]
[mongoosepush]
url = "http://127.0.0.1:${settings.gatewayPort}"
max_http_connections = ${settings.httpConnections}
`
}

function peer(file: string, args: string[]): ChildProcess {
  return fork(new URL(file, import.meta.url), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
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
