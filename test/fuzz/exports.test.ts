import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ejabberdLayout } from '../../src/main/imports/ejabberd.ts'
import { ExportError, type ExportReader, type Imported } from '../../src/main/imports/export-reader.ts'
import { JsonLines } from '../../src/main/imports/json-lines.ts'
import { mongooseImLayout } from '../../src/main/imports/mongooseim.ts'
import { readProsodyFile } from '../../src/main/imports/prosody.ts'
import { ServerExport } from '../../src/main/imports/server-export.ts'
import { runs } from './stream-documents.ts'

const folder = join(import.meta.dirname, '../fixtures/imports')
/** The beginning: some registrations. */
const bytesIn = (name: string) => readFileSync(join(folder, name), 'latin1').slice(0, 2_000)

const ejabberd = () => new ServerExport(ejabberdLayout('example.com'), 'export')
const mongooseIm = () => new ServerExport(mongooseImLayout, 'export')
const json = '{"user":"bob@example.com","jid":"p.test","node":"n","options":{"a":"b"}}\n'

const texts = [
  ['ejabberd.mnesia.txt', bytesIn('ejabberd.mnesia.txt'), ejabberd],
  ['ejabberd.csv', bytesIn('ejabberd.csv'), ejabberd],
  ['ejabberd.tsv', bytesIn('ejabberd.tsv'), ejabberd],
  ['mongooseim.csv', bytesIn('mongooseim.csv'), mongooseIm],
  ['mongooseim.mnesia.txt', bytesIn('mongooseim.mnesia.txt'), mongooseIm],
  ['lines of JSON', json.repeat(3), () => new JsonLines('export')],
] as const

/** A text in which some bytes are others, or gone, or more. */
function damaged(bytes: string): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      '"',
      '\\',
      '\n',
      '\r',
      '\t',
      ',',
      '{',
      '}',
      '<<',
      '>>',
      '.',
      "'",
      '%',
      ']',
      '=',
      '\xff',
      '\0',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const change = fc.tuple(fc.nat(bytes.length), fc.nat(5), piece)
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    return changes.reduce((text, [at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone), bytes)
  })
}

/** What a reader makes of a text in parts of this size; an ExportError in its place. */
function readAll(reader: ExportReader, bytes: string, partSize: number): Imported[] | string {
  const found: Imported[] = []
  try {
    for (let at = 0; at < bytes.length; at += partSize) {
      found.push(...reader.push(bytes.slice(at, at + partSize)))
    }
    return [...found, ...reader.end()]
  } catch (error) {
    if (error instanceof ExportError) return error.message
    throw error
  }
}

describe('a damaged export', () => {
  test.each(texts)(
    'like %s is read the same in whatever parts it comes, and never fails',
    (_, bytes, reader) => {
      fc.assert(
        fc.property(damaged(bytes), fc.integer({ min: 1, max: 2_000 }), (text, partSize) => {
          expect(readAll(reader(), text, partSize)).toEqual(readAll(reader(), text, text.length + 1))
        }),
        { numRuns: runs },
      )
    },
  )

  test('of Prosody never fails', () => {
    const bytes = bytesIn('prosody/example%2ecom/cloud_notify/bob.dat')
    fc.assert(
      fc.property(damaged(bytes), (text) => {
        const found = readProsodyFile('file', 'example%2ecom', 'bob', text)
        for (const one of found) {
          if (one.kind === 'subscription') expect(one.subscription.user).toBe('bob@example.com')
        }
      }),
      { numRuns: runs },
    )
  })
})
