import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from './child.ts'
import { until } from './until.ts'

/** What differs between the servers that {@link XmppServer} runs. */
export interface ServerKind {
  readonly name: string
  /** Debian's user for it: it will not run as root. */
  readonly user: string
  readonly command: string
  args(dir: string): string[]
  readonly logFile: string
  readonly pidFile: string
}

/** They begin by making a database: on a disk that somebody else keeps busy that takes long. */
const startTimeoutMs = 45_000
const stopTimeoutMs = 10_000

/** A real XMPP server, for `example.com` unless another domain is named, on loopback, with a folder of its own. Made by ejabberd.ts, prosody.ts. */
export class XmppServer implements AsyncDisposable {
  readonly domain: string
  readonly kind: ServerKind
  readonly dir: string
  readonly clientPort: number
  readonly componentPort: number
  #child: Child | undefined

  constructor(
    kind: ServerKind,
    dir: string,
    clientPort: number,
    componentPort: number,
    domain = 'example.com',
  ) {
    this.domain = domain
    this.kind = kind
    this.dir = dir
    this.clientPort = clientPort
    this.componentPort = componentPort
  }

  /** Resolves once clients and components can connect. Again after `stop`: with the same accounts and data. */
  async start(): Promise<void> {
    const { command, args, user } = this.kind
    // HOME: where Erlang keeps the cookie that nodes know each other by.
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, HOME: this.dir }
    const child = new Child(command, args(this.dir), { cwd: this.dir, env, ...idsOf(user) })
    this.#child = child
    process.once('exit', this.#kill)
    const listens = async () => {
      if (child.hasExited) throw new Error(`${this.kind.name} ended`)
      return (await accepts(this.clientPort)) && (await accepts(this.componentPort))
    }
    await until(`${this.kind.name} listens`, listens, startTimeoutMs).catch(async (cause) => {
      await this.stop()
      throw new Error(`${this.kind.name} does not start:\n${child.output}\n${this.log}`, { cause })
    })
  }

  /** Resolves once its process is gone: it keeps its ports until then. Stop its clients first. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    this.#signal('SIGTERM')
    const forced = setTimeout(this.#kill, stopTimeoutMs)
    await child.exited
    clearTimeout(forced)
    process.off('exit', this.#kill)
  }

  get log(): string {
    const file = join(this.dir, this.kind.logFile)
    return existsSync(file) ? readFileSync(file, 'utf8') : ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** Not to the child: what we started may be a shell script around the server. */
  #signal(signal: NodeJS.Signals): void {
    const file = join(this.dir, this.kind.pidFile)
    if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), signal)
  }

  readonly #kill = (): void => this.#signal('SIGKILL')
}

/** A folder that the server's user may write to. */
export function folderFor(user: string): string {
  const dir = mkdtempSync(join(tmpdir(), `pushd-${user}-`))
  const { uid, gid } = idsOf(user)
  chownSync(dir, uid, gid)
  return dir
}

/** Fills in a template: `@NAME@` becomes `values.NAME`. A name without a value is a mistake in the test. */
export function writeConfig(file: string, template: string, values: Readonly<Record<string, string>>): void {
  const text = template.replaceAll(/@([A-Z_]+)@/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${file}: nothing is given for @${name}@`)
    return value
  })
  writeFileSync(file, text)
}

function idsOf(user: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`))
  if (line === undefined) throw new Error(`no user ${user} on this machine`)
  const [, , uid, gid] = line.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

/** A self-signed certificate for 127.0.0.1 and localhost, and its key, in one PEM file. */
export function writeCertificate(file: string): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2']
  const made = spawnSync('openssl', ['req', '-x509', ...key, ...subject, '-keyout', '-', '-out', '-'])
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`)
  writeFileSync(file, made.stdout)
}
