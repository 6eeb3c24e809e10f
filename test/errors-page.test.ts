import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { classifyAnswer, knownWords } from '../src/core/mongoosepush/answer.ts'
import type { NoResponseCause, Outcome } from '../src/core/outcome.ts'
import { keptConditions, type StanzaError, stanzaErrors, unsupported } from '../src/core/stanza-error.ts'
import { exitCodes } from '../src/main/exit-codes.ts'
import { HttpFault } from '../src/main/http/fault.ts'
import { publishAnswer } from '../src/main/http/publish-answer.ts'
import { type PublishResult, publishResults } from '../src/main/metrics/table.ts'
import { answerOf } from '../src/main/roles/app-server/answer-publish.ts'
import { failedCheck } from '../src/main/roles/app-server/publish-result.ts'
import { transientStoreErrors } from '../src/main/store/store-error.ts'
import { streamErrorConditions } from '../src/main/xmpp/stream-error.ts'
import { codesIn, tableUnder } from './support/markdown.ts'
import { pageText } from './support/pages.ts'

const page = pageText('docs/errors.md')
const root = join(import.meta.dirname, '..')

function sourceOf(folder: string): string {
  const files = globSync(`src/main/${folder}/**/*.ts`, { cwd: root })
  return files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
}

function first(rows: readonly (readonly string[])[]): string[] {
  return rows.map(([cell = '']) => cell)
}

/** `cancel/conflict` + `precondition-not-met` */
function shown({ type, condition, pubsub }: StanzaError): string {
  return `\`${type}/${condition}\`${pubsub === undefined ? '' : ` + \`${pubsub}\``}`
}

const everyStanzaError = [...Object.values(stanzaErrors), unsupported('subscribe')]

/** The same over HTTP: status, and code of an error. */
function shownHttp(error: StanzaError | undefined, result: PublishResult): string {
  const answer = publishAnswer({ error, result })
  return answer instanceof HttpFault ? `${answer.status} \`${answer.code}\`` : '200'
}

