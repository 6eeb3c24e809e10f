import { describe, expect, test } from 'vitest'
import { appServerOptions } from '../../../src/main/part-options.ts'
import { faultsOf, sound } from './loading.ts'

function component(domain: string, server: string, hosts?: readonly string[], more = ''): string {
  const own = hosts === undefined ? '' : `hosts = ${JSON.stringify(hosts)}\n`
  return `[[component]]\ndomain = "${domain}"\nsecret = "x"\nserver = "${server}"\n${own}${more}`
}

const served = '[push]\nserved_hosts = ["a.example"]\n'

function serversOf(toml: string) {
  return appServerOptions(sound(toml).config, '0').servers
}

describe('hosts: the XMPP domains of the server behind a component', () => {
  test('are push.served_hosts while all components name one server', () => {
    const servers = serversOf(component('push.a.example', 'x:1') + component('two.example', 'X:1') + served)
    expect(servers.count).toBe(1)
    expect(servers.serverOf('a.example')).toBe(0)
  })

  test('have to be said by each component once there are two servers: key, what is expected, and an example', () => {
    expect(
      faultsOf(component('push.a.example', 'x:1') + component('push.b.example', 'x:2') + served),
    ).toEqual([
      'pushd.toml: component[0].hosts: is empty while the components name 2 servers, allowed: the XMPP domains of the server behind each component, such as hosts = ["a.example"]',
      'pushd.toml: component[1].hosts: is empty while the components name 2 servers, allowed: the XMPP domains of the server behind each component, such as hosts = ["b.example"]',
    ])
  })

  test('that the other of two servers says are no fault, though push.served_hosts has them', () => {
    const faults = faultsOf(
      component('push.b.example', 'x:2') + component('push.a.example', 'x:1', ['a.example']) + served,
    )
    expect(faults).toEqual([expect.stringMatching(/component\[0\]\.hosts: is empty while/)])
  })

  test('that only one of several servers says are a fault of the other', () => {
    const faults = faultsOf(
      component('push.a.example', 'x:1', ['a.example']) + component('push.b.example', 'x:2') + served,
    )
    expect(faults).toEqual([expect.stringMatching(/component\[1\]\.hosts: is empty while/)])
  })

  test.each([
    ['alone', ['a.example']],
    ['beside its own', ['b.example', 'a.example']],
  ])('of a component on another server may not hold the same host, %s', (_name, hosts) => {
    expect(
      faultsOf(component('push.a.example', 'x:1', ['a.example']) + component('push.b.example', 'x:2', hosts)),
    ).toEqual([
      'pushd.toml: component[1].hosts: has "a.example", which also belongs to component[0] at another server, allowed: each host at one server; components of one server have the same server',
    ])
  })

  test('of a component on another server may not hold the same host in another spelling', () => {
    const faults = faultsOf(
      component('push.a.example', 'x:1', ['bücher.example']) +
        component('push.b.example', 'x:2', ['xn--bcher-kva.example']),
    )
    expect(faults).toEqual([expect.stringMatching(/component\[1\]\.hosts: has "xn--bcher-kva\.example"/)])
  })

  test('may not hold the domain of a component on another server either', () => {
    const faults = faultsOf(
      component('push.a.example', 'x:1', ['a.example']) +
        component('push.b.example', 'x:2', ['push.a.example']),
    )
    expect(faults).toEqual([expect.stringMatching(/component\[1\]\.hosts: has "push\.a\.example"/)])
  })

  test('may be shared by components with the same server', () => {
    const toml =
      component('push.a.example', 'x:1', ['a.example']) +
      component('two.example', 'x:1', ['a.example', 'b.example']) +
      component('push.c.example', 'y:1', ['c.example'])
    expect(sound(toml).notes).toEqual([])
    const servers = serversOf(toml)
    expect(servers.count).toBe(2)
    expect(servers.serverOf('b.example')).toBe(servers.serverOf('push.a.example'))
  })

  test('that components at two addresses share, with the domains of both below, make them one server, and a note says so', () => {
    const toml =
      component('push.a.example', 'x:1', ['a.example']) +
      component('pubsub.a.example', 'unix:/run/x', ['a.example'])
    expect(serversOf(toml).count).toBe(1)
    expect(sound(toml).notes).toEqual([
      'component[1].hosts shares a host with a component at another address: the daemon treats both as one server',
    ])
  })

  test('need not be in push.served_hosts, and @HOST@ ranges over both', () => {
    const toml =
      component('push.a.example', 'x:1', ['a.example'], 'pubsub = false\n') +
      component('push.b.example', 'x:2', ['b.example'], 'pubsub = false\n') +
      component('push.c.example', 'x:2', ['b.example'], 'pubsub = false\n') +
      '[push]\nserved_hosts = ["a.example", "c.example"]\nvirtual_pubsub_hosts = ["push.@HOST@"]\n'
    const { domains } = appServerOptions(sound(toml).config, '0')
    expect(domains.map(({ domain, virtual }) => [domain, virtual])).toEqual([
      ['push.a.example', true],
      ['push.b.example', true],
      ['push.c.example', true],
    ])
  })

  test('that leave a served host to nobody are told of: every server would be believed about it', () => {
    const toml =
      component('push.a.example', 'x:1', ['a.example']) +
      component('push.b.example', 'x:2', ['b.example']) +
      '[push]\nserved_hosts = ["a.example", "rooms.a.example", "c.example"]\n'
    expect(sound(toml).notes).toEqual([
      'push.served_hosts: c.example is not in the hosts of any component: every server may send stanzas for it',
    ])
  })

  test('are of no use to another server’s components as publishers', () => {
    const toml =
      component('push.a.example', 'x:1', ['a.example'], 'publishers = ["a.example"]\n') +
      component('push.b.example', 'x:2', ['b.example'], 'publishers = ["b.example"]\n')
    const { domains } = appServerOptions(sound(toml).config, '0')
    expect(domains.map(({ publishers }) => publishers)).toEqual([
      ['a.example', 'push.a.example'],
      ['b.example', 'push.b.example'],
    ])
  })
})

describe('two spellings of one host', () => {
  const two = '["bücher.example", "xn--bcher-kva.example"]'
  const fault =
    'has "bücher.example" and "xn--bcher-kva.example", which are one host, allowed: one of the two'

  test.each([
    ['push.served_hosts', `[push]\nserved_hosts = ${two}`],
    ['component[0].publishers', component('p.example', 'x:1', undefined, `publishers = ${two}\n`)],
    ['component[0].hosts', component('p.example', 'x:1', ['bücher.example', 'xn--bcher-kva.example'])],
  ])('are named in %s', (path, toml) => {
    expect(faultsOf(toml)).toEqual([`pushd.toml: ${path}: ${fault}`])
  })

  test('are one domain of two components', () => {
    const two = ['bücher.example', 'xn--bcher-kva.example'].map((domain) => component(domain, 'x:1'))
    expect(faultsOf(two.join(''))).toContain(
      'pushd.toml: component[1].domain: is that of component[0] too, allowed: each domain once',
    )
  })
})
