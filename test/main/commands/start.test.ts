import { expect, test } from 'vitest'
import { startCommand } from '../../../src/main/commands/start.ts'
import { exitCodes } from '../../../src/main/exit-codes.ts'

test('signals have a meaning from the first moment, while the daemon is still being loaded', async () => {
  const signals = ['SIGHUP', 'SIGTERM', 'SIGINT'] as const
  const listeners = () => signals.map((signal) => process.listenerCount(signal))
  const before = listeners()
  const running = startCommand.run({ config: '/nowhere/pushd.toml' }, [])
  expect(listeners()).toEqual(before.map((count) => count + 1))
  expect(await running).toBe(exitCodes.config)
  expect(listeners()).toEqual(before)
})
