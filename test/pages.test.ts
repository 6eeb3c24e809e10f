import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { afterAll, describe, expect, test } from 'vitest'
import { madePages } from '../scripts/made-pages.ts'
import { commands } from '../src/main/command-line.ts'
import { loadConfig } from '../src/main/config/load.ts'
import { keyAt } from '../src/main/config/schema.ts'
import { Metrics } from '../src/main/metrics/table.ts'
import { newApnsKey } from '../src/sandbox/providers/apns.ts'
import { parseStanza } from '../src/sandbox/xmpp-reader.ts'
import { serviceAccountText } from './main/config/provider-files.ts'
import { pages, pageText, proseOf, type Snippet, snippet, snippets } from './support/pages.ts'

const root = join(import.meta.dirname, '..')

/** Commands that no test runs from the page, and why. */
const notRun: Readonly<Record<string, string>> = {
  'README.md try': 'npm test runs this very test; test/sandbox/demo.test.ts runs the demo',
  'README.md install-deb':
    'test/integration/service.test.ts builds and installs the package, with dpkg: its Debian has no network',
  'README.md install-npm':
    'scripts/package-smoke-test.ts does it, but for -g, which would change this machine',
}

describe('the pages that are made from the source', () => {
  test.each(Object.entries(madePages))('%s is what npm run docs would write', (page, make) => {
    expect(pageText(page)).toBe(make(pageText(page)))
  })
})

describe('the code blocks of all pages', () => {
  const written = snippets.filter(({ language }) => language !== '')
  const label = ({ page, name, text }: Snippet) => `${page} ${name ?? text.split('\n')[0]}`

  test('have a name, unless they are a picture', () => {
    expect(written.filter(({ name }) => name === undefined).map(label)).toEqual([])
    const pictures = snippets.filter(({ language }) => language === '')
    expect(pictures.filter(({ text }) => !/[┌─▶]/.test(text)).map(label)).toEqual([])
    expect(new Set(written.map(label)).size).toBe(written.length)
  })

  test('are each run or read by a test that names them, but for few commands', () => {
    const tests = globSync(['test/**/*.ts', 'scripts/*.ts', '.ci/*'], { cwd: root })
      .filter((file) => file !== 'test/pages.test.ts')
      .map((file) => readFileSync(join(root, file), 'utf8'))
    const isNamed = ({ page, name }: Snippet) =>
      tests.some(
        (text) =>
          text.includes(`'${name}'`) &&
          (text.includes(page) || (page === 'README.md' && text.includes('readmeSnippet('))),
      )
    const unnamed = written.filter(
      (one) => !['toml', 'json'].includes(one.language) && !(label(one) in notRun) && !isNamed(one),
    )
    expect(unnamed.map(label)).toEqual([])
    // And the list of exceptions holds nothing that is gone.
    expect(Object.keys(notRun).filter((one) => !written.map(label).includes(one))).toEqual([])
  })

  test.each(written.filter(({ language }) => language === 'json').map((one) => [label(one), one] as const))(
    '%s is JSON',
    (_, { text }) => {
      expect(JSON.parse(text)).toBeTypeOf('object')
    },
  )

  test.each(written.filter(({ language }) => language === 'xml').map((one) => [label(one), one] as const))(
    '%s is one whole stanza',
    (_, { text }) => {
      expect(parseStanza(text).name).toMatch(/^(?:iq|message|presence)$/)
    },
  )

  describe('in TOML', () => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-'))
    afterAll(() => rmSync(dir, { recursive: true }))
    const tables = written.filter(({ language }) => language === 'toml')
    // mongooseim-pages.test.ts reads those for MongooseIM.
    const isForMongooseIm = ({ name }: Snippet) => name?.startsWith('mongooseim') === true

    test.each(tables.filter((one) => !isForMongooseIm(one)).map((one) => [label(one), one] as const))(
      '%s: the daemon finds no fault with it',
      (_, { text }) => {
        // A part of a file stands in the README's.
        const file = { ...parse(snippet('README.md', 'pushd.toml')), ...parse(text) }
        const local = stringify(file).replaceAll(/^(\w+_file) = "(\/.*)"$/gm, (_, key, path: string) => {
          const copy = join(dir, path.replaceAll('/', '_'))
          writeFileSync(copy, contentOf(key))
          return `${key} = ${JSON.stringify(copy)}`
        })
        const loaded = loadConfig(Buffer.from(local), 'page', { folder: dir, credentials: undefined })
        expect(loaded).toMatchObject({ kind: 'loaded' })
      },
    )
  })
})

