import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../../../src/main/config/config.ts'
import { loadConfig } from '../../../src/main/config/load.ts'
import { changedKeys } from '../../../src/main/config/reload.ts'

const dir = mkdtempSync(join(tmpdir(), 'pushd-reload-'))
afterAll(() => rmSync(dir, { recursive: true }))

function config(toml: string): Config {
  const loaded = loadConfig(Buffer.from(toml), 'x.toml', { folder: dir, credentials: undefined })
  if (loaded.kind === 'faulty') throw new Error(loaded.faults.join('\n'))
  return loaded.config
}

const a = '[[component]]\ndomain = "a.example"\nsecret = "x"\n'
const b = '[[component]]\ndomain = "b.example"\nsecret = "y"\n'

describe('a reread configuration', () => {
  test('without a change changes nothing', () => {
    const { config: merged, applied, needsRestart } = changedKeys(config(a + b), config(a + b))
    expect({ applied, needsRestart }).toEqual({ applied: [], needsRestart: [] })
    expect(merged).toEqual(config(a + b))
  })

  test('changes what may change while running, and keeps the rest as it is', () => {
    const running = config(`${a}tags = ["old"]\n[log]\nlevel = "info"\n[queue]\nmax_pending = 5`)
    const next = config(
      `${a}tags = ["new"]\nconnections = 4\n[log]\nlevel = "debug"\nformat = "pretty"\n[queue]\nmax_pending = 9`,
    )
    const reload = changedKeys(running, next)
    expect(reload.applied).toEqual(['log.level', 'component(a.example).tags'])
    expect(reload.needsRestart).toEqual([
      'log.format',
      'queue.max_pending',
      'component(a.example).connections',
    ])
    expect(reload.config.log).toEqual({ level: 'debug', format: 'json' })
    expect(reload.config.queue.max_pending).toBe(5)
    expect(reload.config.component[0]).toMatchObject({ tags: ['new'], connections: 2 })
    expect(Object.isFrozen(reload.config.component[0])).toBe(true)
  })

  test('names domains that come and go, whatever their order', () => {
    const {
      config: merged,
      applied,
      needsRestart,
    } = changedKeys(
      config(a + b),
      config(`${b}publishers = "servers"\n${a.replace('a.example', 'c.example')}`),
    )
    expect(applied).toEqual(['component(b.example).publishers'])
    expect(needsRestart).toEqual(['component(c.example)', 'component(a.example)'])
    expect(merged.component.map(({ domain }) => domain)).toEqual(['a.example', 'b.example'])
  })

  test('takes a new token from the same file, and a new secret only at the next start', () => {
    const toml = '[[component]]\ndomain = "a.example"\nsecret_file = "secret"\n[http]\ntoken_file = "token"'
    writeFileSync(join(dir, 'token'), 'one')
    writeFileSync(join(dir, 'secret'), 'one')
    const running = config(toml)
    writeFileSync(join(dir, 'token'), 'two')
    writeFileSync(join(dir, 'secret'), 'two')
    const reload = changedKeys(running, config(toml))
    expect(reload.applied).toEqual(['http.token_file'])
    expect(reload.needsRestart).toEqual(['component(a.example).secret'])
    expect(reload.config.http.token?.reveal()).toBe('two')
    expect(reload.config.component[0]?.secret.reveal()).toBe('one')
  })
})
