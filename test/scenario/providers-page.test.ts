import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { runCommandLine } from '../../src/main/command-line.ts'
import { newApnsKey } from '../../src/sandbox/providers/apns.ts'
import { snippet } from '../support/pages.ts'
import { Providers } from '../support/providers.ts'
import { commandsOf, Shell } from '../support/shell.ts'

const page = 'docs/providers.md'
const dir = mkdtempSync(join(tmpdir(), 'pushd-page-'))
afterAll(() => rmSync(dir, { recursive: true }))
const shell = new Shell(dir)
const etc = join(dir, 'etc')

describe('the page about the set-up of FCM and APNs', () => {
  test('makes a key and a request, and PEM of what Apple gives for it', () => {
    shell.run(snippet(page, 'certificate-request'))
    expect(shell.run('openssl req -in apns.csr -noout -verify -subject 2>&1')).toContain('push')
    // Apple's part.
    shell.run('openssl x509 -req -in apns.csr -signkey apns.key -outform der -out aps.cer 2>&1')
    shell.run(snippet(page, 'certificate'))
    const keyOf = (what: string) => shell.run(`openssl ${what} -pubkey -noout 2>/dev/null || true`)
    expect(keyOf('x509 -in apns.pem')).toBe(shell.run('openssl pkey -in apns.key -pubout'))
  })

  test('puts the files where the configuration finds them, and providers take them', async () => {
    await using providers = await Providers.start({
      apns: { keys: [newApnsKey('ABC123DEFG', 'DEF123GHIJ')] },
    })
    shell.write('service-account.json', JSON.stringify(providers.fcm.account))
    shell.write('AuthKey_ABC123DEFG.p8', providers.apns.keys[0]?.key ?? '')
    mkdirSync(etc)
    const install = snippet(page, 'install-keys')
    expect(install).toContain(' -g xmpp-pushd ')
    shell.run(install.replace(' -g xmpp-pushd ', ' ').replace('/etc/xmpp-pushd', etc))

    const text = snippet(page, 'providers').replaceAll('/etc/xmpp-pushd', etc)
    const { gateway } = parse(text) as { gateway: { fcm: object[]; apns: object[] } }
    const tls = { ca_file: providers.file('ca.pem') }
    shell.write(
      'pushd.toml',
      stringify({
        gateway: {
          fcm: gateway.fcm.map((table) => ({ ...table, tls, endpoint: providers.fcm.url })),
          apns: gateway.apns.map((table) => ({ ...table, tls, endpoint: providers.apns.url })),
        },
      }),
    )
    vi.stubEnv('XMPP_PUSHD_CONFIG', join(dir, 'pushd.toml'))
    const out = vi.spyOn(console, 'log').mockReturnValue()
    for (const command of commandsOf(snippet(page, 'check-live'))) {
      const [program, ...args] = command.split(' ')
      expect(program).toBe('xmpp-pushd')
      expect(await runCommandLine(args)).toBe(0)
    }
    const said = out.mock.calls.map(([line]) => String(line))
    out.mockRestore()
    vi.unstubAllEnvs()
    expect(said.filter((line) => line.includes('takes it'))).toHaveLength(3)
  })
})
