import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../src/main/secret.ts'

test.each([
  ['a string', (secret: Secret) => `${secret}`],
  ['JSON', (secret: Secret) => JSON.stringify({ secret })],
  ['an inspection', (secret: Secret) => inspect({ secret }, { showHidden: true })],
  ['a formatted line', (secret: Secret) => format('%s %o %j', secret, secret, secret)],
  ['an error', (secret: Secret) => inspect(new Error(String(secret), { cause: secret }))],
])('a secret does not show in %s', (_where, print) => {
  const shown = print(new Secret('hush'))
  expect(shown).not.toContain('hush')
  expect(shown).toContain('[secret]')
})

test('a secret tells whether a text is the same, whatever its length', () => {
  const secret = new Secret('grüße')
  expect(['grüße', 'grüß', 'grüßen', ''].map((text) => secret.equals(text))).toEqual([
    true,
    false,
    false,
    false,
  ])
})
