import { expect, test } from 'vitest'
import { Restarts } from '../../../src/main/handover/restarts.ts'

test('one restart at a time is under way, and its failure is told by its number', async () => {
  const restarts = new Restarts('pushd.toml', 7)
  restarts.ask('SIGUSR2')
  restarts.ask('SIGHUP')
  expect(await restarts.asked).toBe('SIGUSR2')
  expect(restarts.state()).toMatchObject({
    pid: 7,
    config: 'pushd.toml',
    attempts: 1,
    under_way: true,
    failed: null,
  })
  restarts.failed('the port is taken')
  expect(restarts.state()).toMatchObject({
    attempts: 1,
    under_way: false,
    failed: { attempt: 1, reason: 'the port is taken' },
  })
  restarts.ask('SIGHUP')
  expect(await restarts.asked).toBe('SIGHUP')
  expect(restarts.state().attempts).toBe(2)
})

test('process 1 of a container hands over to nobody: all others would end with it', () => {
  expect(new Restarts('pushd.toml', 7).refusal).toBeUndefined()
  expect(new Restarts('pushd.toml', 1).refusal).toContain('restart the container')
})
