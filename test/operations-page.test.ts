import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codesIn, tableUnder } from './support/markdown.ts'
import { pageText } from './support/pages.ts'

const root = join(import.meta.dirname, '..')
const page = pageText('docs/operations.md')
const rules = pageText('monitoring/xmpp-pushd.rules.yml')
const ruleTests = pageText('monitoring/xmpp-pushd.rules.test.yml')
const alerts = [...rules.matchAll(/^ *- alert: (\w+)$/gm)].map(([, name = '']) => name)

function sourceOf(pattern: string): string {
  const files = globSync(`src/${pattern}`, { cwd: root })
  return files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
}

describe('the page about operations', () => {
  test('has a section for every alert, in their order', () => {
    const sections = [...page.matchAll(/^### (XmppPushd\w+)$/gm)].map(([, name]) => name)
    expect(sections).toEqual(alerts)
  })

  test.each(alerts)('says of %s how severe it is, as its rule does', (alert) => {
    const [, severity] = new RegExp(`alert: ${alert}\\n.*?severity: (\\w+)`, 's').exec(rules) ?? []
    expect(page).toMatch(new RegExp(`### ${alert}\\n\\n${severity}\\. `))
  })

  test('is what every alert points to', () => {
    const urls = [...rules.matchAll(/^ +runbook_url: (.*)$/gm)].map(([, url]) => url)
    expect(urls).toEqual(alerts.map((alert) => `docs/operations.md#${alert.toLowerCase()}`))
  })

  test('has every reason that /readyz gives', () => {
    const documented = tableUnder(page, 'readyz', 'text').map(([text = '']) => codesIn(text)[0])
    const daemon = sourceOf('main/http-ports.ts')
    const missing = [...daemon.matchAll(/missing\.push\('([^']+)'\)/g)].map(([, text]) => text)
    const streams = sourceOf('main/xmpp/{component-*,stream-loss}.ts')
    const losses = [
      ...streams.matchAll(/(?:text(?::| =)|\?\?|\?|:|\['[\w-]+',) *['`]([a-z][^'`]* [^'`]*)['`]/g),
    ]
      .map(([, text = '']) => text.replace(/ ?\(?\$\{.*$/, '').trim())
      .filter((text) => text !== '')
    expect(documented.toSorted()).toEqual([...new Set([...missing, ...losses])].toSorted())
  })

  test('has every check of /healthz', () => {
    const source = sourceOf('main/http-ports.ts')
    const checks = [...source.matchAll(/component: '([\w-]+)',\s*measurement: '([\w-]+)'/g)]
    const documented = tableUnder(page, 'healthz', 'check').map(([name = '']) => codesIn(name)[0])
    expect(documented).toEqual(checks.map(([, component, measurement]) => `${component}:${measurement}`))
  })

  test('has every line that is logged as a warning or an error, and no other', () => {
    const source = sourceOf('main/**/*.ts')
    const call =
      /[lL]og(?:\.(?:warn|error)|\[[^\]]*'(?:warn|error)'[^\]]*\])\(\s*(?:\{[^}]*\},\s*|fields, )?'((?:[^'\\]|\\.)+)'/g
    const lines = [...source.matchAll(call)].map(([, line]) => line)
    const notes = [
      ...sourceOf('main/config/{notes,file-notes}.ts').matchAll(
        /notes\.push\(\s*[`'](?:\$\{path\} )?([^`']+)/g,
      ),
    ]
    // What is behind a colon differs.
    const notesSaid = notes.map(([, note = '']) => note.replace(/(?:: its mode is |, uid )?\$\{.*$/, ''))
    const logged = new Set([...lines, ...notesSaid])

    const section = page.slice(page.indexOf('\n## Log lines\n'))
    const rows = section.split('\n').filter((line) => /^\| (?:KEY (?:FILE )?)?`/.test(line))
    const documented = rows.map((row) => codesIn(row)[0])
    expect(documented.toSorted()).toEqual([...logged].toSorted())
  })

  test('names only lines that are logged when it says that one ends another', () => {
    const source = sourceOf('main/**/*.ts')
    for (const line of ['connected', 'the gateway is in use again', 'the store takes changes again']) {
      expect(page).toContain(`\`${line}\``)
      expect(source).toContain(`'${line}'`)
    }
  })

  test('asks only for what the HTTP server has', () => {
    const source = sourceOf('main/http/*.ts')
    const paths = [
      ...[...page.matchAll(/9590(\/[a-z/]+)(?=[\s`?])/g)].map(([, path]) => path),
      ...[...page.matchAll(/^admin '?([a-z-]+)/gm)].map(([, name]) => `/admin/${name}`),
    ]
    expect(paths.length).toBeGreaterThan(4)
    expect(paths.filter((path) => !source.includes(`'${path}'`))).toEqual([])
  })
})

describe('the alerts', () => {
  const groups = ruleTests.split(/^ {2}- name: /m).slice(1)

  test.each(alerts)(
    '%s is tested: there is a time at which it fires, and one at which it does not',
    (alert) => {
      const fires = (part: string) => part.includes(`alertname="${alert}"`)
      const moments = groups.filter(fires).map((group) => group.split(/^ {6}- expr: /m).slice(1))
      expect(moments.some((all) => all.some(fires) && !all.every(fires))).toBe(true)
    },
  )
})
