import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, type TomlTable } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { type Snippet, snippet, snippets } from './support/pages.ts'

const fixtures = join(import.meta.dirname, 'fixtures/mongooseim')
const read = (file: string) => readFileSync(join(fixtures, file), 'utf8')
/** What MongooseIM installs, in outline: fixtures/mongooseim/README.md. */
const installed: Readonly<Record<string, string>> = { '6.2': read('6.2.toml'), '6.8': read('6.8.toml') }
const modulesOf: Record<string, Record<string, string[]>> = JSON.parse(read('modules.json'))

interface Listener {
  readonly port: number
}
interface File extends TomlTable {
  general: TomlTable
  listen: Record<string, (Listener & TomlTable)[]>
  modules: Record<string, TomlTable>
}

const ours = snippets.filter(({ name, language }) => language === 'toml' && name?.startsWith('mongooseim'))
const isChange = ({ name }: Snippet) => name === 'mongooseim-change.toml'
const cases = (those: Snippet[]) =>
  Object.keys(installed).flatMap((release) =>
    those.map((one) => [`${one.page} ${one.name}`, release, one.text] as const),
  )

/** The snippet as a reader of that release writes it: the comment behind a table's name says how it is called there. */
function forRelease(text: string, release: string): string {
  return text.replaceAll(
    /^( *)\[.*?\]+ +# (\[\S+\]) (up to|since) ([\d.]+)$/gm,
    (line, indent, other, when, bound) => {
      const since = Number(release) - Number(bound)
      return (when === 'since' ? since >= 0 : since <= 0) ? `${indent}${other}` : line
    },
  )
}

/** Why MongooseIM would not start with the text at the end of the file that it installs. */
function faultsOfAdding(text: string, release: string): string[] {
  let file: File
  try {
    file = parse(`${installed[release]}\n${text}`) as File
  } catch (error) {
    return [String(error)]
  }
  const ports = Object.values(file.listen).flatMap((all) => all.map(({ port }) => port))
  const twice = ports.filter((port, index) => ports.indexOf(port) !== index)
  return [...twice.map((port) => `two listeners on port ${port}`), ...unknownIn(text, release)]
}

function unknownIn(text: string, release: string): string[] {
  return Object.entries((parse(text) as Partial<File>).modules ?? {}).flatMap(([name, options]) => {
    const known = modulesOf[release]?.[name]
    if (known === undefined) return [`${release} has no ${name}`]
    return Object.keys(options)
      .filter((option) => !known.includes(option))
      .map((option) => `${name} of ${release} has no ${option}`)
  })
}

/** Which lines of the text are not in the file that MongooseIM installs, so that its reader finds nothing to change. */
function missingFor(text: string, release: string): string[] {
  const file = parse(installed[release] ?? '') as File
  const { general = {}, listen = {}, ...others } = parse(text) as Partial<File>
  const listeners = Object.entries(listen).flatMap(([kind, all]) =>
    all.flatMap((listener) => {
      const there = file.listen[kind]?.find(({ port }) => port === listener.port)
      if (there === undefined) return [`no ${kind} on port ${listener.port}`]
      return Object.keys(listener).filter((key) => !(key in there))
    }),
  )
  return [
    ...Object.keys(general).filter((key) => !(key in file.general)),
    ...listeners,
    ...Object.keys(others),
  ]
}

describe("what the pages say to write into MongooseIM's own configuration file", () => {
  test.each(cases(ours.filter((one) => !isChange(one))))(
    '%s can be added to that of %s',
    (_, release, text) => {
      expect(faultsOfAdding(forRelease(text, release), release)).toEqual([])
    },
  )

  test.each(cases(ours.filter(isChange)))('%s changes what is in that of %s', (_, release, text) => {
    expect(missingFor(forRelease(text, release), release)).toEqual([])
  })

  test.each(Object.keys(installed))(
    'is of these two kinds: added to that of %s, a change is a fault',
    (release) => {
      expect(ours.filter(isChange).map(({ page }) => page)).toEqual([
        'README.md',
        'docs/migration-mongooseim.md',
      ])
      const [readme, migration] = ours.filter(isChange).map(({ text }) => forRelease(text, release))
      expect(faultsOfAdding(readme ?? '', release)).toEqual([expect.stringMatching(/redefine/)])
      expect(faultsOfAdding(migration ?? '', release)).toEqual(['two listeners on port 8888'])
      expect(faultsOfAdding('[modules.mod_presence]', release)).toEqual([expect.stringMatching(/redefine/)])
    },
  )

  test('names the push nodes of each release as it has them', () => {
    expect(faultsOfAdding('[modules.mod_pubsub]\nplugins = ["push"]', '6.2')).toEqual([])
    expect(faultsOfAdding('[modules.mod_pubsub]\nplugins = ["push"]', '6.8')).toEqual([
      'mod_pubsub of 6.8 has no plugins',
    ])
    expect(faultsOfAdding('[modules.mod_pubsub_old]', '6.2')).toEqual(['6.2 has no mod_pubsub_old'])
  })

  test('takes out the shaper under the name that it has in each release', () => {
    for (const { page } of ours.filter(isChange)) {
      const prose = readFileSync(join(import.meta.dirname, '..', page), 'utf8').replaceAll(/\s+/g, ' ')
      const [, now, before] = /delete the line `(\w+) = "fast"` \(`(\w+)` up to 6\.3\)/.exec(prose) ?? []
      expect(installed['6.8']).toContain(`\n${now} = "fast"`)
      expect(installed['6.2']).toContain(`\n${before} = "fast"`)
    }
  })

  test('has the domain and the secret that the daemon has', () => {
    const { component } = parse(snippet('README.md', 'pushd.toml')) as {
      component: { secret: string; publishers: string[] }[]
    }
    const { secret, publishers } = component[0] ?? {}
    expect(parse(snippet('README.md', 'mongooseim-change.toml'))).toMatchObject({
      general: { hosts: publishers, default_server_domain: publishers?.[0] },
      listen: { component: [{ password: secret }] },
    })
    const accounts = snippet('README.md', 'mongooseim-accounts').trim().split('\n')
    const firstPush = snippet('README.md', 'first-push')
    expect(accounts).toHaveLength(2)
    for (const account of accounts) {
      const [, name, domain, password] =
        /registerUser --username (\S+) --domain (\S+) --password (\S+)$/.exec(account) ?? []
      expect(publishers).toContain(domain)
      expect(firstPush).toContain(`-u ${name}@${domain} -p ${password}`)
    }
  })
})
