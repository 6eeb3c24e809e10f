import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { readmeSnippet } from './support/readme.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
const read = (file: string) => readFileSync(join(root, file), 'utf8')

// The snippets for ejabberd and Prosody, and the one for the app, are what test/integration runs.
describe('the README', () => {
  test('has a configuration that the daemon finds no fault with', () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
    const file = join(dir, 'pushd.toml')
    writeFileSync(file, readmeSnippet('pushd.toml').replace('/var/lib/xmpp-pushd', dir))
    const arguments_ = [join(root, 'src/main/cli.ts'), 'check', '--config', file]
    const { status, stdout, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' })
    rmSync(dir, { recursive: true })
    expect({ status, output: stdout + stderr }).toMatchObject({ status: 0 })
  })

  test('has the same secret and domain for the daemon and for each server', () => {
    const { component } = parse(readmeSnippet('pushd.toml')) as {
      component: { domain: string; secret: string }[]
    }
    const { domain, secret } = component[0] ?? {}
    for (const snippet of ['ejabberd-listen', 'prosody-component']) {
      expect(readmeSnippet(snippet)).toContain(`"${domain}"`)
      expect(readmeSnippet(snippet)).toContain(`"${secret}"`)
    }
    expect(parse(readmeSnippet('mongooseim.toml'))).toMatchObject({
      listen: { component: [{ password: secret }] },
    })
  })
})

describe('the pages', () => {
  test('name only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = pages.flatMap((page) =>
      [...read(page).matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name),
    )
    expect(named.filter((name) => name !== undefined && !(name in scripts))).toEqual([])
  })

  test('link and point only to files that there are', () => {
    const links = pages.flatMap((page) =>
      [
        ...read(page).matchAll(
          /\]\((?!https?:)([^)#]+)|`((?:src|test|scripts|docs|bench)\/[\w./-]+|\.ci\/run)`/g,
        ),
      ].map(([, link, path]) => link ?? path ?? ''),
    )
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([])
  })
})
