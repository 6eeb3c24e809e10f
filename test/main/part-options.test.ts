import { describe, expect, test } from 'vitest'
import { appServerOptions } from '../../src/main/part-options.ts'
import { component, sound } from './config/loading.ts'

describe('who may make push nodes on a component', () => {
  test.each([
    [
      'the users of the hosts that are served',
      'served_hosts = ["a.example", "b.example"]',
      ['a.example', 'b.example'],
    ],
    [
      'those of the component’s own hosts, where it names some',
      'served_hosts = ["a.example"]',
      ['b.example'],
      'hosts = ["b.example"]\n',
    ],
    ['everybody, where no host is served: nothing says whose users are ours', '', 'any'],
    ['everybody, by "any"', 'served_hosts = ["a.example"]\nnode_owners = "any"', 'any'],
    ['those of a list alone', 'served_hosts = ["a.example"]\nnode_owners = ["c.example"]', ['c.example']],
  ])('%s', (_, push, expected, own = '') => {
    const { config } = sound(`${component}${own}[push]\n${push}`)
    expect(appServerOptions(config, '0').domains.map(({ nodeOwners }) => nodeOwners)).toEqual([expected])
  })
})
