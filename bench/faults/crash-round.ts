/**
 * One round of the crash run: the daemon under load, killed at random instants (while it starts, too) and started
 * again at once, with a gateway whose weather changes at random; then the accounts.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { HttpSource } from './http-source.ts'
import type { Counts } from './ledger.ts'
import { between, pick, seeded } from './random.ts'
import { Rig } from './rig.ts'
import { weathers } from './weather.ts'

export interface CrashRoundOptions {
  readonly seed: number
  readonly kills: number
  /** Publishes per second over XMPP; a sixth as many come over HTTP, half of them as events. */
  readonly rate: number
  /** The longest that the daemon lives between two kills. */
  readonly longestLifeMs: number
  readonly durability?: 'acknowledged' | 'always' | undefined
}

export interface CrashRound {
  readonly seed: number
  readonly kills: number
  /** Of these, before the daemon had a stream up. */
  readonly killsDuringStart: number
  readonly seconds: number
  readonly counts: Counts
  /** Of its results. */
  readonly acknowledgedOverHttp: number
  readonly notAccepted: number
  readonly weathers: Readonly<Record<string, number>>
  readonly faults: readonly string[]
}

const [firstWeather, ...otherWeathers] = Object.keys(weathers)

export async function crashRound(options: CrashRoundOptions): Promise<CrashRound> {
  const { seed, kills, rate, longestLifeMs, durability } = options
  const startedMs = performance.now()
  const rig = await Rig.prepare({
    seed,
    gateway: { goneShare: 0.01 },
    config: durability === undefined ? {} : { queue: { durability } },
  })
  try {
    const { source, daemon } = rig
    // Each draws from its own: which of them comes first is for the machine to say.
    const random = seeded(seed + 1)
    daemon.start()
    const http = new HttpSource(daemon, source.domain, rig.ledger, seeded(seed + 3))
    await daemon.ready()
    await http.subscribe()
    source.start({ rate, sharedShare: 0.1 })
    http.start(rate / 6)
    const seen: Record<string, number> = {}
    let killsDuringStart = 0
    let isOver = false
    const weatherChanges = changeWeather(rig, seeded(seed + 2), seen, () => isOver)
    for (let killed = 0; killed < kills; killed++) {
      // One in five while it starts; that is over in about a second.
      const opened = source.opened
      await delay(random() < 0.2 ? between(0, 800, random) : between(500, longestLifeMs, random))
      if (source.opened === opened) killsDuringStart++
      await rig.crash()
    }
    isOver = true
    await weatherChanges
    await http.stop()
    const { counts, faults } = await rig.settle()
    return {
      seed,
      kills,
      killsDuringStart,
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
      counts,
      acknowledgedOverHttp: http.acknowledged,
      notAccepted: source.notAccepted,
      weathers: seen,
      faults,
    }
  } finally {
    await rig[Symbol.asyncDispose]()
  }
}

/** Another weather every now and then, every third one a fine one, so that something gets through. */
async function changeWeather(
  { gateway }: Rig,
  random: () => number,
  seen: Record<string, number>,
  isOver: () => boolean,
): Promise<void> {
  for (let turn = 0; !isOver(); turn++) {
    const name = turn % 3 === 2 ? 'fine' : pick([firstWeather ?? 'fine', ...otherWeathers], random)
    const weather = weathers[name]
    if (weather === undefined) continue
    seen[name] = (seen[name] ?? 0) + 1
    await gateway.weather(weather)
    await delay(between(300, 3_000, random))
  }
}
