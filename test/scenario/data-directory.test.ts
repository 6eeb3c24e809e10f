import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/main/exit-codes.ts'
import { Child } from '../support/child.ts'
import { startDaemon } from '../support/daemon.ts'

const commandLine = new URL('../../src/main/cli.ts', import.meta.url).pathname

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'pushd-data-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A command about a data directory, to its end. */
async function run(words: readonly string[], dataDir: string) {
  using directory = folder()
  const config = join(directory.path, 'pushd.toml')
  writeFileSync(config, `data_dir = ${JSON.stringify(dataDir)}\nhttp.listen = "127.0.0.1:0"\n`)
  const child = new Child(process.execPath, [commandLine, ...words, '--config', config])
  const { code } = await child.exited
  return { code, output: child.output }
}

describe('a store that is lost', () => {
  test('keeps the daemon from starting with a new one: exit code 78 and the cure', async () => {
    await using daemon = await startDaemon({}, 'alive')
    expect(await daemon.stop()).toBe(exitCodes.ok)
    const data = join(daemon.dir, 'data')
    rmSync(join(data, 'store.mdb'))
    for (const words of [['start'], ['check'], ['store', 'stats'], ['store', 'check']]) {
      const { code, output } = await run(words, data)
      expect({ words, code }).toEqual({ words, code: exitCodes.config })
      expect(output).toMatch(/says that there is a store since \d{4}-.*restore a backup; or, .* delete/)
    }
    rmSync(join(data, 'store.json'))
    await daemon.start('alive')
    expect(await daemon.stop()).toBe(exitCodes.ok)
  })

  test('is what an id and a time tell, which store stats shows', async () => {
    await using daemon = await startDaemon({}, 'alive')
    await daemon.stop()
    const data = join(daemon.dir, 'data')
    const { output } = await run(['store', 'stats'], data)
    const { id, since } = JSON.parse(readFileSync(join(data, 'store.json'), 'utf8')) as Record<string, string>
    expect(JSON.parse(output)).toMatchObject({ id, since })
  })
})

test('a data_dir that is not the daemon’s alone keeps it from starting: exit code 78', async () => {
  using directory = folder()
  mkdirSync(join(directory.path, 'real'))
  symlinkSync('real', join(directory.path, 'link'))
  const { code, output } = await run(['start'], join(directory.path, 'link'))
  expect(code).toBe(exitCodes.config)
  expect(output).toContain('is a symbolic link: name the directory that it points to')
})

test('a data_dir that cannot be made is said at once: exit code 75', async () => {
  const { code, output } = await run(['start'], '/proc/nope/data')
  expect(code).toBe(exitCodes.tempFail)
  expect(output).toContain('cannot open the store /proc/nope/data/store.mdb')
}, 20_000)

describe('check', () => {
  /** With a secret that others can read, or not. */
  async function check(mode: number, ...options: string[]) {
    using directory = folder()
    const config = join(directory.path, 'pushd.toml')
    writeFileSync(join(directory.path, 'secret'), 'hush', { mode })
    writeFileSync(
      config,
      'data_dir = "data"\n[[component]]\ndomain = "push.test"\nsecret_file = "secret"\n' +
        '[push]\nserved_hosts = ["test"]\n',
      { mode: 0o644 },
    )
    const child = new Child(process.execPath, [commandLine, 'check', ...options, '--config', config])
    const { code } = await child.exited
    return { code, output: child.output.replaceAll(`${directory.path}/`, '') }
  }
  const note = 'note: component[0].secret_file secret holds a secret and can be read by others'

  test('has notes of what is open to others: exit code 0, and 78 with --strict', async () => {
    const lenient = await check(0o644)
    expect(lenient.code).toBe(exitCodes.ok)
    expect(lenient.output).toContain(`pushd.toml: ${note}`)
    expect(lenient.output).toContain('no faults')
    const strict = await check(0o644, '--strict')
    expect(strict.code).toBe(exitCodes.config)
    expect(strict.output).toContain(`pushd.toml: ${note}`)
    expect(strict.output).not.toContain('no faults')
    expect(await check(0o600, '--strict')).toEqual({
      code: exitCodes.ok,
      output: 'pushd.toml: no faults\n',
    })
  })

  test('takes a data_dir that start would refuse for a fault: exit code 78', async () => {
    using directory = folder()
    mkdirSync(join(directory.path, 'real'), { mode: 0o700 })
    symlinkSync('real', join(directory.path, 'link'))
    const { code, output } = await run(['check'], join(directory.path, 'link'))
    expect(code).toBe(exitCodes.config)
    expect(output).toContain('is a symbolic link: name the directory that it points to')
  })
})

test('start says what check notes, as warnings', async () => {
  await using daemon = await startDaemon({ push: { virtual_pubsub_hosts: ['push.test'] } }, 'alive')
  await daemon.stop()
  daemon.configure({
    data_dir: join(daemon.dir, 'data'),
    http: { listen: new URL(daemon.url).host },
    component: [{ domain: 'push.test', server: '127.0.0.1:9', secret: 'x', pubsub: false }],
    push: { virtual_pubsub_hosts: ['push.test'] },
  })
  chmodSync(daemon.configFile, 0o644)
  await daemon.start('alive')
  const warnings = daemon.complaints.map(({ msg }) => msg)
  expect(warnings).toContainEqual(expect.stringMatching(/^component\[0\]\.publishers is "any"/))
  expect(warnings).toContainEqual(expect.stringMatching(/^the configuration file \S+ holds a secret/))
})
