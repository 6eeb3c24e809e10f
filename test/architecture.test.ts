import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const sources = filesOf('src')

/** Which rooms a room may import, and whether packages and `node:*`. */
const rooms = {
  core: { rooms: ['core'], outside: false },
  main: { rooms: ['main', 'core'], outside: true },
  worker: { rooms: ['worker', 'core'], outside: true },
  plugin: { rooms: ['plugin', 'core'], outside: true },
  sandbox: { rooms: ['sandbox'], outside: true },
} as const

describe('the rooms of src', () => {
  test.each(Object.keys(rooms) as (keyof typeof rooms)[])('%s imports only what it may know of', (room) => {
    const allowed = rooms[room]
    const faults = sources
      .filter((file) => roomOf(file) === room && !isDemo(file))
      .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
      .filter(({ target }) =>
        target.startsWith('src/') ? !allowed.rooms.some((name) => name === roomOf(target)) : !allowed.outside,
      )
    expect(faults).toEqual([])
  })

  test('there is no file outside of the rooms', () => {
    expect(sources.filter((file) => !(roomOf(file) in rooms))).toEqual([])
  })

  test('the clock and randomness come into core as arguments', () => {
    const ambient =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\b|\bprocess\b|\bsetTimeout\b|\bcrypto\b/
    const faults = sources.filter((file) => roomOf(file) === 'core' && ambient.test(codeOf(file)))
    expect(faults).toEqual([])
  })

  test.each(['worker', 'plugin'])('one file of main names that of a %s', (room) => {
    const named = sources.filter(
      (file) => roomOf(file) === 'main' && new RegExp(`['"][./]*/${room}/`).test(codeOf(file)),
    )
    expect(named).toHaveLength(1)
  })

  test('a start loads few packages before its streams', () => {
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      if (sources.includes(file)) for (const target of importsOf(file, staticImports)) load(target)
    }
    load('src/main/cli.ts')
    load('src/main/run-daemon.ts')
    // In a build the code that ajv has made of the schema is in the place of this file.
    const compiled = importsOf('src/main/config/schema-compiler.ts', staticImports)
    const packages = [...loaded].filter((name) => !name.startsWith('src/') && !compiled.includes(name))
    // The first import of node:http loads all HTTP clients of Node.js.
    const outside = packages.filter((name) => !name.startsWith('node:') || /^node:http/.test(name))
    expect(outside.sort()).toEqual(['pino', 'piscina', 'smol-toml'])
  })

  test('no file imports itself by way of others, but for types', () => {
    const graph = new Map(sources.map((file) => [file, importsOf(file, valueImports)]))
    expect(cycleIn(graph)).toBeUndefined()
  })
})

describe('every file', () => {
  const files = [...sources, ...filesOf('test'), ...filesOf('bench'), ...filesOf('scripts')]

  test('has at most 300 lines, or says at its top why it is over 300 lines', () => {
    const faults = files
      .map((file) => ({ file, lines: textOf(file).split('\n') }))
      .filter(({ lines }) => lines.length - 1 > 300)
      .filter(({ lines }) => !lines.slice(0, 20).join('\n').includes('over 300 lines'))
    expect(faults.map(({ file, lines }) => `${file}: ${lines.length - 1}`)).toEqual([])
  })

  test('is finished: no mark of work left over, no check or test switched off', () => {
    // Put together, so that this file does not find itself.
    const marks = [
      `\\b(?:TO${'DO'}|FIX${'ME'}|X${'XX'}|HA${'CK'})\\b`,
      `@ts-(?:ig${'nore'}|no${'check'})`,
      `\\b(?:test|it|describe)\\.(?:on${'ly'}|sk${'ip'}|to${'do'})\\(`,
      'catch *(?:\\([^)]*\\))? *\\{\\s*\\}',
    ]
    const mark = new RegExp(marks.join('|'), 'g')
    const faults = files.flatMap((file) =>
      [...textOf(file).matchAll(mark)].map(([found]) => `${file}: ${found}`),
    )
    expect(faults).toEqual([])
  })
})

describe('what runs as it is', () => {
  test('has no `using`: Node.js 22 does not know it, and nothing translates these files', () => {
    const asTheyAre = ['src', 'bench', 'scripts', 'bin'].flatMap(filesOf)
    expect(asTheyAre.filter((file) => /^\s*(?:await )?using \w+ =/m.test(codeOf(file)))).toEqual([])
  })
})

function filesOf(folder: string): string[] {
  return globSync(`${folder}/**/*.{ts,mjs}`, { cwd: root }).sort()
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The text without its comments, near enough. */
function codeOf(file: string): string {
  return textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
}

function roomOf(file: string): string {
  return file.split('/')[1] ?? ''
}

/** The demo puts the sandbox around the daemon: it alone of main knows of both. */
function isDemo(file: string): boolean {
  return roomOf(file) === 'main' && file.includes('demo')
}

const allImports = /(?:^|;)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/gm
const valueImports = new RegExp(allImports.source.replace('\\b[^', '\\b(?!\\s+type\\b)[^'), 'gm')

const staticImports = new RegExp(valueImports.source.split('|\\bimport')[0] ?? '', 'gm')

/** What a file imports: files by their path from the root, everything else as it is named. */
function importsOf(file: string, imports = allImports): string[] {
  return [...codeOf(file).matchAll(imports)].map(([, from, bare]) => {
    const target = from ?? bare ?? ''
    return target.startsWith('.') ? normalize(join(dirname(file), target)) : target
  })
}

function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string | undefined {
  const finished = new Set<string>()
  const visit = (file: string, path: readonly string[]): string | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' → ')
    if (finished.has(file)) return undefined
    for (const target of graph.get(file) ?? []) {
      const cycle = visit(target, [...path, file])
      if (cycle !== undefined) return cycle
    }
    finished.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const cycle = visit(file, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
