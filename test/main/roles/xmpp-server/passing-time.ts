import { afterEach, beforeEach, vi } from 'vitest'
import { carol, type Setting, startXmppServer, type XmppServerAtWork } from './xmpp-server-at-work.ts'

/** For a file whose tests say when time passes. */
export function timeStands(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
}

/** Lets this time pass, for the role's clock and its timer. */
export function pass(work: XmppServerAtWork, ms: number): void {
  work.clock.nowMs += ms
  vi.advanceTimersByTime(500)
}

/** With one subscription, of carol's, at an App Server elsewhere. */
export async function subscribed(setting?: Setting): Promise<XmppServerAtWork> {
  const work = await startXmppServer(setting)
  await work.enable(carol, 'remote.test', 'n', { secret: 'old' })
  return work
}
