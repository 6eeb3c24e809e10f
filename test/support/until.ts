import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again and again until the answer is neither undefined nor false; that answer. For what tells nobody
 * when it happens (another process); what does, is awaited.
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await delay(20)
  }
}
