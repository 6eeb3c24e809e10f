import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { daemonUser, fileNotes } from '../../../src/main/config/file-notes.ts'
import { loadConfigFile } from '../../../src/main/config/load.ts'
import { ownUser } from '../../../src/main/store/store-place.ts'
import { scratchDirectory } from '../store/open-store.ts'
import { component, dir, notesOf as notesOfText, sound } from './loading.ts'
import { apnsCertificate, fcm, put, serviceAccountText } from './provider-files.ts'

const own = ownUser()
const virtual = '[push]\nvirtual_pubsub_hosts = ["push.example"]\n'

put('http-account.json', serviceAccountText({ token_uri: 'http://oauth.example/token' }))

describe('a configuration that is open to others has notes', () => {
  test.each([
    [
      'publishers = "any" on a virtual host: an open relay',
      `${component}publishers = "any"\n${virtual}`,
      /^component\[0\]\.publishers is "any" on a virtual host, which makes it an open relay/,
    ],
    [
      'a virtual host whose publishers are those of `config --defaults`',
      `${component}${virtual}`,
      /^component\[0\]\.publishers is "any" on a virtual host/,
    ],
    [
      'http to a host that is not loopback',
      `${component}[mongoosepush]\nurl = "http://push.example:8080"`,
      /^mongoosepush\.url is http to another machine/,
    ],
    [
      'verify = false to a gateway that is not loopback',
      `${component}[mongoosepush]\nurl = "https://push.example:8443"\ntls.verify = false`,
      /^mongoosepush\.tls\.verify is false/,
    ],
    [
      'tls_verify = false to an XMPP server that is not loopback',
      `${component}server = "xmpp.example:5347"\ntls = true\ntls_verify = false`,
      /^component\[0\]\.tls_verify is false/,
    ],
    [
      'an http token_uri',
      component + fcm.replace('account.json', 'http-account.json'),
      /^gateway\.fcm\[0\]\.service_account_file has a token_uri with http/,
    ],
  ])('%s', (_, toml, expected) => {
    expect(notesOfText(toml)).toEqual([expect.stringMatching(expected)])
  })

  test.each([
    ['publishers = ["example"] on a virtual host', `${component}publishers = ["example"]\n${virtual}`],
    ['publishers = "any" where nodes have owners', `${component}publishers = "any"`],
    ['http to loopback', `${component}[mongoosepush]\nurl = ["http://127.0.0.1:1", "http://[::1]:1"]`],
    ['verify = false to loopback', `${component}[mongoosepush]\ntls.verify = false`],
    ['tls_verify = false to loopback', `${component}tls = true\ntls_verify = false`],
  ])('but not for %s', (_, toml) => {
    expect(notesOfText(toml)).toEqual([])
  })
})

