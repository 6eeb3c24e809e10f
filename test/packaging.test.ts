import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandPage, configurationPage } from '../scripts/man-pages.ts'
import { startingConfig } from '../scripts/starting-config.ts'
import { commands } from '../src/main/command-line.ts'
import { storeUsage } from '../src/main/commands/store.ts'
import { subscriptionsUsage } from '../src/main/commands/subscriptions.ts'
import { defaultConfig, loadConfig } from '../src/main/config/load.ts'
import { valueKeys } from '../src/main/config/schema.ts'
import { exitCodes } from '../src/main/exit-codes.ts'
import { dir as keys } from './main/config/loading.ts'
import './main/config/provider-files.ts'

const root = join(import.meta.dirname, '..')

function load(toml: string) {
  return loadConfig(Buffer.from(toml), 'config.toml', { folder: '/etc/xmpp-pushd', credentials: undefined })
}

describe('the configuration that packages install', () => {
  test('sets nothing: a later version may bring other defaults', () => {
    expect(startingConfig()).not.toMatch(/^[\w.]+ =/m)
    expect(load(startingConfig())).toMatchObject({ kind: 'loaded', config: defaultConfig() })
  })

  test('shows every key, with a mark that only has to be taken away', () => {
    const shown = startingConfig()
    for (const [path] of valueKeys()) {
      const last = path.split('.').at(-1)
      expect(shown).toMatch(new RegExp(`^#[\\w.]*\\b${last} = `, 'm'))
    }
    const live = shown
      .replaceAll(/^#(?=[\w[])/gm, '')
      .replace(/^secret_file = .*$/m, 'secret_file = ""')
      .replace(/^secret = ""$/m, 'secret = "x"')
      .replace('/etc/xmpp-pushd/service-account.json', join(keys, 'account.json'))
      .replace('/etc/xmpp-pushd/AuthKey_ABC123DEFG.p8', join(keys, 'apns.p8'))
      .replaceAll(/^(virtual_pubsub_hosts|served_hosts|hosts) = \[\]$/gm, '')
    expect(load(live)).toMatchObject({ kind: 'loaded' })
  })
})

describe('the manual', () => {
  /** As it is read: without what marks it up. */
  const plain = (page: string) => page.replaceAll('\\-', '-')

  test('names every command, option and exit code', () => {
    const page = plain(commandPage())
    for (const { name, options } of commands) {
      expect(page).toMatch(new RegExp(`^\\.B ${name}\\b`, 'm'))
      for (const option of Object.keys(options)) expect(page).toContain(`\n.B --${option}`)
    }
    for (const usage of [storeUsage, subscriptionsUsage]) {
      for (const word of usage.match(/^[a-z-]+(?= {2,}| [A-Z])|--[a-z-]+/gm) ?? [])
        expect(page).toContain(word)
    }
    for (const code of Object.values(exitCodes)) expect(page).toContain(`\n.B ${code}\n`)
  })

  test('names every key of the configuration, once', () => {
    const entries = plain(configurationPage()).match(/^\.B [\w.]+$/gm) ?? []
    expect(entries).toHaveLength([...valueKeys()].length)
  })

  test('has no line that is a request by mistake', () => {
    for (const page of [commandPage(), configurationPage()]) {
      const requests = page.split('\n').filter((line) => /^[.']/.test(line))
      expect(requests.filter((line) => !/^\.(TH|SH|TP|RS|RE|B|I|BR|RI|nh|ad|nf|fi)\b/.test(line))).toEqual([])
    }
  })
})

describe("the Debian package's scripts", () => {
  test.each(['postinst', 'prerm', 'postrm', 'xmpp-pushd.sh'])('%s is sound', (file) => {
    const checked = spawnSync('sh', ['-n', join(root, 'packaging/deb', file)], { encoding: 'utf8' })
    expect(checked).toMatchObject({ status: 0, stderr: '' })
  })

  test('start a Node.js that opens no inspector, from its first instruction on', () => {
    const wrapper = readFileSync(join(root, 'packaging/deb/xmpp-pushd.sh'), 'utf8')
    expect(wrapper).toMatch(/^exec \/usr\/lib\/xmpp-pushd\/node --disable-sigusr1 /m)
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(scripts.start).toContain('node --disable-sigusr1 src/main/cli.ts')
  })
})
