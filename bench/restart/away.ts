/**
 * What it costs the users of an XMPP server that the daemon is away: 200 of them with push, 100 messages a second to them
 * all the while, and in each round the daemon or the server is restarted.
 *
 * node bench/restart/away.ts [--server ejabberd|Prosody|MongooseIM] [--case NAME] [--rounds N] [--name NAME]
 *
 * ejabberd and Prosody are real, MongooseIM is scripted. Writes bench/results/away.json: of each server and case that was
 * run; the others stay as they were. The daemon's environment is that of the unit in systemd/, and XMPP_PUSHD_CLI names the
 * `cli` of another build, as for gap.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { componentDefaults } from '../../src/main/xmpp/component-options.ts'
import { configFor } from '../../test/integration/set-up.ts'
import { type Daemon, startDaemon } from '../../test/support/daemon.ts'
import { unitEnvironment } from '../unit-environment.ts'
import type { AwayFigures } from './away-figures.ts'
import { chatServers } from './chat-server.ts'
import { figuresOf, measureRounds, type Rig, type Round, startRig, writeFigures } from './rounds.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    case: { type: 'string' },
    rounds: { type: 'string', default: '50' },
    name: { type: 'string', default: 'away' },
  },
})

/** Of the unit in systemd/. */
const restartSecMs = 100
/** After so long the daemon takes a stream for one that lasts. */
const lastedMs = componentDefaults.reconnectCapMs

interface Subjects extends Rig {
  readonly daemon: Daemon
}

/**
 * What happens in a round. Resolves when the daemon is ready again: to the milliseconds from the beginning of the restart, or from
 * the server's listening, to then.
 */
const cases: Readonly<Record<string, (at: Subjects) => Promise<number>>> = {
  'planned restart': async ({ daemon }) => {
    const startedMs = performance.now()
    const { code, output } = await daemon.restart()
    if (code !== 0) throw new Error(output)
    return performance.now() - startedMs
  },
  'stop and start': async ({ daemon }) => {
    const startedMs = performance.now()
    await daemon.stop()
    await daemon.start()
    return performance.now() - startedMs
  },
  'kill -9': async ({ daemon }) => {
    const startedMs = performance.now()
    await daemon.stop('SIGKILL')
    await delay(restartSecMs)
    await daemon.start()
    return performance.now() - startedMs
  },
  'server restart': async ({ daemon, server, relay }) => {
    // A stream that is lost soon after it came up is not opened again at once.
    await delay(lastedMs)
    // As a server that is down does; it would accept and close them.
    relay.refuseConnections()
    const listening = server.restart().then(async () => {
      await relay.acceptConnections()
      return performance.now()
    })
    const lostMs = await untilReadyIs(daemon, false)
    const [listensMs, readyMs] = [await listening, await untilReadyIs(daemon, true)]
    if (readyMs < lostMs) throw new Error('it was ready before the server had gone')
    return Math.max(0, readyMs - listensMs)
  },
}

const results: AwayFigures[] = []
for (const [serverName, startServer] of Object.entries(chatServers)) {
  if (values.server !== undefined && values.server !== serverName) continue
  for (const [caseName, restart] of Object.entries(cases)) {
    if (values.case !== undefined && values.case !== caseName) continue
    const rig = await startRig(startServer)
    const figures = figuresOf(serverName, caseName, await measure(rig, restart))
    await rig.close()
    results.push(figures)
    console.log(JSON.stringify(figures))
    writeFigures(values.name, results)
  }
}
process.exit(0)

async function measure(rig: Rig, restart: (at: Subjects) => Promise<number>): Promise<readonly Round[]> {
  const { server, relay, gateway } = rig
  const cache = mkdtempSync(join(tmpdir(), 'xmpp-pushd-cache-'))
  const config = { ...configFor(relay.port, gateway.url, server.changes), drain_timeout_ms: 10_000 }
  const daemon = await startDaemon(config, 'ready', unitEnvironment(cache))
  const measured = await measureRounds(rig, Number(values.rounds), () => restart({ ...rig, daemon }))
  await daemon[Symbol.asyncDispose]()
  rmSync(cache, { recursive: true, force: true })
  return measured
}

/** Resolves to when /readyz says so, or says no more. */
async function untilReadyIs(daemon: Daemon, wanted: boolean): Promise<number> {
  for (;;) {
    const response = await fetch(`${daemon.url}/readyz`)
    if (response.ok === wanted) return performance.now()
    await delay(5)
  }
}
