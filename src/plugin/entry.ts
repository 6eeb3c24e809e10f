/**
 * The thread of a plugin: it loads the module, then answers questions about message events. core/plugin-protocol.ts declares
 * the messages. Whatever the plugin does to this thread (an exit, an uncaught error, an endless loop, changed prototypes),
 * the main thread goes on: it ends the thread and starts another.
 */
import { parentPort, workerData } from 'node:worker_threads'
import {
  type FromPlugin,
  maxWhyLength,
  type PluginAnswer,
  type PluginQuestion,
  type PluginSource,
  type ToPlugin,
} from '../core/plugin-protocol.ts'
import { type Decision, decide, Fault } from './decide.ts'
import { loadModule, type PluginFunctions } from './load-module.ts'

// Saved before the plugin is loaded, because the plugin may replace them.
const { setTimeout, clearTimeout, setImmediate, performance } = globalThis

/** Answers wait at most this long, so that the main thread can tell a busy plugin from one in an endless loop. */
const flushMs = 5

let answers: PluginAnswer[] = []
let flushedMs = 0
let flushAsked = false

function say(message: FromPlugin): void {
  parentPort?.postMessage(message)
}

function flush(): void {
  flushAsked = false
  flushedMs = performance.now()
  if (answers.length === 0) return
  say({ kind: 'answers', answers })
  answers = []
}

/** `deferred`: more may come in this turn of the event loop. */
function answer(given: PluginAnswer, deferred: boolean): void {
  answers.push(given)
  if (performance.now() - flushedMs >= flushMs) flush()
  else if (deferred && !flushAsked) {
    flushAsked = true
    setImmediate(flush)
  }
}

function failed(id: number, error: unknown): PluginAnswer {
  // An error that is not a Fault comes from a changed prototype.
  const fault = error instanceof Fault ? error.fault : 'threw'
  return { id, kind: 'failed', fault, why: whyOf(error) }
}

function whyOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, maxWhyLength)
}

function ask(plugin: PluginFunctions, question: PluginQuestion, timeoutMs: number): void {
  const { id } = question
  let decision: Decision | Promise<Decision>
  try {
    decision = decide(plugin, question)
  } catch (error) {
    answer(failed(id, error), false)
    return
  }
  if (!(decision instanceof Promise)) {
    answer({ id, kind: 'decided', ...decision }, false)
    return
  }
  let over = false
  function end(given: PluginAnswer): void {
    if (over) return
    over = true
    clearTimeout(timer)
    answer(given, true)
  }
  const timer = setTimeout(
    () => end(failed(id, new Fault('timeout', `it did not decide within ${timeoutMs} ms`))),
    timeoutMs,
  )
  decision.then(
    (decided) => end({ id, kind: 'decided', ...decided }),
    (error: unknown) => end(failed(id, error)),
  )
}

try {
  const plugin = await loadModule(workerData as PluginSource)
  parentPort?.on('message', ({ questions, timeoutMs }: ToPlugin) => {
    flushedMs = performance.now()
    for (const question of questions) ask(plugin, question, timeoutMs)
    flush()
  })
  say({ kind: 'ready' })
} catch (error) {
  say({ kind: 'unusable', why: whyOf(error) })
}