describe('the page about errors', () => {
  test('answers "again?" in every row of every table that asks it', () => {
    const tables = page.split('\n\n').filter((block) => / again\? \|\n/.test(block))
    expect(tables.length).toBeGreaterThan(8)
    const rows = tables.flatMap((table) => table.split('\n').filter((line) => line.startsWith('|')))
    expect(rows.filter((row) => / +\| *\|$/.test(row))).toEqual([])
  })

  describe('about the servers’ reactions', () => {
    const reactions = tableUnder(page, 'Answers to a publish', 'answer')
    const [, kept] = reactions

    test('has a column for each server, and says of each answer what each does', () => {
      const head = page.split('\n').find((line) => line.startsWith('| answer | MongooseIM'))
      expect(head).toBe('| answer | MongooseIM | ejabberd | Prosody | Tigase | Openfire |')
      for (const row of reactions) expect(row.filter((cell) => cell !== '')).toHaveLength(6)
    })

    test('names the conditions of a wait with which every server keeps the registration', () => {
      expect(codesIn(kept?.[0] ?? '')).toEqual(['wait', ...keptConditions])
      expect(kept?.slice(1)).toEqual(['keeps', 'keeps', 'keeps', 'keeps', 'keeps'])
    })
  })

  describe('about a publish', () => {
    const rows = tableUnder(page, 'Answers to a publish', 'result')

    test('has every result', () => {
      const results = first(rows).flatMap(codesIn)
      expect([...new Set(results)].sort()).toEqual([...publishResults].sort())
    })

    test('has the checks in their order', () => {
      const checks = first(rows).flatMap(codesIn).slice(0, Object.keys(failedCheck).length)
      expect(checks).toEqual(Object.values(failedCheck))
    })

    const reason = ''
    test.each<Outcome>([
      { kind: 'delivered' },
      { kind: 'stored' },
      { kind: 'dead_device', reason },
      { kind: 'suspect', reason },
      { kind: 'invalid', reason },
      { kind: 'operator_fault', reason },
      { kind: 'undelivered', cause: 'timeout', reason },
      { kind: 'undelivered', cause: 'overload', reason },
    ])('has the answer to %j', (outcome) => {
      const { error, result } = answerOf(outcome)
      const xmpp = error === undefined ? 'result' : shown(error)
      const answers = rows.map(([name, , overXmpp, overHttp]) => [name, overXmpp, overHttp])
      expect(answers).toContainEqual([`\`${result}\``, xmpp, shownHttp(error, result)])
    })

    test.each(rows)('says the same over XMPP and HTTP: %s, %s', (name, _when, overXmpp, overHttp) => {
      const error = everyStanzaError.find((candidate) => shown(candidate) === overXmpp)
      const result = publishResults.find((candidate) => `\`${candidate}\`` === name)
      if (result === undefined) throw new Error(`no result: ${name}`)
      if (error === undefined) expect(overXmpp).toBe('result')
      expect(overHttp).toBe(shownHttp(error, result))
    })
  })

  test('has every stanza error', () => {
    const rows = tableUnder(page, 'Stanza errors', 'error')
    expect(first(rows).sort()).toEqual(everyStanzaError.map(shown).sort())
  })

  test('has every status and code of the HTTP server', () => {
    const source = sourceOf('http')
    const pairs = [...source.matchAll(/new HttpFault\((\d+), '([\w-]+)'/g)].map(
      ([, status, code]) => `${status} \`${code}\``,
    )
    // What is no request at all is answered without the framework, and what it finds wrong is a bad request.
    const raw = [...source.matchAll(/'(\d{3}) [A-Z][a-z]+ /g)].map(
      ([, status]) => `${status} \`bad-request\``,
    )
    const rows = tableUnder(page, 'HTTP', 'status')
    expect(rows.map(([status, code]) => `${status} ${code}`).sort()).toEqual(
      [...new Set([...pairs, ...raw])].sort(),
    )
  })

  describe('about the gateway', () => {
    const byStatus = tableUnder(page, 'Answers of the gateway', 'answer')

    const statuses = byStatus.flatMap(([answers = '', outcome = '']) =>
      answers.split(/, | and | or /).flatMap((answer) => {
        const [, digits] = /(\dxx|\d{3})/.exec(answer) ?? []
        const status = digits ?? (answer.includes('4xx') ? '4xx' : undefined)
        return status === undefined ? [] : [{ status: Number(status.replaceAll('x', '2')), outcome }]
      }),
    )
    test.each(statuses)('says what $status without a word means: $outcome', ({ status, outcome }) => {
      const answer = { kind: 'response', status, reason: undefined, retryAfterMs: undefined } as const
      expect(`\`${classifyAnswer(answer).kind}\``).toBe(outcome)
    })

    test('has every status that has a meaning of its own', () => {
      const meaningOf = (status: number) =>
        JSON.stringify(classifyAnswer({ kind: 'response', status, reason: '?', retryAfterMs: undefined }))
      const special = Array.from({ length: 100 }, (_, i) => 400 + i).filter(
        (status) => meaningOf(status) !== meaningOf(499),
      )
      expect(statuses.map(({ status }) => status)).toEqual(expect.arrayContaining(special))
    })

    test('has what happens without an answer', () => {
      const causes: Record<NoResponseCause, true> = {
        timeout: true,
        connect_error: true,
        connection_lost: true,
        worker_lost: true,
        not_processed: true,
      }
      const rows = tableUnder(page, 'Answers of the gateway', 'what happened')
      expect(first(rows).flatMap(codesIn)).toEqual(Object.keys(causes))
      for (const cause of Object.keys(causes) as NoResponseCause[]) {
        expect(classifyAnswer({ kind: 'no-response', cause, detail: '' }).kind).toBe('retry')
      }
    })

    test('has every word, with what it leads to', () => {
      const rows = tableUnder(page, 'Answers of the gateway', 'outcome')
      const families = /, and all that .*$/
      const words = rows.map(([outcome = '', cell = '']) => [
        codesIn(outcome)[0],
        codesIn(cell.replace(families, '')),
      ])
      expect(Object.fromEntries(words)).toEqual(knownWords)
    })

    test.each([
      ['TooManyProviderTokenUpdates', 'throttled'],
      ['ServiceUnavailable', 'server_error'],
      ['InternalServerError', 'server_error'],
      ['ExpiredProviderToken', 'operator_fault'],
      ['BadCertificateEnvironment', 'operator_fault'],
    ])('is right about the family of %s', (word, expected) => {
      const outcome = classifyAnswer({ kind: 'response', status: 500, reason: word, retryAfterMs: undefined })
      expect(outcome.kind === 'retry' ? outcome.cause : outcome.kind).toBe(expected)
    })
  })

  test('has every stream error that is sent', () => {
    const source = sourceOf('xmpp')
    const sent = [...source.matchAll(/(?:StreamFaultError\(\s*|condition: )'([\w-]+)'/g)].map(
      ([, name]) => name,
    )
    const rows = tableUnder(page, 'Streams', 'stream error')
    expect(first(rows).flatMap(codesIn)).toEqual([...new Set(sent)].sort())
  })

  test('has every stream error that is told apart when it is received', () => {
    const received = page.slice(page.indexOf('Errors that an XMPP server ends a stream with'))
    const rows = tableUnder(`# Received\n${received}`, 'Received', 'stream error')
    const named = first(rows).slice(0, -1).flatMap(codesIn)
    expect(named.filter((name) => !streamErrorConditions.includes(name as never))).toEqual([])
    const source = sourceOf('xmpp')
    const told = source.slice(source.indexOf('const refusals'), source.indexOf('/** The loss that a socket'))
    for (const condition of streamErrorConditions) {
      if (condition === 'undefined-condition') continue
      expect([condition, named.includes(condition)]).toEqual([condition, told.includes(`'${condition}'`)])
    }
  })

  test('has every code of the store, and whether it passes', () => {
    const rows = tableUnder(page, 'The store', 'code')
    const documented = rows.map(([code = '', , again = '']) => [codesIn(code)[0], again.startsWith('yes')])
    expect(Object.fromEntries(documented)).toEqual(transientStoreErrors)
  })

  test('has every exit code', () => {
    expect(first(tableUnder(page, 'Exit codes', 'code')).map(Number)).toEqual(Object.values(exitCodes))
  })
})
