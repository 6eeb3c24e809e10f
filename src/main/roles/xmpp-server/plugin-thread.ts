/**
 * A plugin that is not built in, in a worker thread of its own. The thread is `starting`, `up` or `away` (it ended, and is
 * started again after a pause), and in the end `stopped`.
 *
 * The questions of one turn of the event loop go to the thread in one message, up to what the thread may hold; the rest
 * waits here. The defaults decide questions that the thread holds when it ends, and questions that come while it is not up.
 * The thread itself enforces the time limit of each question. A thread that sends nothing for longer is in an endless loop,
 * and is ended.
 */
import { performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import {
  maxWhyLength,
  type PluginQuestion,
  type PluginSource,
  type ToPlugin,
} from '../../../core/plugin-protocol.ts'
import type { Subscription } from '../../store/ports.ts'
import type { MaybePromise, MessageEvent } from './plugin.ts'
import { type Decider, decideByDefault, type PluginDecision, readDecision } from './plugin-decision.ts'
import { weightOf } from './plugin-weight.ts'
import * as defaults from './plugins/defaults.ts'

/** The entry file of the plugin's thread: TypeScript beside this source, JavaScript beside its build. */
const threadFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../../plugin/entry.ts' : '../../../plugin/entry.js',
  import.meta.url,
)

/** The time limit for loading a module, with its top-level awaits. */
const loadMs = 10_000
/** The share of the thread's heap that its questions may take by weight; their real size is a few times that. */
const heldShare = 1 / 16
/** The most bytes of events that wait for the thread: each may hold a whole stanza. */
const maxWaitingWeight = 64 * 2 ** 20
/** Longer than a thread waits for the processor on a busy machine. */
const graceMs = 1_000
const checkMs = 250
/** The pause before a restart of the thread: none the first time, then longer and longer. */
const restartBaseMs = 100
const restartCapMs = 60_000
/** The most unexpected messages that are ignored. More would take too much memory and time of the main thread. */
const maxStray = 16
/** A thread that lasted this long does not count as a failed start. */
const lastedMs = 10_000

/** The configured plugin cannot be used: the daemon does not start. */
export class PluginLoadError extends Error {
  override readonly name = 'PluginLoadError'
}

interface Asked {
  readonly event: MessageEvent
  readonly subscriptions: readonly Subscription[]
  readonly weight: number
  readonly resolve: (decision: PluginDecision) => void
  readonly reject: (error: unknown) => void
}

export class PluginThread implements Decider {
  readonly #source: PluginSource
  readonly #memoryMb: number
  readonly #listeners: ((why: Error) => void)[] = []
  #state: 'starting' | 'up' | 'away' | 'stopped' = 'starting'
  #worker: Worker | undefined
  /** Why the running thread ends, if known. */
  #why: Error | undefined
  /** Messages of the running thread that were neither expected nor an answer to a question that it holds. */
  #stray = 0
  /** Questions not yet sent to the thread. */
  #waiting: Asked[] = []
  #waitingWeight = 0
  /** Questions that the thread holds, by id, the oldest first. */
  readonly #held = new Map<number, Asked>()
  #heldWeight = 0
  #nextId = 1
  #timeoutMs = 0
  #sendAsked = false
  /** When the thread last sent a message, or got its first question. */
  #heardAtMs = 0
  #checkedAtMs = 0
  #upAtMs = 0
  #failedStarts = 0
  #checkTimer: NodeJS.Timeout | undefined
  #loadTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #started: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>()
  #ended: PromiseWithResolvers<void> | undefined

  /** Resolves when the plugin is loaded. @throws PluginLoadError */
  static async start(source: PluginSource, memoryMb: number): Promise<PluginThread> {
    const thread = new PluginThread(source, memoryMb)
    const started = thread.#started?.promise
    thread.#start()
    await started
    return thread
  }

  private constructor(source: PluginSource, memoryMb: number) {
    this.#source = source
    this.#memoryMb = memoryMb
  }

  get full(): boolean {
    return this.#waitingWeight >= maxWaitingWeight
  }

  watch(listener: (why: Error) => void): void {
    this.#listeners.push(listener)
  }

