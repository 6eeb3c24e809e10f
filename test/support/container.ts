import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Child } from './child.ts'
import { until } from './until.ts'

const release = 'bookworm'
/** What a Debian server has and debootstrap's smallest one has not. */
const packages = ['systemd', 'systemd-sysv', 'dbus', 'ca-certificates']

export interface Ran {
  readonly code: number | null
  /** Standard output and error, as they came. */
  readonly output: string
}

export interface ContainerOptions {
  /** `own`: a network that has loopback only, the default. `shared`: that of this side, so each reaches the other's loopback. */
  readonly network?: 'own' | 'shared'
}

/**
 * A Debian with a systemd of its own, booted in a folder. It is a copy of one that is fetched the first time, and kept in the
 * user's cache.
 */
export class Container implements AsyncDisposable {
  readonly root: string
  readonly #machine: Child
  #leader = 0

  static async boot({ network = 'own' }: ContainerOptions = {}): Promise<Container> {
    const template = await fetchedDebian()
    // Not below the system's temporary folder: that may be in memory.
    const root = mkdtempSync(join(dirname(template), `running-${process.pid}-`))
    run('cp', ['--archive', '--reflink=auto', `${template}/.`, root])
    const container = new Container(root, network)
    try {
      await container.#booted()
      return container
    } catch (error) {
      await container[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(root: string, network: 'own' | 'shared') {
    this.root = root
    // Without systemd-machined and a unit on this side: neither need be there.
    const standalone = ['--register=no', '--keep-unit', '--quiet']
    if (network === 'own') standalone.push('--private-network')
    const name = `pushd-test-${process.pid}`
    process.once('exit', this.#remove)
    const boot = ['systemd-nspawn', '-D', root, '--boot', '-M', name, ...standalone]
    // It is shut down with this process, however that ends.
    this.#machine = new Child('setpriv', ['--pdeathsig', 'TERM', ...boot])
  }

  /** Runs a program in the container, as root; resolves when it has ended, whatever its exit code. */
  async run(command: string, ...args: string[]): Promise<Ran> {
    const child = new Child('nsenter', [...this.#inside, command, ...args])
    const { code } = await child.exited
    return { code, output: child.output }
  }

  /** The same, and it must succeed; what it said, without the last line's end. */
  async output(command: string, ...args: string[]): Promise<string> {
    const { code, output } = await this.run(command, ...args)
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit code ${code}\n${output}`)
    return output.trimEnd()
  }

  /** One property of a unit, as `systemctl show` has it. */
  property(unit: string, name: string): Promise<string> {
    return this.output('systemctl', 'show', '--value', '-p', name, unit)
  }

  /** What a unit has written. */
  journal(unit: string): Promise<string> {
    return this.output('journalctl', '--quiet', '-o', 'cat', '-u', unit)
  }

  exists(path: string): boolean {
    return existsSync(join(this.root, path))
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8')
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), text)
  }

  append(path: string, text: string): void {
    appendFileSync(join(this.root, path), text)
  }

  copyIn(file: string, path: string): void {
    cpSync(file, join(this.root, path))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // An orderly shutdown, as of a machine.
    if (!this.#machine.hasExited) this.#machine.kill('SIGTERM')
    const forced = setTimeout(() => this.#machine.kill('SIGKILL'), 15_000)
    await this.#machine.exited
    clearTimeout(forced)
    process.off('exit', this.#remove)
    this.#remove()
  }

  readonly #remove = (): void => rmSync(this.root, { recursive: true, force: true })

  get #inside(): string[] {
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root']
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    return ['--target', String(this.#leader), ...namespaces, '--', 'env', '-i', '--chdir=/', path]
  }

  async #booted(): Promise<void> {
    const children = `/proc/${this.#machine.pid}/task/${this.#machine.pid}/children`
    await until(
      'the container to boot',
      async () => {
        if (this.#machine.hasExited) throw new Error(`systemd-nspawn ended:\n${this.#machine.output}`)
        this.#leader = Number(readFileSync(children, 'utf8').trim().split(' ')[0])
        if (this.#leader === 0) return false
        const { output } = await this.run('systemctl', 'is-system-running', '--wait')
        return /^(running|degraded)$/m.test(output)
      },
      60_000,
    )
  }
}

/** Where a fresh Debian lies; fetched when it is not there yet. */
async function fetchedDebian(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'xmpp-pushd-test')
  mkdirSync(cache, { recursive: true })
  removeLeftOvers(cache)
  const place = join(cache, [release, ...packages].join('+'))
  if (existsSync(place)) return place

  // Made beside its place and then moved there: what is in place is whole.
  const fetched = mkdtempSync(join(cache, 'fetched-'))
  const fetching = new Child('debootstrap', [
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    release,
    fetched,
  ])
  const { code } = await fetching.exited
  if (code !== 0) {
    rmSync(fetched, { recursive: true, force: true })
    throw new Error(`debootstrap: exit code ${code}\n${fetching.output}`)
  }
  // It becomes the container's root folder, and others than root work there.
  chmodSync(fetched, 0o755)
  renameSync(fetched, place)
  return place
}

/** Of test processes that were killed. */
function removeLeftOvers(cache: string): void {
  for (const name of readdirSync(cache)) {
    const [, pid] = /^running-(\d+)-/.exec(name) ?? []
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    rmSync(join(cache, name), { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`, { cause: error })
}
