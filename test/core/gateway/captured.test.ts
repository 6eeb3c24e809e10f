import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CapturedCase, capturedCases, type Exchange, exchange } from './captured-cases.ts'
import { differences } from './differences.ts'

/** What is not about notifications: the listener's own routes. */
const otherRoutes = new Set(['/healthcheck', '/metrics', '/swagger.json'])
const cases = capturedCases.filter(({ path }) => !otherRoutes.has(path))

const page = readFileSync(join(import.meta.dirname, '../../../docs/migration-mongoosepush.md'), 'utf8')

const contentType = { 'content-type': 'application/json; charset=utf-8' }

function theirs({ provider, status, answer = '' }: CapturedCase): Exchange {
  return { provider, status, answer, headers: contentType }
}

/** JSON texts are equal when what they say is. */
function parsed({ answer, ...rest }: Exchange) {
  return { ...rest, answer: answer === '' ? '' : (JSON.parse(answer) as unknown) }
}

test('every captured case that is about notifications is replayed', () => {
  expect(capturedCases).toHaveLength(362)
  expect(cases).toHaveLength(354)
})

describe('a request that MongoosePush was sent has the same effect here, but for the listed differences', () => {
  test.each(cases.map((captured) => [captured.name, captured] as const))('%s', (_name, captured) => {
    const expected = differences
      .filter(({ applies }) => applies(captured))
      .reduce((result, { change }) => change(result, captured), theirs(captured))
    expect(parsed(exchange(captured))).toEqual(parsed(expected))
  })
})

describe('each difference', () => {
  test.each(differences.map((difference) => [difference.name, difference] as const))(
    '%s: is met by a captured case, and in the page on coming from MongoosePush',
    (name, { applies }) => {
      expect(cases.filter(applies)).not.toEqual([])
      expect(page).toContain(`| ${name} |`)
    },
  )
})
