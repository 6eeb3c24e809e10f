import { existsSync, mkdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname
const made = 'created the token for /v1 and /admin'

const fileOf = (daemon: Daemon) => join(daemon.dir, 'data', 'http.token')
const times = (daemon: Daemon, line: string) => daemon.log.filter(({ msg }) => msg === line).length

async function listed(daemon: Daemon): Promise<{ code: number | null; output: string }> {
  const list = [commandLine, 'subscriptions', 'list', '--config', daemon.configFile]
  const child = new Child(process.execPath, list)
  const { code } = await child.exited
  return { code, output: child.output }
}

async function reread(daemon: Daemon): Promise<void> {
  const before = times(daemon, 'configuration reread')
  daemon.signal('SIGHUP')
  await until('the reload', () => times(daemon, 'configuration reread') > before)
}

describe('/v1 and /admin always want a token', () => {
  test('start without one makes data_dir/http.token, for its user alone, says so once, and keeps it', async () => {
    await using daemon = await startDaemon({}, 'alive')
    expect(statSync(fileOf(daemon)).mode & 0o777).toBe(0o600)
    expect(daemon.token).toMatch(/^[\w-]{43}$/)
    expect(existsSync(`${fileOf(daemon)}.new`)).toBe(false)
    expect((await fetch(`${daemon.url}/admin`)).status).toBe(401)
    expect((await fetch(`${daemon.url}/v1/publish`, { method: 'POST' })).status).toBe(401)
    expect((await daemon.request('/admin')).status).toBe(200)

    const first = daemon.token
    await daemon.stop()
    await daemon.start('alive')
    expect(daemon.token).toBe(first)
    expect(times(daemon, made)).toBe(1)
    expect(daemon.output).not.toContain(first)
  })

  test('commands of xmpp-pushd read it', async () => {
    await using daemon = await startDaemon({}, 'alive')
    expect(await listed(daemon)).toEqual({ code: 0, output: '' })
    unlinkSync(fileOf(daemon))
    const { code, output } = await listed(daemon)
    expect(code).toBe(78)
    expect(output).toMatch(
      /token cannot be read \(ENOENT.*http\.token'\): .*run this as root or as the daemon's user/,
    )
  })

  test('a new one is taken over with SIGHUP, and made when the file is gone', async () => {
    await using daemon = await startDaemon({}, 'alive')
    writeFileSync(fileOf(daemon), 'my-own-token\n')
    expect((await daemon.request('/admin')).status).toBe(401)
    await reread(daemon)
    expect((await daemon.request('/admin')).status).toBe(200)
    unlinkSync(fileOf(daemon))
    await reread(daemon)
    expect(
      (await fetch(`${daemon.url}/admin`, { headers: { authorization: 'Bearer my-own-token' } })).status,
    ).toBe(401)
    expect((await daemon.request('/admin')).status).toBe(200)
  })

  test('that of http.token_file counts where it is named, and no other', async () => {
    await using daemon = await startDaemon({}, 'alive')
    const own = daemon.token
    const named = join(daemon.dir, 'named.token')
    writeFileSync(named, 'the-named-one\n')
    daemon.configure({
      data_dir: join(daemon.dir, 'data'),
      http: { listen: new URL(daemon.url).host, token_file: named },
    })
    await reread(daemon)
    const status = async (token: string) =>
      (await fetch(`${daemon.url}/admin`, { headers: { authorization: `Bearer ${token}` } })).status
    expect(await status('the-named-one')).toBe(200)
    expect(await status(own)).toBe(401)
    expect((await listed(daemon)).code).toBe(0)
  })

  test('a file of data_dir that holds no token closes them, is named in the log, and costs no push', async () => {
    await using daemon = await startDaemon({}, 'alive')
    await daemon.stop()
    writeFileSync(fileOf(daemon), 'two words\n')
    await daemon.start('alive')
    for (const headers of [
      {},
      { authorization: 'Bearer two words' },
      { authorization: 'Bearer undefined' },
    ]) {
      expect((await fetch(`${daemon.url}/admin`, { headers })).status).toBe(401)
    }
    const [line] = daemon.log.filter(({ level }) => level === 'error')
    expect(line?.msg).toBe('no token for /v1 and /admin: they refuse all requests')
    expect(JSON.stringify(line)).toContain('http.token is not one word: delete the file')
    expect((await fetch(`${daemon.url}/healthz`)).status).toBe(200)

    await daemon.stop()
    rmSync(fileOf(daemon))
    mkdirSync(fileOf(daemon))
    await daemon.start('alive')
    // The system does not name what it cannot read for being a directory.
    expect(daemon.log.findLast(({ level }) => level === 'error')?.file).toBe(fileOf(daemon))
  })

  test('but on a unix socket of mode 0660, for commands as for others', async () => {
    await using daemon = await startDaemon({}, 'alive')
    await daemon.stop()
    const path = join(daemon.dir, 'http.sock')
    daemon.configure({ data_dir: join(daemon.dir, 'data'), http: { listen: `unix:${path}` } })
    rmSync(fileOf(daemon))
    const child = new Child(process.execPath, [commandLine, 'start', '--config', daemon.configFile])
    await until('it to start', () => child.output.includes('"started"'))
    expect(statSync(path).mode & 0o777).toBe(0o660)
    expect(existsSync(fileOf(daemon))).toBe(false)
    expect((await listed(daemon)).code).toBe(0)
    const status = await new Promise((resolve, reject) => {
      const asked = request({ socketPath: path, path: '/admin' }, (answer) =>
        resolve(answer.resume().statusCode),
      )
      asked.on('error', reject).end()
    })
    expect(status).toBe(200)
    child.kill('SIGTERM')
    await child.exited
  })
})
