// It is over 300 lines: the tests are the life of one installation, in order.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Container } from '../support/container.ts'
import { buildPackage, laterPackage } from '../support/debian-package.ts'
import { lacks } from '../support/installed.ts'
import { until } from '../support/until.ts'

const unit = 'xmpp-pushd.service'
const unitFile = '/usr/lib/systemd/system/xmpp-pushd.service'
const configFile = '/etc/xmpp-pushd/config.toml'
const tokenFile = '/var/lib/xmpp-pushd/http.token'
const domain = 'push.example.test'
const config = `[[component]]
domain = "${domain}"

[content]
include_body = true

[mongoosepush]
url = "http://127.0.0.1:8080"
`

const secretFile = `/etc/xmpp-pushd/secrets/${domain}`
/** What is typed to the server end that stands in for a chat server. */
const desk = '/root/desk'

const cannotRun = [lacks('systemd-nspawn'), lacks('debootstrap'), lacks('dpkg-deb')].some(Boolean)

describe.skipIf(cannotRun)('the Debian package, on a Debian with systemd', { timeout: 120_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'pushd-service-'))
  let container: Container
  let deb: string

  beforeAll(async () => {
    const [booted, built] = await Promise.all([Container.boot(), buildPackage(dir)])
    container = booted
    deb = built
  }, 600_000)

  afterEach(async ({ task }) => {
    // What the test cannot know: how the daemon tells it.
    if (task.result?.state === 'fail') console.log(await container.journal(unit))
  })

  afterAll(async () => {
    await container?.[Symbol.asyncDispose]()
    rmSync(dir, { recursive: true, force: true })
  }, 60_000)

  const mainPid = () => container.property(unit, 'MainPID')
  const signOfLifeUs = async () => Number(await container.property(unit, 'WatchdogTimestampMonotonic'))
  const statusText = () => container.property(unit, 'StatusText')

  async function state(): Promise<string> {
    const of = (name: string) => container.property(unit, name)
    return `${await of('ActiveState')}/${await of('SubState')}`
  }

  /** Sets this in place of what the unit says; without it, all is as the unit says again. */
  async function override(setting = ''): Promise<void> {
    const folder = `/etc/systemd/system/${unit}.d`
    if (setting === '') await container.output('rm', '-r', folder)
    else container.write(`${folder}/test.conf`, `[Service]\n${setting}\n`)
    await container.output('systemctl', 'daemon-reload')
  }

  /** Runs a command line as a unit of its own. */
  async function inBackground(name: string, commandLine: string): Promise<void> {
    await container.output('systemd-run', '--quiet', `--unit=${name}`, 'sh', '-c', commandLine)
  }

  /** What the daemon answers to a GET. */
  async function get(path: string, token = ''): Promise<{ status: number; body: string }> {
    const program = `
      const [, url, token] = process.argv
      const headers = token === '' ? {} : { authorization: 'Bearer ' + token }
      const response = await fetch(url, { headers })
      console.log(JSON.stringify({ status: response.status, body: await response.text() }))`
    const node = ['/usr/lib/xmpp-pushd/node', '--input-type=module', '-e', program] as const
    return JSON.parse(await container.output(...node, `http://127.0.0.1:9590${path}`, token))
  }

  async function ready(): Promise<void> {
    // Until it listens, there is no answer at all.
    const isReady = async () => (await get('/readyz').catch(() => undefined))?.status === 200
    await until('the daemon to be ready', isReady, 30_000)
  }

  /** The sum of a metric's series with this label. */
  async function metric(name: string, label = ''): Promise<number> {
    const { body } = await get('/metrics')
    const series = body.split('\n').filter((line) => line.split(/[ {]/)[0] === name && line.includes(label))
    return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Has the chat server publish a message; what the gateway is then asked to push. */
  async function pushed(body: string): Promise<string> {
    const requests = async () =>
      (await container.journal('gateway')).split('\n').filter((line) => line.includes('/v3/notification/'))
    const before = (await requests()).length
    container.append(desk, `publish phone apns device-1 alice@example.test ${body}\n`)
    return until('the push', async () => (await requests())[before])
  }

  /** How often systemd has started it again by itself. */
  const restartsOf = () => container.property(unit, 'NRestarts')

  /** How many streams the daemon has opened and ended, and how many push nodes it has. */
  async function streamsAndNodes(): Promise<{ opened: number; ended: number; nodes: number }> {
    const chat = await container.journal('chat')
    return {
      opened: chat.match(/<handshake>/g)?.length ?? 0,
      ended: chat.match(/<\/stream:stream>/g)?.length ?? 0,
      nodes: await metric('xmpp_pushd_nodes'),
    }
  }

  test('starts the daemon when it is installed, as a user of its own, without rights and without a Node.js around', async () => {
    container.copyIn(deb, 'root/first.deb')
    await container.output('dpkg', '--install', '/root/first.deb')

    expect(await state()).toBe('active/running')
    expect(await container.output('systemctl', 'is-enabled', unit)).toBe('enabled')
    expect((await container.run('node', '--version')).code).toBe(127)
    expect(await container.output('xmpp-pushd', 'check')).toContain('no faults')
    expect(await container.output('stat', '--format=%a %U:%G', configFile)).toBe('640 root:xmpp-pushd')
    expect(await container.output('stat', '--format=%a %U:%G', '/var/lib/xmpp-pushd')).toBe(
      '700 xmpp-pushd:xmpp-pushd',
    )
    // Made before the first start, which makes none then; as the service's user, who alone may read it.
    expect(await container.output('stat', '--format=%a %U:%G', tokenFile)).toBe('600 xmpp-pushd:xmpp-pushd')
    expect(container.read(tokenFile)).toMatch(/^[0-9a-f]{64}$/)
    expect(await container.journal(unit)).not.toContain('created the token')
    // Its levels are the journal's.
    const warnings = await container.output('journalctl', '-q', '-o', 'cat', '-u', unit, '-p', 'warning')
    expect(warnings).toMatch(/^\{"level":"warn".*there is no \[\[component\]\].*\}$/)
    const status = await container.output('cat', `/proc/${await mainPid()}/status`)
    expect(status).not.toMatch(/^Uid:\s+0\b/m)
    expect(status).toMatch(/^CapEff:\s+0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    expect(status).toMatch(/^Seccomp:\s+2$/m)
  })

  test('has a unit in which systemd finds no fault, and calls its exposure 2.0 or less', async () => {
    expect(await container.output('systemd-analyze', 'verify', '--man=no', unitFile)).toBe('')
    const judged = await container.output('systemd-analyze', 'security', '--offline=true', unitFile)
    const [, exposure] = /Overall exposure level for xmpp-pushd\.service: (\d+\.\d)/.exec(judged) ?? []
    expect(Number(exposure)).toBeLessThanOrEqual(2)
  })

  test('says which secret is missing, and is not started again before there is one', async () => {
    container.write(configFile, config)
    expect((await container.run('systemctl', 'restart', unit)).code).not.toBe(0)
    expect(await state()).toBe('failed/failed')
    expect(await container.property(unit, 'ExecMainStatus')).toBe('78')
    expect(await container.property(unit, 'NRestarts')).toBe('0')
    expect(await container.journal(unit)).toContain(`a systemd credential named ${domain}`)
  })

  test('takes the secret of a domain as a credential, and a push goes through', async () => {
    await inBackground('gateway', 'xmpp-pushd sandbox gateway --port 8080')
    container.write(desk, '')
    const chat = `xmpp-pushd sandbox xmpp --domain ${domain} --secret 'a secret' --port 5347`
    await inBackground('chat', `tail -f ${desk} | ${chat}`)
    // Root's alone: systemd hands it to the daemon.
    container.write(secretFile, 'a secret\n')
    await container.output('chmod', '600', secretFile)
    await container.output('systemctl', 'restart', unit)

    await ready()
    container.append(desk, 'create phone\naffiliate phone example.test publish-only\n')
    await until('the node', async () => (await metric('xmpp_pushd_nodes')) === 1)
    expect(await pushed('before the frost')).toContain('"body":"before the frost"')
    expect(await metric('xmpp_pushd_component_connected')).toBe(2)
    expect(await metric('xmpp_pushd_publishes_total', 'result="delivered"')).toBe(1)
    expect(await metric('process_open_fds')).toBeGreaterThan(0)
  })

  test('asks for the token that was made at its installation, and its commands know it', async () => {
    expect((await get('/admin/streams')).status).toBe(401)
    const token = container.read(tokenFile)
    expect((await get('/admin/streams', token)).status).toBe(200)
    const list = ['xmpp-pushd', 'subscriptions', 'list'] as const
    expect(await container.output(...list)).toBe('')
    expect(await container.output('runuser', '-u', 'xmpp-pushd', '--', ...list)).toBe('')
    const { code, output } = await container.run('runuser', '-u', 'nobody', '--', ...list)
    expect({ code, output }).toMatchObject({ code: 78 })
  })

  test('opens no inspector at SIGUSR1', async () => {
    const pid = await mainPid()
    await container.output('sh', '-c', `kill -USR1 ${pid}`)
    expect((await get('/healthz')).status).toBe(200)
    expect(await mainPid()).toBe(pid)
    expect(await container.journal(unit)).not.toContain('Debugger')
    expect(await container.output('cat', `/proc/${pid}/cmdline`)).toContain('--disable-sigusr1')
  })

  test('tells systemd how it is', async () => {
    const connected = async () => /^1 of 1 domains connected/.test(await statusText())
    await until('its status', connected, 30_000)
  })

  test('is killed by the watchdog when it is frozen, and started again', async () => {
    // Not to wait for half a minute.
    await override('WatchdogSec=2')
    await container.output('systemctl', 'restart', unit)
    await ready()
    const frozen = await mainPid()
    await container.output('sh', '-c', `kill -STOP ${frozen}`)
    await until('the restart', async () => (await container.property(unit, 'NRestarts')) === '1', 30_000)
    await ready()
    expect(await mainPid()).not.toBe(frozen)
    expect(await container.journal(unit)).toContain('Watchdog timeout')
    expect(await pushed('after the frost')).toContain('"body":"after the frost"')
    // It lives longer than the watchdog waits for a sign of life.
    const [pid, sinceUs] = [await mainPid(), await signOfLifeUs()]
    await until('more signs of life', async () => (await signOfLifeUs()) > sinceUs + 2_500_000)
    expect(await mainPid()).toBe(pid)
    await override()
  })

  test('takes over a changed configuration when it is reloaded', async () => {
    container.write(configFile, config.replace('include_body = true', 'include_body = false'))
    const pid = await mainPid()
    await container.output('systemctl', 'reload', unit)
    await until('it', async () => (await container.journal(unit)).includes('configuration reread'))
    expect(await pushed('nobody sees this')).toContain('You have a new message')
    expect(await mainPid()).toBe(pid)
    expect(await state()).toBe('active/running')
  })

  test('hands over to a successor when a reload needs a restart: no stream ends, and the unit stays active', async () => {
    const [pid, before, starts] = [await mainPid(), await streamsAndNodes(), await restartsOf()]
    const changed = `${config}[queue]\nmax_pending = 5_000\n`
    container.write(configFile, changed)
    await container.output('systemctl', 'reload', unit)
    await until('the successor', async () => (await mainPid()) !== pid, 30_000)
    await until('the status', async () => /^1 of 1 domains connected/.test(await statusText()))
    expect(await state()).toBe('active/running')
    expect(await restartsOf()).toBe(starts)
    expect(await metric('xmpp_pushd_pending_limit')).toBe(5_000)
    expect(await pushed('after the handover')).toContain('"body":"after the handover"')
    expect(await streamsAndNodes()).toEqual(before)
    expect(await container.journal(unit)).not.toContain('is not our child')
    await until('the old process to be gone', async () => {
      const { code } = await container.run('test', '-e', `/proc/${pid}`)
      return code === 1
    })
  })

  test('hands over at SIGUSR2, and the watchdog goes on with the successor', async () => {
    await override('WatchdogSec=2')
    await container.output('systemctl', 'restart', unit)
    await ready()
    const [pid, starts] = [await mainPid(), await restartsOf()]
    await container.output('systemctl', 'kill', '--kill-who=main', '-s', 'USR2', unit)
    await until('the successor', async () => (await mainPid()) !== pid, 30_000)
    const sinceUs = await signOfLifeUs()
    await until('more signs of life', async () => (await signOfLifeUs()) > sinceUs + 2_500_000)
    expect(await restartsOf()).toBe(starts)
    await override()
  })

  test('lets a successor finish what is under way when it is stopped', async () => {
    container.write(configFile, `${config}[push]\nreply_deadline_ms = 3_000\n`)
    await container.output('systemctl', 'restart', unit)
    await ready()
    const pid = await mainPid()
    await container.output('xmpp-pushd', 'restart')
    expect(await mainPid()).not.toBe(pid)
    await ready()
    container.append(desk, 'publish phone apns hang-2 alice@example.test nobody answers\n')
    await until('the push to be under way', async () => (await metric('xmpp_pushd_pending')) === 1)
    await container.output('systemctl', 'stop', unit)
    expect(await container.property(unit, 'Result')).toBe('success')
    expect(await container.output('journalctl', '--quiet', '-o', 'cat', '-u', unit, '-n', '20')).toContain(
      '"stopped"',
    )
    container.write(configFile, config)
    await container.output('systemctl', 'start', unit)
    await ready()
  })

  test('keeps what it has when the reloaded configuration is faulty, and says so in its status', async () => {
    container.append(configFile, 'nonsense = 1\n')
    await container.output('systemctl', 'reload', unit)
    const told = async () => /configuration file is faulty/.test(await statusText())
    await until('its status', told)
    expect(await state()).toBe('active/running')
    container.write(configFile, config)
    await container.output('systemctl', 'reload', unit)
    await until('its status', async () => !(await told()))
  })

  test('stops cleanly, and ends its streams', async () => {
    await container.output('systemctl', 'stop', unit)
    expect(await state()).toBe('inactive/dead')
    expect(await container.property(unit, 'Result')).toBe('success')
    expect(await container.property(unit, 'ExecMainStatus')).toBe('0')
    expect((await container.journal('chat')).match(/<\/stream:stream>/g)?.length).toBeGreaterThanOrEqual(2)
  })

  test('is given the time that it needs to answer what is under way, whatever the unit allows', async () => {
    await override('TimeoutStopSec=1')
    container.write(configFile, `${config}[push]\nreply_deadline_ms = 3_000\n`)
    await container.output('systemctl', 'start', unit)
    await ready()
    container.append(desk, 'publish phone apns hang-1 alice@example.test nobody answers\n')
    await until('the push to be under way', async () => (await metric('xmpp_pushd_pending')) === 1)
    await container.output('systemctl', 'stop', unit)
    expect(await container.property(unit, 'Result')).toBe('success')
    container.write(configFile, config)
    await override()
  })

  test('is started again and again while its port is taken, until it is free', async () => {
    await inBackground('squatter', 'xmpp-pushd sandbox gateway --port 9590 --quiet')
    await until('it', async () => (await container.journal('squatter')).includes('gateway sandbox on'))
    expect((await container.run('systemctl', 'start', unit)).code).not.toBe(0)
    expect(await container.property(unit, 'ExecMainStatus')).toBe('75')
    await container.output('systemctl', 'stop', 'squatter')
    await until('its start', async () => (await state()) === 'active/running', 30_000)
    await ready()
  })

  test("keeps its data and the administrator's configuration when it is upgraded", async () => {
    const [pid, token] = [await mainPid(), container.read(tokenFile)]
    const [before, starts] = [await streamsAndNodes(), await restartsOf()]
    laterPackage(deb, join(dir, 'second.deb'), '99.0.0')
    container.copyIn(join(dir, 'second.deb'), 'root/second.deb')
    await container.output('dpkg', '--force-confdef', '--force-confold', '--install', '/root/second.deb')

    expect(await mainPid()).not.toBe(pid)
    expect(await restartsOf()).toBe(starts)
    await ready()
    expect(await streamsAndNodes()).toEqual(before)
    expect(await metric('xmpp_pushd_build_info', 'version="99.0.0"')).toBe(1)
    expect(container.read(tokenFile)).toBe(token)
    expect(container.read(configFile)).toBe(config)
    expect(container.read(`${configFile}.dpkg-dist`)).toContain('# New in 99.')
    expect(await container.output('stat', '--format=%a %U:%G', configFile)).toBe('640 root:xmpp-pushd')
    expect(await pushed('after the upgrade')).toContain('"body":"after the upgrade"')
  })

  test('leaves data and configuration when it is removed, and nothing else', async () => {
    await container.output('systemctl', 'stop', 'chat', 'gateway')
    await container.output('dpkg', '--remove', 'xmpp-pushd')
    expect(await state()).toBe('inactive/dead')
    expect(await container.property(unit, 'LoadState')).toBe('not-found')
    for (const gone of ['/usr/lib/xmpp-pushd', '/usr/bin/xmpp-pushd', unitFile]) {
      expect(container.exists(gone)).toBe(false)
    }
    expect(container.exists('/var/lib/xmpp-pushd/store.mdb')).toBe(true)
    expect(container.read(configFile)).toBe(config)
  })

  test('leaves nothing but the user when it is purged', async () => {
    await container.output('dpkg', '--purge', 'xmpp-pushd')
    expect(await container.output('find', '/etc', '/usr', '/var', '-name', '*xmpp-pushd*')).toBe('')
    expect(await container.output('id', '--user', '--name', 'xmpp-pushd')).toBe('xmpp-pushd')
  })
})
