import { describe, expect, test } from 'vitest'
import { choosePool, type ProviderPool } from '../../../src/core/gateway/pools.ts'

type NamedPool = ProviderPool & { readonly name: string }

function pool(
  name: string,
  service: 'apns' | 'fcm',
  mode: ProviderPool['mode'],
  ...tags: string[]
): NamedPool {
  return { name, service, mode, tags }
}

const pools = [
  pool('apns prod a', 'apns', 'prod', 'a'),
  pool('apns prod', 'apns', 'prod', 'b', 'c'),
  pool('apns dev', 'apns', 'dev'),
  pool('fcm', 'fcm', '', 'a'),
  pool('fcm dev', 'fcm', 'dev', 'd'),
]

describe('a notification goes to the first pool of its service and mode that has all of its tags', () => {
  test.each([
    ['apns', 'prod', [], 'apns prod a'],
    ['apns', undefined, [], 'apns prod a'],
    ['apns', 'prod', ['b'], 'apns prod'],
    ['apns', 'prod', ['c', 'b'], 'apns prod'],
    ['apns', 'prod', ['a', 'b'], undefined],
    ['apns', 'dev', [], 'apns dev'],
    ['apns', 'dev', ['a'], undefined],
    ['apns', 'staging', [], undefined],
    ['fcm', 'prod', [], 'fcm'],
    ['fcm', 'dev', ['a'], 'fcm'],
    ['fcm', 'staging', [], 'fcm'],
    ['fcm', 'dev', ['d'], 'fcm dev'],
    ['fcm', undefined, ['d'], undefined],
    ['webpush', 'prod', [], undefined],
  ])('%s %s %j: %s', (service, mode, tags, name) => {
    expect(choosePool(pools, { service, mode, id: 'x' }, tags)?.name).toBe(name)
  })
})
