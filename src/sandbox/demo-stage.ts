/**
 * The demo's parties: the sandboxes in this process, the real daemon as a child, a configuration
 * file and a data directory in a temporary folder. Whoever builds it closes it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DemoGateway } from './demo-gateway.ts'
import { startXmppSandbox, type XmppSandbox, type XmppSandboxOptions } from './xmpp-server.ts'

export const demoDomain = 'push.capulet.example'
export const demoServer = 'capulet.example'
const secret = 'parting-is-such-sweet-sorrow'
/** From `src/sandbox/` and, in the published package, from its sister that holds JavaScript. */
const program = fileURLToPath(new URL('../../bin/xmpp-pushd', import.meta.url))
const maxLogCharacters = 64_000
const startTimeoutMs = 15_000
const stopTimeoutMs = 5_000

export interface DemoStage {
  readonly gateway: DemoGateway
  readonly server: XmppSandbox
  /** Where the daemon's own HTTP listens. */
  readonly httpUrl: string
  readonly configuration: string
  /** Starts the daemon; resolves when it has a stream, rejects when it ends before. */
  startDaemon(): Promise<void>
  /** The end of what the daemon has logged so far. */
  daemonLog(): string
  /** Stops the daemon as an operator does; its exit code, null when it had to be killed. */
  stopDaemon(): Promise<number | null>
  close(): Promise<void>
}

export async function buildStage(
  startGateway: (folder: string) => Promise<DemoGateway>,
  watch: Pick<XmppSandboxOptions, 'onStanza' | 'onStreamTag'>,
): Promise<DemoStage> {
  /** What there is to undo, the last first. */
  const undo: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'xmpp-pushd-demo-'))
    undo.push(() => rm(folder, { recursive: true, force: true }))
    const gateway = await startGateway(folder)
    undo.push(() => gateway.close())
    const server = await startXmppSandbox({ domains: { [demoDomain]: secret }, ...watch })
    undo.push(() => server.close())
    const httpPort = await freePort()
    const configuration = configurationFor(folder, server.port, gateway.configuration, httpPort)
    const file = join(folder, 'xmpp-pushd.toml')
    await writeFile(file, configuration, { mode: 0o600 })
    const daemon = new Daemon(file)
    undo.push(() => daemon.stop())
    return {
      gateway,
      server,
      httpUrl: `http://127.0.0.1:${httpPort}`,
      configuration,
      startDaemon: () => daemon.start(server.waitForStreams(demoDomain, 1, startTimeoutMs)),
      daemonLog: () => daemon.log,
      stopDaemon: () => daemon.stop(),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function configurationFor(folder: string, xmppPort: number, gateway: string, httpPort: number): string {
  return `data_dir = ${JSON.stringify(join(folder, 'data'))}

[http]
listen = "127.0.0.1:${httpPort}"

[[component]]
domain = "${demoDomain}"
server = "127.0.0.1:${xmppPort}"
secret = "${secret}"
connections = 1
pubsub = true
publishers = "servers"

${gateway}

[queue]
retry.base_ms = 150
`
}

class Daemon {
  log = ''
  readonly #file: string
  #child: ChildProcess | undefined
  #stopping: Promise<number | null> | undefined

  constructor(file: string) {
    this.#file = file
  }

  async start(ready: Promise<void>): Promise<void> {
    // This process's own Node: it can run the program, since it runs this.
    const child = spawn(process.execPath, [program, 'start', '--config', this.#file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // In a process group of its own: a Ctrl-C in the terminal is for the demo, which then stops the daemon.
      detached: true,
    })
    this.#child = child
    process.once('exit', () => child.kill('SIGKILL'))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.log = (this.log + text).slice(-maxLogCharacters)
      })
    }
    const ended = Promise.race([once(child, 'exit'), once(child, 'error')]).then(([how]) => {
      throw new Error(`the daemon did not start (${how}); its log ends with`)
    })
    // Once it has started, its end is looked for elsewhere.
    ended.catch(() => undefined)
    ready.catch(() => undefined)
    await Promise.race([ready, ended])
  }

  stop(): Promise<number | null> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.pid === undefined) return null
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
    await exit
    clearTimeout(timer)
    return child.exitCode
  }
}

/** A port that is free now; what is bound to it next is the daemon, some milliseconds later. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('a listening socket without a port')
  return address.port
}
