import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { defaultsText } from '../../../src/main/config/defaults-text.ts'
import { defaultConfig, type LoadedConfig, loadConfig } from '../../../src/main/config/load.ts'
import { headedTables, valueKeys } from '../../../src/main/config/schema.ts'

function load(toml: string): LoadedConfig {
  return loadConfig(Buffer.from(toml), 'defaults.toml', { folder: '/', credentials: undefined })
}

const lists = [...headedTables()].filter(({ many }) => many)

describe('the text of config --defaults', () => {
  test('loads to exactly the defaults', () => {
    const loaded = load(defaultsText())
    expect(loaded).toMatchObject({ kind: 'loaded' })
    if (loaded.kind === 'loaded') expect(loaded.config).toEqual(defaultConfig())
  })

  test('says every default itself: nothing is left to be filled in', () => {
    const document = parse(defaultsText())
    const missing = [...valueKeys()].filter(([path, key]) => {
      if (lists.some((list) => path.startsWith(`${list.path}.`))) return false
      const value = path
        .split('.')
        .reduce<unknown>((table, name) => (table as Record<string, unknown>)[name], document)
      return JSON.stringify(value) !== JSON.stringify(key.default)
    })
    expect(missing.map(([path]) => path)).toEqual([])
  })

  test('has a comment above every key, settings that are switched off included', () => {
    const lines = defaultsText().split('\n')
    const bare = lines.filter(
      (line, i) =>
        /^#?[a-z_.]+ = /.test(line) && !/^#/.test(lines[i - 1] ?? '') && !/ = /.test(lines[i - 1] ?? ''),
    )
    expect(bare).toEqual([])
    expect([...valueKeys()].filter(([, key]) => (key.description ?? '') === '')).toEqual([])
  })

  test.each(lists)('names every key of $header', ({ path, header }) => {
    const text = defaultsText()
    const [, block = ''] = text.split(`\n#${header}\n`)
    for (const [key] of valueKeys()) {
      if (key.startsWith(`${path}.`)) expect(block).toContain(`\n#${key.slice(path.length + 1)} = `)
    }
  })

  test('has a component that works once its marks are taken away', () => {
    const text = defaultsText()
    const block = text.slice(text.indexOf('#[[component]]'), text.indexOf('[push]'))
    const live = block.replaceAll(/^#(?=\S)/gm, '').replace(/secret_file = .*/, 'secret_file = ""')
    const loaded = load(live.replace('secret = ""', 'secret = "x"'))
    expect(loaded).toMatchObject({
      kind: 'loaded',
      config: { component: [{ domain: 'pubsub.example.com' }] },
    })
  })

  test('says what a SIGHUP changes', () => {
    const text = defaultsText().replaceAll('\n# ', ' ')
    expect(text).toMatch(/ [^\n]*\(reload\)\nlevel = "info"\n/)
    expect(text).not.toMatch(/\(reload\)\ndata_dir/)
  })

  test('fits a terminal', () => {
    expect(
      defaultsText()
        .split('\n')
        .filter((line) => line.length > 100),
    ).toEqual([])
  })
})
