import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { redacted } from '../../../src/main/config/redacted.ts'
import { component, dir, faultsOf, notesOf, sound } from './loading.ts'
import { fcm } from './provider-files.ts'

describe('a configuration file', () => {
  test('that is empty has every default and serves nothing', () => {
    const { config, notes } = sound('')
    expect(config.data_dir).toBe('/var/lib/xmpp-pushd')
    expect(config.component).toEqual([])
    expect(config.push.reply_deadline_ms).toBe(10_000)
    expect(config.mongoosepush.tls).toEqual({ ca_file: '', verify: true, ca: undefined })
    expect(config.http.token).toBeUndefined()
    expect(notes).toEqual(['there is no [[component]]: nothing is served over XMPP'])
  })

  test('without a [[component]] is noted only where there is no served API either', () => {
    expect(notesOf(`[gateway]\nlisten = "127.0.0.1:8443"\n${fcm}`)).toEqual([])
  })

  test('keeps the names of its keys, and fills in what each component leaves out', () => {
    const { config } = sound(`${component}connections = 3\n[queue]\nretry.base_ms = 7\n`)
    expect(config.component[0]).toMatchObject({
      domain: 'push.example',
      connections: 3,
      server: '127.0.0.1:5347',
    })
    expect(config.queue.retry).toEqual({ max_attempts: 0, base_ms: 7, cap_ms: 60_000 })
  })

  test('is frozen through and through', () => {
    const { config } = sound(`${component}tags = ["a"]\n[http]\ntoken_file = "secret"`)
    const open: unknown[] = []
    const visit = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return
      if (!Object.isFrozen(value)) open.push(value)
      for (const item of Object.values(value)) visit(item)
    }
    visit(config)
    expect(open).toEqual([])
  })

  test('has paths that start at its own folder', () => {
    const { config } = sound('data_dir = "data"\n[http]\ntoken_file = "./secret"')
    expect(config.data_dir).toBe(join(dir, 'data'))
    expect(config.http.token?.reveal()).toBe('from-file')
  })

  test('may take several gateways, over plain HTTP too', () => {
    const { config } = sound('[mongoosepush]\nurl = ["http://a:80", "https://b:8443/"]')
    expect(config.mongoosepush.url).toEqual(['http://a:80', 'https://b:8443/'])
  })
})

describe('the secret of a component', () => {
  test.each([
    ['in the file itself', 'secret = "plain"', 'plain'],
    ['in a file of its own', 'secret_file = "secret"', 'from-file'],
    ['in a systemd credential of the domain', '', 'from-systemd'],
    ['in a folder of systemd credentials', '', 'from-folder', 'folder.example'],
  ])('may stand %s', (_where, key, secret, domain = 'cred.example') => {
    const { config } = sound(`[[component]]\ndomain = "${domain}"\n${key}`, dir)
    expect(config.component[0]?.secret.reveal()).toBe(secret)
  })

  test('and the token never show, however the configuration is printed', () => {
    const { config } = sound(`${component}[http]\ntoken_file = "secret"`)
    const prints = [
      JSON.stringify(config),
      inspect(config, { depth: null }),
      JSON.stringify(redacted(config)),
    ]
    prints.push(`${config.component[0]?.secret}`)
    for (const print of prints) {
      expect(print).toContain('[secret]')
      expect(print).not.toMatch(/hush|from-file/)
    }
  })

  test('is not in any fault', () => {
    const wrong = `[[component]]\ndomain = "a"\nsecret = "hush"\nsecret_file = "secret"\ntls = "x"\nx = "hush"`
    expect(faultsOf(wrong)).toHaveLength(3)
    expect(faultsOf(wrong).join()).not.toContain('hush')
    expect(faultsOf('[mongoosepush]\nurl = "https://user:hush@host"').join()).not.toContain('hush')
    expect(faultsOf('[[component]]\nsecret = "hush" x').join()).not.toContain('hush')
    expect(faultsOf('[[component]]\nsecret = 7331').join()).not.toContain('7331')
  })
})

describe('a note on the configuration', () => {
  test.each([
    [
      '[mongoosepush]\nurl = "https://push.example"\ntls.verify = false',
      /^mongoosepush\.tls\.verify is false/,
    ],
    ['[mongoosepush]\nrequest_timeout_ms = 20_000', /^mongoosepush\.request_timeout_ms is not below/],
  ])('%j: %s', (toml, expected) => {
    const notes = notesOf(component + toml)
    expect(notes).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)])
  })

  test('says who may make push nodes where "hosts" names none: everybody, as before, and an operator should know', () => {
    const notes = (toml: string) => sound(component + toml).notes
    const expected = [expect.stringMatching(/^push\.node_owners is "hosts" and push\.served_hosts is empty/)]
    expect(notes('')).toEqual(expected)
    expect(notes('[push]\nserved_hosts = ["chat.example"]')).toEqual([])
    expect(notes('hosts = ["chat.example"]')).toEqual([])
    expect(notes('[push]\nnode_owners = "any"')).toEqual([])
    expect(notes('[push]\nnode_owners = ["chat.example"]')).toEqual([])
    expect(
      notes('pubsub = false\npublishers = ["chat.example"]\n[push]\nvirtual_pubsub_hosts = ["push.example"]'),
    ).toEqual([])
  })
})