  decide(
    event: MessageEvent,
    subscriptions: readonly Subscription[],
    timeoutMs: number,
  ): MaybePromise<PluginDecision> {
    if (this.#state !== 'up') return decideByDefault(event, subscriptions)
    this.#timeoutMs = timeoutMs
    const { promise, resolve, reject } = Promise.withResolvers<PluginDecision>()
    const weight = weightOf(event, subscriptions)
    this.#waiting.push({ event, subscriptions, weight, resolve, reject })
    this.#waitingWeight += weight
    if (!this.#sendAsked) {
      this.#sendAsked = true
      setImmediate(() => this.#send())
    }
    return promise
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    clearTimeout(this.#restartTimer)
    const ended = this.#ended?.promise
    this.#end(new Error('the daemon stops'))
    await ended
  }

  #start(): void {
    this.#state = 'starting'
    this.#why = undefined
    this.#stray = 0
    this.#ended = Promise.withResolvers<void>()
    const worker = new Worker(threadFile, {
      name: 'plugin',
      workerData: this.#source,
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryMb },
    })
    this.#worker = worker
    this.#loadTimer = setTimeout(
      () => this.#end(new Error(`it was not loaded within ${loadMs / 1000} s`)),
      loadMs,
    )
    worker.on('message', (message: unknown) => this.#hear(message))
    worker.on('messageerror', (error) => this.#end(error))
    worker.on('error', (error: unknown) => {
      this.#why ??= error instanceof Error ? error : new Error(String(error).slice(0, maxWhyLength))
    })
    worker.on('exit', (code) => this.#gone(code))
  }

  /** The message may come from the plugin: it is checked completely. */
  #hear(message: unknown): void {
    // Messages that the thread sent before it was ended still arrive.
    if (this.#why !== undefined) return
    this.#heardAtMs = performance.now()
    const { kind, why, answers } = objectOf(message)
    if (this.#state === 'starting' && kind === 'ready') this.#up()
    else if (this.#state === 'starting' && kind === 'unusable') {
      this.#end(new Error(String(why).slice(0, maxWhyLength)))
    } else if (this.#state === 'up' && kind === 'answers' && Array.isArray(answers)) {
      const heldBefore = this.#held.size
      for (const answer of answers as unknown[]) this.#read(objectOf(answer))
      if (this.#held.size === heldBefore) this.#overhear()
      this.#send()
    } else this.#overhear()
  }

  #overhear(): void {
    if (++this.#stray > maxStray) this.#end(new Error('it sends message after message that is not an answer'))
  }

  #up(): void {
    clearTimeout(this.#loadTimer)
    this.#state = 'up'
    this.#upAtMs = this.#heardAtMs
    this.#checkedAtMs = this.#heardAtMs
    this.#checkTimer = setInterval(() => this.#check(), checkMs)
    this.#started?.resolve()
    this.#started = undefined
  }

  #read(answer: Readonly<Record<string, unknown>>): void {
    const id = answer.id as number
    const asked = this.#held.get(id)
    if (asked === undefined) return
    this.#held.delete(id)
    this.#heldWeight -= asked.weight
    try {
      asked.resolve(readDecision(answer, asked.event, asked.subscriptions))
    } catch (error) {
      asked.reject(error)
    }
  }

  /** Sends the questions that there is room for. A question that is larger than the room goes alone. */
  #send(): void {
    this.#sendAsked = false
    if (this.#state !== 'up' || this.#waiting.length === 0) return
    const maxWeight = this.#memoryMb * 2 ** 20 * heldShare
    if (this.#held.size === 0) this.#heardAtMs = performance.now()
    const questions: PluginQuestion[] = []
    for (const asked of this.#waiting) {
      const { event, subscriptions, weight } = asked
      if (this.#held.size > 0 && this.#heldWeight + weight > maxWeight) break
      const id = this.#nextId++
      this.#held.set(id, asked)
      this.#heldWeight += weight
      this.#waitingWeight -= weight
      questions.push({ id, event, subscriptions, sender: defaults.senderId(event) })
    }
    if (questions.length === 0) return
    this.#waiting = this.#waiting.slice(questions.length)
    this.#worker?.postMessage({ questions, timeoutMs: this.#timeoutMs } satisfies ToPlugin)
  }

  #check(): void {
    const nowMs = performance.now()
    // When the main thread was blocked, answers are still unread: the plugin is not to blame.
    const stoodStill = nowMs - this.#checkedAtMs > 2 * checkMs
    this.#checkedAtMs = nowMs
    if (stoodStill) this.#heardAtMs = nowMs
    else if (this.#held.size > 0 && nowMs - this.#heardAtMs > this.#timeoutMs + graceMs) {
      this.#end(new Error('it is in an endless loop, or no longer answers'))
    }
  }

  /** Ends the thread; `#gone` follows. */
  #end(why: Error): void {
    this.#why ??= why
    void this.#worker?.terminate()
  }

  /** The thread has ended, by itself or by us. */
  #gone(code: number): void {
    const why = this.#why ?? new Error(`it ended its thread (exit code ${code})`)
    const wasUpMs = this.#state === 'up' ? performance.now() - this.#upAtMs : 0
    clearTimeout(this.#loadTimer)
    clearInterval(this.#checkTimer)
    this.#worker = undefined
    this.#ended?.resolve()
    if (this.#started !== undefined) {
      const module = JSON.stringify(this.#source.module)
      this.#started.reject(
        new PluginLoadError(`push.plugin: cannot load ${module}: ${why.message}`, { cause: why }),
      )
      this.#state = 'stopped'
      return
    }
    if (this.#state !== 'stopped') {
      this.#state = 'away'
      this.#failedStarts = wasUpMs >= lastedMs ? 0 : this.#failedStarts + 1
      const delayMs =
        this.#failedStarts <= 1 ? 0 : Math.min(restartCapMs, restartBaseMs * 2 ** (this.#failedStarts - 2))
      this.#restartTimer = setTimeout(() => this.#start(), delayMs)
      for (const listener of this.#listeners) listener(why)
    }
    const left = [...this.#held.values(), ...this.#waiting]
    this.#held.clear()
    this.#heldWeight = 0
    this.#waiting = []
    this.#waitingWeight = 0
    for (const { event, subscriptions, resolve } of left) resolve(decideByDefault(event, subscriptions))
  }
}

/** The fields of a message, if it has any. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
