/** What is done to the files of a Debian package, once they are laid out. */
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, lutimesSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/** Everything below a folder, folders before what they hold, in an order that depends on names alone. */
export function* walk(dir: string): Generator<string> {
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name)
    yield path
    if (existsSync(path) && lstatSync(path).isDirectory()) yield* walk(path)
  }
}

const unusedFile =
  /^\.|\.(?:[mc]?ts|map|md|markdown|html|c|h|cc|cpp|gyp|sh|bat|cmd|sln|tsbuildinfo)$|^node\.abi\d+\.|\.musl\.node$/
/** In a package's own folder. */
const unusedFolder = /^(?:\..*|tests?|test-jest|docs?|benchmarks?|examples?)$/
const licence = /^(?:licen[cs]e|copying|notice)/i

/**
 * Removes what Node.js never reads: types, sources of binaries, documentation, tests, hidden files, and lmdb's
 * binaries for other C libraries and versions of Node.js. Licences stay.
 */
export function prune(modules: string): void {
  for (const path of [...walk(modules)]) {
    if (!existsSync(path)) continue
    const name = basename(path)
    const unused = lstatSync(path).isDirectory()
      ? name === '.bin' || (unusedFolder.test(name) && existsSync(join(dirname(path), 'package.json')))
      : unusedFile.test(name) && !licence.test(name)
    if (unused) rmSync(path, { recursive: true })
  }
}

/** Modes and times that do not depend on who builds, and when. */
export function normalize(root: string, programs: readonly string[], epochS: number): void {
  for (const path of [...walk(root)].reverse()) {
    const isProgram = programs.includes(relative(root, path))
    chmodSync(path, lstatSync(path).isDirectory() || isProgram ? 0o755 : 0o644)
    lutimesSync(path, epochS, epochS)
  }
}

/** The text of `md5sums`, and what all of it takes on a disk. */
export function contentsOf(root: string): { readonly md5sums: string; readonly installedKiB: number } {
  let md5sums = ''
  let installedKiB = 0
  for (const path of walk(root)) {
    const found = lstatSync(path)
    installedKiB += found.isFile() ? Math.ceil(found.size / 1024) : 1
    if (!found.isFile()) continue
    const sum = createHash('md5').update(readFileSync(path)).digest('hex')
    md5sums += `${sum}  ${relative(root, path)}\n`
  }
  return { md5sums, installedKiB }
}