describe('the README', () => {
  test('has the same secret and domain for the daemon and for each server', () => {
    const { component } = parse(snippet('README.md', 'pushd.toml')) as {
      component: { domain: string; secret: string }[]
    }
    const { domain, secret } = component[0] ?? {}
    for (const name of ['ejabberd-listen', 'prosody-component']) {
      expect(snippet('README.md', name)).toContain(`"${domain}"`)
      expect(snippet('README.md', name)).toContain(`"${secret}"`)
    }
  })

  test('names the packages of this version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(snippet('README.md', 'install-deb')).toContain(`xmpp-pushd_${version}_`)
    expect(snippet('README.md', 'install-npm')).toContain(`xmpp-pushd-${version}.tgz`)
  })
})

describe('the pages', () => {
  test('name only npm scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
    const named = matches(/npm run (?:-s )?([\w:]+)/g, pageText)
    expect(named.filter(({ found }) => !(found in scripts))).toEqual([])
  })

  test('name only commands of xmpp-pushd that there are', () => {
    const known = [...commands.map(({ name }) => name), '--version', '--help']
    const named = matches(/(?:`|^ *)xmpp-pushd (?!restart|reload|is )([\w-]+)/gm, pageText)
    expect(named.filter(({ found }) => !known.includes(found))).toEqual([])
  })

  test('name only keys of the configuration that there are', () => {
    const tables = 'log|http|component|push|content|mongoosepush|gateway|queue|limits'
    const named = matches(new RegExp(`\`((?:${tables})\\.(?!example)[a-z_]+(?:\\.[a-z_]+)?)\``, 'g'), proseOf)
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter(({ found }) => keyAt(found) === undefined)).toEqual([])
  })

  test('name only metrics that there are', () => {
    const families = Object.values(new Metrics('')) as { name: string }[]
    const known = new Set(families.map(({ name }) => name))
    const named = matches(/\b(xmpp_pushd_[a-z_]+)\b(?!:)/g, pageText)
    const base = (name: string) => name.replace(/_(?:bucket|sum|count)$/, '')
    expect(named.filter(({ found }) => !known.has(found) && !known.has(base(found)))).toEqual([])
  })

  test('name only functions and classes that there are', () => {
    const source = globSync('src/**/*.ts', { cwd: root }).map((file) =>
      readFileSync(join(root, file), 'utf8'),
    )
    const method = /`(?!\w+\.p8)([A-Z]\w+\.#?[a-z]\w+)(?:\(\))?`/g
    const named = [...matches(method, proseOf), ...matches(/`([a-z]\w+)\(\)`/g, proseOf)]
    expect(named.length).toBeGreaterThan(20)
    const isThere = (name: string) => {
      const [member = '', owner] = name.split('.').reverse()
      const declared = new RegExp(`(?:^| )(?:class|interface|const|function\\*?) ${owner ?? member}\\b`, 'm')
      const files = source.filter((text) => declared.test(text))
      const held = new RegExp(`^ +(?:readonly |static |async |get )*${member}[(:<? ]`, 'm')
      return owner === undefined ? files.length > 0 : files.some((text) => held.test(text))
    }
    expect(named.filter(({ found }) => !isThere(found))).toEqual([])
  })

  test('link and point only to files and headings that there are', () => {
    const paths = /`((?:src|test|scripts|docs|bench|systemd|monitoring|packaging)\/[\w./-]*|\.ci\/run)`/g
    const missing = matches(paths, proseOf).filter(({ found }) => !existsSync(join(root, found)))
    const dead = matches(/\]\((?!https?:)([^)\s]+)\)/g, proseOf).filter(({ page, found }) => {
      const [path = '', anchor] = found.split('#')
      const target = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !anchorsOf(target).has(anchor)
    })
    expect([...missing, ...dead]).toEqual([])
  })
})

/** What may stand in a file that this key of the configuration names. */
function contentOf(key: string): string {
  if (key === 'service_account_file') return serviceAccountText()
  if (key === 'key_file') return newApnsKey('', '').key
  return key.endsWith('ca_file') ? readFileSync(join(root, 'test/fixtures/tls/ca.pem'), 'utf8') : 'a secret\n'
}

/** What the first group of a pattern finds, on every page. */
function matches(pattern: RegExp, textOf: (page: string) => string): { page: string; found: string }[] {
  return pages.flatMap((page) =>
    [...textOf(page).matchAll(pattern)].map(([, found = '']) => ({ page, found })),
  )
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of proseOf(page).matchAll(/^#+ (.*)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = words.replaceAll(/[^\p{L}\p{N}_ -]/gu, '').replaceAll(' ', '-')
    let unique = anchor
    for (let n = 1; anchors.has(unique); n++) unique = `${anchor}-${n}`
    anchors.add(unique)
  }
  return anchors
}
