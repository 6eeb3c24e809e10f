/**
 * `xmpp-pushd demo`: the whole way of a push on one machine, with the real daemon as a process of its own
 * between the two sandboxes. It is what a newcomer sees first, and it checks what it shows.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { demoActs, fcmAct, keepPushing } from './demo-acts.ts'
import { startMongoosePush, startProviders } from './demo-gateway.ts'
import { DemoNarrator } from './demo-narrator.ts'
import { DemoRun } from './demo-run.ts'
import { DemoScreen } from './demo-screen.ts'
import { buildStage, type DemoStage } from './demo-stage.ts'
import { measure, showFigures, showMetrics } from './demo-summary.ts'
import { paintFor } from './paint.ts'

export interface DemoOptions {
  /** Goes on after the summary, with a push every two seconds, until Ctrl-C. */
  readonly keep: boolean
  /** Without MongoosePush: the daemon talks to APNs and FCM itself. */
  readonly gateway: boolean
  /** Default: if `out` is a terminal and NO_COLOR is not set. */
  readonly color?: boolean | undefined
  /** Default: standard output. */
  readonly out?: NodeJS.WritableStream | undefined
}

/** A reader's breath between acts; none where nobody reads along. */
const breathMs = 250
const keepIntervalMs = 2_000
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const shownLogLines = 20

/** Plays the demo; the exit code: 0 when all was as it should be, 130 when it was interrupted, else 1. */
export async function runDemo({ keep, gateway, out = process.stdout, color }: DemoOptions): Promise<number> {
  const isTerminal = 'isTTY' in out && out.isTTY === true
  const paint = paintFor(color ?? (isTerminal && !process.env.NO_COLOR))
  const screen = new DemoScreen(out, paint, () => performance.now(), gateway ? 'APNs, FCM' : 'MongoosePush')
  const narrator = new DemoNarrator(screen)
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const signal of signals) process.on(signal, interrupt)
  let stage: DemoStage | undefined
  try {
    const startGateway = (folder: string) =>
      gateway ? startProviders(folder, narrator) : startMongoosePush(narrator)
    stage = await buildStage(startGateway, {
      onStanza: (stanza) => narrator.stanza(stanza),
      onStreamTag: (tag) => narrator.streamTag(tag),
    })
    const run = new DemoRun(stage, screen)
    await Promise.race([play(run, narrator, isTerminal ? breathMs : 0), aborted(interrupted.signal)])
    if (keep) await goOn(run, interrupted.signal)
    await finish(run)
    return run.failures === 0 ? 0 : 1
  } catch (error) {
    if (interrupted.signal.aborted) return 130
    narrator.silent = true
    screen.verdict(false, error instanceof Error ? error.message : String(error))
    for (const line of stage?.daemonLog().split('\n').slice(-shownLogLines) ?? []) screen.line(`     ${line}`)
    return 1
  } finally {
    narrator.silent = true
    await stage?.close()
    for (const signal of signals) process.off(signal, interrupt)
  }
}

async function play(run: DemoRun, narrator: DemoNarrator, pauseMs: number): Promise<void> {
  const { screen, stage } = run
  screen.title('xmpp-pushd demo', 'XMPP push notifications (XEP-0357) in, HTTP requests out')
  screen.line()
  screen.text(
    `All on this machine: an XMPP server end and ${stage.gateway.hasFcm ? 'stand-ins for APNs and FCM (HTTP/2, TLS)' : 'a stand-in for MongoosePush'}, built in, and between them the daemon, a process of its own. This is all its configuration:`,
  )
  screen.line()
  for (const line of stage.configuration.trim().split('\n')) screen.line(`     ${screen.paint(line, 'dim')}`)

  const acts = stage.gateway.hasFcm ? [...demoActs, fcmAct] : demoActs
  for (const { name, narration, foldForms, play } of acts) {
    screen.act(name, narration)
    narrator.foldForms = foldForms
    screen.openDiagram()
    await play(run)
    await delay(pauseMs)
  }
  screen.act(
    'And now many',
    'Three hundred publishes one after another, then 2 000 in one write. Nobody could read that along, so only the figures are shown.',
  )
  narrator.silent = true
  showFigures(run, await measure(run))
  await showMetrics(run)
  narrator.silent = false
}

/** Pushes on until the signal comes. */
async function goOn(run: DemoRun, signal: AbortSignal): Promise<void> {
  const { screen, stage } = run
  screen.act(
    'It goes on',
    `A push every two seconds, until Ctrl-C. Meanwhile look at ${stage.httpUrl}/metrics, /readyz and /healthz.`,
  )
  screen.openDiagram()
  for (let turn = 0; !signal.aborted; turn++) {
    await keepPushing(run, turn)
    await delay(keepIntervalMs, undefined, { signal }).catch(ignoreAbort)
  }
}

/** The daemon's clean end and the way from here. */
async function finish(run: DemoRun): Promise<void> {
  const { screen, stage } = run
  screen.act('It stops', 'SIGTERM: what is under way is finished, the stream is closed, the exit code is 0.')
  screen.openDiagram()
  const exitCode = await stage.stopDaemon()
  run.check(exitCode === 0, `The daemon has ended with exit code ${exitCode}.`)
  screen.line()
  screen.text(
    run.failures === 0 ? 'Where to go next:' : `${run.failures} of what was seen was not as expected.`,
  )
  for (const [command, what] of next) screen.line(`     ${screen.paint(command.padEnd(50), 'bold')}${what}`)
  screen.line()
}

const next: readonly (readonly [command: string, what: string])[] = [
  ['xmpp-pushd demo --keep', 'leave all this running and look around'],
  ['xmpp-pushd demo --gateway', 'the same, straight to APNs and FCM'],
  ['xmpp-pushd config --defaults > xmpp-pushd.toml', 'every setting, its default and its reason'],
  ['xmpp-pushd check --config xmpp-pushd.toml', 'every fault in it at once'],
  ['xmpp-pushd start --config xmpp-pushd.toml', 'the daemon beside your own server'],
  ['README.md', 'set-up beside ejabberd, Prosody, MongooseIM'],
]

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason)
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}
