import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { DispatcherAtWork } from '../dispatcher-at-work.ts'

interface Sandbox {
  readonly requests: unknown[]
  answerWith(rule: undefined): void
  close(): Promise<void>
}

/**
 * One sandbox for all tests of this suite, with no requests and no rules of an earlier one's, and for each test a
 * dispatcher of its own that sends to it. `given`: both, before each test.
 */
export function eachTestAt<Provider extends Sandbox>(
  start: () => Promise<Provider>,
  connect: (sandbox: Provider) => Promise<DispatcherAtWork>,
  given: (sandbox: Provider, at: DispatcherAtWork) => void,
): void {
  let sandbox: Provider
  let at: DispatcherAtWork

  beforeAll(async () => {
    sandbox = await start()
  })
  afterAll(() => sandbox.close())
  beforeEach(async () => {
    sandbox.requests.length = 0
    sandbox.answerWith(undefined)
    at = await connect(sandbox)
    given(sandbox, at)
  })
  afterEach(() => at[Symbol.asyncDispose]())
}