describe('files that others can read or write have notes', () => {
  /** What is noted of a configuration whose secret file has this mode. */
  function notesOf(mode: number, { user = own, config = 0o600 } = {}): string[] {
    using scratch = scratchDirectory()
    const toml = join(scratch.path, 'pushd.toml')
    const secret = join(scratch.path, 'secret')
    const data = join(scratch.path, 'data')
    mkdirSync(data, { mode: 0o700 })
    writeFileSync(secret, 'hush')
    chmodSync(secret, mode)
    writeFileSync(
      toml,
      `data_dir = "data"\n[[component]]\ndomain = "push.example"\n${config === 0o600 ? 'secret_file = "secret"' : 'secret = "x"'}\n`,
    )
    chmodSync(toml, config)
    const loaded = loadConfigFile(toml)
    if (loaded.kind === 'faulty') throw new Error(loaded.faults.join())
    return fileNotes(loaded.files, data, user).map((note) => note.replaceAll(`${scratch.path}/`, ''))
  }

  test('a secret readable by others', () => {
    const readable = 'component[0].secret_file secret holds a secret and can be read by others'
    expect(notesOf(0o604)).toEqual([`${readable}: its mode is 0604, chmod 0640`])
    const stranger = { uid: own.uid, gid: own.gid + 1 }
    expect(notesOf(0o640, { user: stranger })).toHaveLength(own.gid === 0 ? 0 : 1)
    // With the mode alone the daemon could no longer read it.
    const chgrp = `and chgrp it to the daemon’s group, gid ${stranger.gid}`
    expect(notesOf(0o644, { user: stranger })).toEqual([`${readable}: its mode is 0644, chmod 0640 ${chgrp}`])
    expect(notesOf(0o640)).toEqual([])
    expect(notesOf(0o600)).toEqual([])
  })

  test('any file writable by others; by a group, unless it is the daemon’s', () => {
    const writable = 'component[0].secret_file secret can be written by others'
    expect(notesOf(0o602)).toEqual([`${writable}: its mode is 0602, chmod go-w`])
    expect(notesOf(0o620)).toEqual([])
    const stranger = { uid: own.uid, gid: own.gid + 1 }
    expect(notesOf(0o620, { user: stranger })).toContain(`${writable}: its mode is 0620, chmod go-w`)
  })

  test('the configuration file where a secret stands in it', () => {
    expect(notesOf(0o600, { config: 0o644 })).toEqual([
      'the configuration file pushd.toml holds a secret and can be read by others: its mode is 0644, chmod 0640',
    ])
    expect(notesOf(0o600, { config: 0o640 })).toEqual([])
  })

  test.skipIf(own.uid !== 0)('one that belongs to a user other than root and the daemon’s user', () => {
    using scratch = scratchDirectory()
    const file = join(scratch.path, 'ca.pem')
    writeFileSync(file, '', { mode: 0o644 })
    chownSync(file, 4321, 0)
    const named = [{ path: 'mongoosepush.tls.ca_file', file, isSecret: false }]
    expect(fileNotes(named, '/nowhere', { uid: 4321, gid: 0 })).toEqual([])
    expect(fileNotes(named, '/nowhere', { uid: 1234, gid: 0 })).toEqual([
      `mongoosepush.tls.ca_file ${file} belongs to a user other than root and the daemon’s user, uid 4321`,
    ])
  })

  test('the token that the daemon has made in data_dir', () => {
    using scratch = scratchDirectory()
    writeFileSync(join(scratch.path, 'http.token'), 'hush', { mode: 0o644 })
    expect(fileNotes([], scratch.path, own)).toEqual([
      `http.token_file ${scratch.path}/http.token holds a secret and can be read by others: its mode is 0644, chmod 0640`,
    ])
  })

  test('a data_dir that is not 0700', () => {
    using scratch = scratchDirectory()
    chmodSync(scratch.path, 0o750)
    expect(fileNotes([], scratch.path, own)).toEqual([
      `data_dir ${scratch.path} is open to others: its mode is 0750, chmod 0700`,
    ])
  })

  test('a certificate’s file is a secret only where it holds the key as well', () => {
    const both = apnsCertificate.replaceAll(/"cert\.(pem|key)"/g, '"cert-both.pem"')
    const secretFiles = (toml: string) =>
      sound(toml)
        .files.filter(({ isSecret }) => isSecret)
        .map(({ file }) => file)
    expect(secretFiles(component + apnsCertificate)).toEqual([join(dir, 'cert.key')])
    expect(secretFiles(component + both)).toEqual([join(dir, 'cert-both.pem'), join(dir, 'cert-both.pem')])
  })
})

describe.skipIf(own.uid !== 0)('check run by root compares files with', () => {
  test('the owner of data_dir', () => {
    using scratch = scratchDirectory()
    chownSync(scratch.path, 4321, 1234)
    expect(daemonUser(scratch.path)).toEqual({ uid: 4321, gid: 1234 })
  })

  test('the User= of the unit where there is no data_dir yet', () => {
    using scratch = scratchDirectory()
    writeFileSync(join(scratch.path, 'xmpp-pushd.service'), '[Service]\nUser=daemon\nGroup=daemon\n')
    const { uid, gid } = daemonUser('/nowhere', ['/no/such/folder', scratch.path])
    expect({ uid, gid }).toEqual({ uid: 1, gid: 1 })
    expect(daemonUser('/nowhere', [])).toEqual(own)
  })
})
