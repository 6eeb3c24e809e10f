import { expect, it } from 'vitest'
import { isNameCharacter, isNameStart, isXmlCharacter } from '../../../src/core/xml/characters.ts'

// The productions of XML 1.0 (fifth edition) as character classes, without the colon.
const start =
  'A-Z_a-z\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}\\u{200c}-\\u{200d}\\u{2070}-\\u{218f}\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}\\u{10000}-\\u{effff}'
const nameStart = new RegExp(`^[${start}]$`, 'u')
const nameCharacter = new RegExp(`^[${start}.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}-\\u{2040}-]$`, 'u')
const character = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]$/u

it('every code point is what XML 1.0 §2.2 and §2.3 say it is', () => {
  const wrong: number[] = []
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
    const text = String.fromCodePoint(codePoint)
    const isRight =
      isNameStart(codePoint) === nameStart.test(text) &&
      isNameCharacter(codePoint) === nameCharacter.test(text) &&
      isXmlCharacter(codePoint) === character.test(text)
    if (!isRight) wrong.push(codePoint)
  }
  expect(wrong).toEqual([])
})
