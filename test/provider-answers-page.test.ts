import { describe, expect, test } from 'vitest'
import { apnsWords } from '../src/core/apns/answer.ts'
import { fcmWords } from '../src/core/fcm/answer.ts'
import { codesIn, tableUnder } from './support/markdown.ts'
import { pageText } from './support/pages.ts'

const page = pageText('docs/errors.md')

describe('the page about errors', () => {
  test.each([
    ['Answers of APNs', apnsWords],
    ['Answers of FCM', fcmWords],
  ] as const)('has every word under "%s", where it belongs', (heading, words) => {
    const rows = tableUnder(page, heading, 'meaning')
    const shown = rows.map(([meaning = '', list = '']) => [codesIn(meaning)[0], codesIn(list)])
    expect(Object.fromEntries(shown)).toEqual(words)
  })
})
