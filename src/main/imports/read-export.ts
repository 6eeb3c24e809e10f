import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ejabberdLayout } from './ejabberd.ts'
import { ExportError, type ExportReader, type Imported, imported, maxEntryBytes } from './export-reader.ts'
import { JsonLines } from './json-lines.ts'
import { mongooseImLayout } from './mongooseim.ts'
import { prosodyEnding, prosodyStore, readProsodyFile } from './prosody.ts'
import { ServerExport } from './server-export.ts'

export type ExportKind = 'json' | 'mongooseim' | 'ejabberd' | 'prosody'

const partBytes = 256 * 1024

/**
 * Reads what a server has exported, part by part.
 *
 * @param path a file, `-` for standard input; for Prosody its data folder, that of a host, or one user's file
 * @param host of the users, where the export does not say it
 * @throws ExportError
 */
export async function* readExport(
  kind: ExportKind,
  path: string,
  host: string | undefined,
): AsyncGenerator<readonly Imported[]> {
  try {
    if (kind === 'prosody') yield* readProsody(path)
    else yield* readText(readerOf(kind, path, host), path)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new ExportError(error.message, { cause: error })
  }
}

function readerOf(
  kind: Exclude<ExportKind, 'prosody'>,
  path: string,
  host: string | undefined,
): ExportReader {
  switch (kind) {
    case 'json':
      return new JsonLines(path)
    case 'mongooseim':
      return new ServerExport(mongooseImLayout, path)
    case 'ejabberd':
      return new ServerExport(ejabberdLayout(host), path)
  }
}

async function* readText(reader: ExportReader, path: string): AsyncGenerator<readonly Imported[]> {
  const input = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: partBytes })
  input.setEncoding('latin1')
  for await (const bytes of input) yield reader.push(String(bytes))
  yield reader.end()
}

async function* readProsody(path: string): AsyncGenerator<readonly Imported[]> {
  for await (const file of prosodyFiles(path)) {
    const host = basename(dirname(dirname(resolve(file))))
    if ((await stat(file)).size > maxEntryBytes) yield [imported(file, 'is too long')]
    else yield readProsodyFile(file, host, basename(file, prosodyEnding), await readFile(file, 'latin1'))
  }
}

async function* prosodyFiles(path: string): AsyncGenerator<string> {
  if (!(await stat(path)).isDirectory()) {
    yield path
    return
  }
  // Its data folder, or that of one host.
  const below = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const folders = [path, ...below.map(({ name }) => join(path, name))].map((one) => join(one, prosodyStore))
  let hasStore = false
  for (const folder of folders) {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (names === undefined) continue
    hasStore = true
    for (const name of names.sort()) if (name.endsWith(prosodyEnding)) yield join(folder, name)
  }
  if (!hasStore) throw new ExportError(`${path}: no folder ${prosodyStore} in it, or one below`)
}
