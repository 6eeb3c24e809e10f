import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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
    for (const words of [['start'], ['store', 'stats'], ['store', 'check']]) {
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
  expect(output).toContain('is a symbolic link: name in data_dir what it points to')
})

test('a data_dir that cannot be made is said at once: exit code 75', async () => {
  const { code, output } = await run(['start'], '/proc/nope/data')
  expect(code).toBe(exitCodes.tempFail)
  expect(output).toContain('cannot open the store /proc/nope/data/store.mdb')
}, 20_000)
