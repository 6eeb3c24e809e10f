import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { whyUnreadable } from '../../../src/main/config/files.ts'
import { loadConfigFile } from '../../../src/main/config/load.ts'
import { component, dir, faultsOf } from './loading.ts'

describe('a fault of the configuration', () => {
  test.each([
    ['an unknown key', 'dat_dir = "x"', 'dat_dir: is not a known key, the nearest known one is data_dir'],
    [
      'an unknown key in a table',
      '[push]\nreply_deadlin_ms = 5',
      'push.reply_deadlin_ms: is not a known key, the nearest known one is push.reply_deadline_ms',
    ],
    [
      'a key in the wrong table',
      '[push]\nurl = "x"',
      'push.url: is not a known key, the nearest known one is mongoosepush.url',
    ],
    [
      'an unknown table',
      '[mongoospush]\nurl = "x"',
      'mongoospush: is not a known key, the nearest known one is mongoosepush',
    ],
    [
      'an unknown key of a component',
      `${component}tls_verfy = true`,
      'component[0].tls_verfy: is not a known key, the nearest known one is component.tls_verify',
    ],
    ['a key that is no bare word', '"a\\nb" = 1', /^pushd\.toml: "a\\nb": is not a known key/],
    [
      'a number too small',
      'drain_timeout_ms = -1',
      'drain_timeout_ms: is -1, allowed: a whole number from 0 to 600_000',
    ],
    [
      'a number too large',
      '[push]\nreply_deadline_ms = 60_000',
      'push.reply_deadline_ms: is 60000, allowed: a whole number from 100 to 30_000',
    ],
    [
      'a fraction',
      '[push]\nsuspect_limit = 1.5',
      'push.suspect_limit: is 1.5, allowed: a whole number from 1 to 1000',
    ],
    [
      'no number at all',
      '[push]\nsuspect_limit = nan',
      'push.suspect_limit: is NaN, allowed: a whole number from 1 to 1000',
    ],
    [
      'a text for a number',
      '[queue]\nmax_pending = "many"',
      'queue.max_pending: is "many", allowed: a whole number from 1 to 10_000_000',
    ],
    [
      'a word that is none of those',
      '[log]\nlevel = "verbose"',
      'log.level: is "verbose", allowed: trace, debug, info, warn, error',
    ],
    [
      'a number for a switch',
      '[content]\ninclude_body = 1',
      'content.include_body: is 1, allowed: true or false',
    ],
    ['a text for a table', 'push = "x"', 'push: is "x", allowed: a table'],
    ['a table for a text', '[data_dir]\nx = 1', 'data_dir: is a table, allowed: text'],
    ['a date', 'data_dir = 1979-05-27', 'data_dir: is a date or time, allowed: text'],
    ['a date for a table', 'push = 1979-05-27', 'push: is a date or time, allowed: a table'],
    ['a single component', 'component = 5', 'component: is 5, allowed: a list of tables'],
    [
      'a component that is no table',
      'component = [1979-05-27]',
      'component[0]: is a date or time, allowed: a table',
    ],
    [
      'a component without a domain',
      '[[component]]\nsecret = "x"',
      'component[0].domain: is missing, allowed: a domain in lower case, such as pubsub.example.com',
    ],
    [
      'a domain in upper case',
      '[[component]]\ndomain = "Push.example"\nsecret = "x"',
      'component[0].domain: is "Push.example", allowed: a domain in lower case, such as pubsub.example.com',
    ],
    [
      'a domain that no address would be at',
      '[[component]]\ndomain = "push.example."\nsecret = "x"',
      /component\[0\]\.domain: is "push\.example\.", allowed: a domain/,
    ],
    [
      'a pattern that is no domain',
      '[push]\nvirtual_pubsub_hosts = ["v.@host@"]\nserved_hosts = ["a"]',
      'push.virtual_pubsub_hosts[0]: is "v.@host@", allowed: a domain in lower case, which may hold @HOST@',
    ],
    [
      'a domain that is an address',
      '[[component]]\ndomain = "a@b"\nsecret = "x"',
      /component\[0\]\.domain: is "a@b", allowed: a domain/,
    ],
    [
      'the same domain twice',
      component + component,
      'component[1].domain: is that of component[0] too, allowed: each domain once',
    ],
    [
      'a server without a port',
      `${component}server = "localhost"`,
      'component[0].server: is "localhost", allowed: host:port, [IPv6]:port, or unix:/path',
    ],
    [
      'publishers that are no domains',
      `${component}publishers = "nobody"`,
      'component[0].publishers: is "nobody", allowed: "any", "servers", or a list of domains',
    ],
    [
      'no publishers',
      `${component}publishers = []`,
      'component[0].publishers: is an empty list, allowed: "any", "servers", or a list of domains',
    ],
    [
      'two secrets',
      `${component}secret_file = "secret"`,
      'component[0].secret: is given and so is secret_file, allowed: one of them',
    ],
    [
      'no secret',
      '[[component]]\ndomain = "a.example"',
      'component[0].secret: is missing, allowed: secret_file, secret, or a systemd credential named a.example',
    ],
    [
      'a secret file that is not there',
      '[[component]]\ndomain = "a.example"\nsecret_file = "/nowhere/x"',
      'component[0].secret_file: names "/nowhere/x", which does not exist, allowed: a file that can be read',
    ],
    [
      'a secret file that is a folder',
      '[[component]]\ndomain = "a.example"\nsecret_file = "."',
      /component\[0\]\.secret_file: names ".*", which is a folder, allowed: a file that can be read/,
    ],
    [
      'an empty secret file',
      '[[component]]\ndomain = "a.example"\nsecret_file = "empty"',
      /component\[0\]\.secret_file: names ".*empty", which is empty, allowed: one line$/,
    ],
    [
      'a secret of two lines',
      '[[component]]\ndomain = "a.example"\nsecret_file = "lines"',
      /component\[0\]\.secret_file: names ".*lines", which has several lines, allowed: one line$/,
    ],
    [
      'a CA file without a certificate',
      '[mongoosepush]\ntls.ca_file = "secret"',
      /mongoosepush\.tls\.ca_file: names ".*", which holds no certificate in PEM, allowed: a PEM file$/,
    ],
    [
      'a domain where nothing can be published',
      `${component}pubsub = false`,
      'component[0].pubsub: is false and push.virtual_pubsub_hosts does not match push.example, so nothing could be published there, allowed: true, or a pattern that matches',
    ],
    [
      '@HOST@ without served hosts',
      '[push]\nvirtual_pubsub_hosts = ["v.@HOST@"]',
      'push.served_hosts: is empty while push.virtual_pubsub_hosts has @HOST@, allowed: the domains it stands for',
    ],
    [
      'a host twice',
      '[push]\nserved_hosts = ["a", "a"]',
      'push.served_hosts: holds "a" twice, allowed: each once',
    ],
    [
      'an item of a list',
      '[push]\nserved_hosts = ["a", "B"]',
      'push.served_hosts[1]: is "B", allowed: a domain in lower case',
    ],
    [
      'a gateway with a path',
      '[mongoosepush]\nurl = "https://host/push"',
      /mongoosepush\.url: is "https:\/\/host\/push", allowed: http\(s\):\/\/host:port without path/,
    ],
    [
      'one gateway of a list',
      '[mongoosepush]\nurl = ["https://host", "ftp://x"]',
      /mongoosepush\.url: is \["https:\/\/host", "ftp:\/\/x"\], allowed: http/,
    ],
    ['no gateway', '[mongoosepush]\nurl = []', /mongoosepush\.url: is an empty list, allowed: http/],
    [
      'a path prefix without a slash',
      '[mongoosepush]\npath_prefix = "push"',
      'mongoosepush.path_prefix: is "push", allowed: a path that begins with /, without ? and #',
    ],
    [
      'a text that leaves no room in a stanza',
      '[limits]\nmax_text_bytes = 200_000',
      'limits.max_text_bytes: is 200000, allowed: 131072 or less, half of limits.max_stanza_bytes',
    ],
    [
      'too few connections for the workers',
      '[push]\nwpool.workers = 3\n[mongoosepush]\nurl = ["http://a", "http://b"]\nmax_http_connections = 5',
      'mongoosepush.max_http_connections: is 5, allowed: 6 or more, one for each of 3 workers and 2 URLs',
    ],
    [
      'a host with a port',
      '[http]\nhosts = ["admin.example.com:9590"]',
      'http.hosts[0]: is "admin.example.com:9590", allowed: a host name in lower case or an IP address, without port',
    ],
    [
      'one host that should be a list',
      '[http]\nhosts = "admin.example.com"',
      'http.hosts: is "admin.example.com", allowed: a list of host names in lower case or IP addresses, without ports',
    ],
    [
      'a listener that is no address',
      '[http]\nlisten = "9590"',
      'http.listen: is "9590", allowed: host:port, [IPv6]:port, or unix:/path',
    ],
    ['a syntax error', 'data_dir = "x"\nlog == 1', 'line 2, column 6: invalid value, allowed: TOML 1.0'],
    [
      'a key given twice',
      'data_dir = "x"\ndata_dir = "y"',
      /^pushd\.toml: line 2, column 1: .*, allowed: TOML 1.0/,
    ],
    [
      'bytes that are no text',
      Buffer.from([0x61, 0x0a, 0xff]),
      'line 2: is not UTF-8, allowed: text in UTF-8',
    ],
  ])('names %s', (_what, toml, expected) => {
    const faults = faultsOf(toml)
    expect(faults).toHaveLength(1)
    if (typeof expected === 'string') expect(faults[0]).toBe(`pushd.toml: ${expected}`)
    else expect(faults[0]).toMatch(expected)
  })

  test('does not hide another: all are named at once', () => {
    const faults = faultsOf(
      `nonsense = 1\n${component}tls = 3\n${component}[log]\nlevel = "loud"\n[http]\nlisten = "0.0.0.0:1"\ntoken_file = "nowhere"\n[gatway]`,
    )
    expect(faults.map((fault) => fault.split(': ')[1])).toEqual([
      'nonsense',
      'gatway',
      'log.level',
      'component[0].tls',
      'component[1].domain',
      'http.token_file',
    ])
  })

  test('is a file that is not there, or cannot be read', () => {
    const missing = join(dir, 'missing.toml')
    expect(loadConfigFile(missing)).toEqual({
      kind: 'faulty',
      faults: [`${missing}: does not exist, allowed: a TOML file that can be read`],
    })
    expect(loadConfigFile(dir)).toMatchObject({
      kind: 'faulty',
      faults: [expect.stringContaining('is a folder')],
    })
  })

  test.each([
    ['EACCES', 'this user may not read'],
    ['ELOOP', 'cannot be read (ELOOP)'],
  ])('is a file that cannot be read for %s', (code, why) => {
    expect(whyUnreadable(Object.assign(new Error(code), { code }))).toBe(why)
  })

  test.each(['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', 'unix:/run/x.sock'])(
    'is not the missing token of a listener on %s',
    (listen) => expect(faultsOf(`[http]\nlisten = "${listen}"`)).toEqual([]),
  )
})
