import { expect, test } from 'vitest'
import { RareLine } from '../../src/main/rare-line.ts'

test('a line comes at once, and then at most once a minute, with how often it was since', () => {
  let nowMs = 5
  const lines: [times: number, detail: string][] = []
  const line = new RareLine(
    (times, detail) => void lines.push([times, detail]),
    () => nowMs,
  )
  line.note('a')
  for (let i = 0; i < 10; i++) line.note('b')
  nowMs += 59_999
  line.note('c')
  expect(lines).toEqual([[1, 'a']])
  nowMs += 1
  line.note('d')
  expect(lines).toEqual([
    [1, 'a'],
    [12, 'd'],
  ])
})
