/**
 * What restarts under systemd cost the users of an XMPP server: as away.ts, with the Debian package installed on a Debian that
 * is booted in a folder.
 *
 * node bench/restart/systemd.ts [--server ejabberd|Prosody|MongooseIM] [--case NAME] [--rounds N] [--name NAME]
 *
 * Needs root, systemd-nspawn, debootstrap and dpkg-deb. Writes bench/results/systemd.json, as away.ts does its own. The duration
 * is the gap that the XMPP server sees: from the first connection closed until it has accepted the handshakes of as many streams as
 * before; without one that is closed there is none.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stringify } from 'smol-toml'
import { configFor } from '../../test/integration/set-up.ts'
import { Container } from '../../test/support/container.ts'
import type { DaemonConfig } from '../../test/support/daemon.ts'
import { buildPackage, laterPackage } from '../../test/support/debian-package.ts'
import { freePort } from '../../test/support/free-port.ts'
import type { Relay } from '../../test/support/relay.ts'
import { until } from '../../test/support/until.ts'
import type { AwayFigures } from './away-figures.ts'
import { chatServers } from './chat-server.ts'
import { figuresOf, measureRounds, type Rig, startRig, writeFigures } from './rounds.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    case: { type: 'string' },
    rounds: { type: 'string', default: '10' },
    name: { type: 'string', default: 'systemd' },
  },
})

const rounds = Number(values.rounds)
const unit = 'xmpp-pushd.service'
const configFile = '/etc/xmpp-pushd/config.toml'
/** A stream that is closed or up is seen so soon. */
const lookEveryMs = 2
const patienceMs = 60_000

/** The service in its container. */
interface Installed {
  readonly container: Container
  readonly config: DaemonConfig
}

/** The command that restarts it. `round`: the first is 0. */
type Restart = (installed: Installed, round: number) => Promise<unknown>

const upgrade = 'upgrade of the package'
const cases: Readonly<Record<string, Restart>> = {
  'kill -9': ({ container }) =>
    container.output('systemctl', 'kill', '--kill-who=main', '--signal=KILL', unit),
  'systemctl restart': ({ container }) => container.output('systemctl', 'restart', unit),
  'systemctl reload': ({ container, config }, round) => {
    const queue = { max_pending: 5_000 + (round % 2) }
    container.write(configFile, stringify({ ...config, queue }))
    return container.output('systemctl', 'reload', unit)
  },
  [upgrade]: ({ container }, round) =>
    container.output('dpkg', '--force-confdef', '--force-confold', '--install', laterDeb(round)),
}

const debs = mkdtempSync(join(tmpdir(), 'pushd-debs-'))
const deb = await buildPackage(debs)
const results: AwayFigures[] = []
for (const [serverName, startServer] of Object.entries(chatServers)) {
  if (values.server !== undefined && values.server !== serverName) continue
  const rig = await startRig(startServer)
  const container = await Container.boot({ network: 'shared' })
  const installed = await install(container, rig)
  for (const [caseName, restart] of Object.entries(cases)) {
    if (values.case !== undefined && values.case !== caseName) continue
    for (let later = 0; caseName === upgrade && later <= rounds; later++) {
      laterPackage(deb, join(container.root, laterDeb(later)), `99.0.${later}`)
    }
    let round = 0
    const measured = await measureRounds(rig, rounds, () =>
      gap(rig.relay, () => replaced(container, () => restart(installed, round++))),
    )
    const figures = figuresOf(serverName, caseName, measured)
    results.push(figures)
    console.log(JSON.stringify(figures))
    writeFigures(values.name, results)
  }
  await container[Symbol.asyncDispose]()
  await rig.close()
}
rmSync(debs, { recursive: true })
process.exit(0)

/** In the container. */
function laterDeb(round: number): string {
  return `/root/later-${round}.deb`
}

/** Resolves when the daemon is ready. */
async function install(container: Container, { server, relay, gateway }: Rig): Promise<Installed> {
  const listen = `127.0.0.1:${await freePort()}`
  const config = { ...configFor(relay.port, gateway.url, server.changes), http: { listen } }
  container.copyIn(deb, 'root/first.deb')
  await container.output('dpkg', '--install', '/root/first.deb')
  container.write(configFile, stringify(config))
  await container.output('systemctl', 'restart', unit)
  const isReady = async () => (await fetch(`http://${listen}/readyz`).catch(() => undefined))?.ok
  await until('the daemon to be ready', isReady, patienceMs)
  return { container, config }
}

/** Resolves when the restart has ended, and a process that runs now is in the place of the main one of before. */
async function replaced(container: Container, restart: () => Promise<unknown>): Promise<void> {
  const mainPid = () => container.property(unit, 'MainPID')
  const before = await mainPid()
  await restart()
  await until(
    'another process',
    async () => {
      const now = await mainPid()
      return now !== before && now !== '0'
    },
    patienceMs,
  )
}

/** What the server sees of a restart, in milliseconds. */
async function gap(relay: Relay, restart: () => Promise<void>): Promise<number> {
  const before = relay.open
  const known = new Set(before)
  let [closedMs, backMs]: (number | undefined)[] = []
  let isOver = false
  const restarting = restart().then(() => {
    isOver = true
  })
  const deadlineMs = performance.now() + patienceMs
  while (!isOver || (closedMs !== undefined && backMs === undefined)) {
    const nowMs = performance.now()
    if (nowMs > deadlineMs) throw new Error(`the streams are not back within ${patienceMs} ms`)
    if (before.some(({ isOpen }) => !isOpen)) closedMs ??= nowMs
    for (const connection of relay.open) {
      if (!known.has(connection) && connection.toClient.includes('<handshake')) known.add(connection)
    }
    const up = relay.open.filter((connection) => known.has(connection)).length
    if (closedMs !== undefined && up >= before.length) backMs ??= nowMs
    await delay(lookEveryMs)
  }
  await restarting
  return closedMs === undefined || backMs === undefined ? 0 : backMs - closedMs
}
