import { expect, test } from 'vitest'
import { isVirtualDomain } from '../../src/core/served-domains.ts'

const served = ['example.com', 'Example.ORG']

test.each([
  ['virtual.example.com', ['virtual.@HOST@'], true],
  ['virtual.example.org', ['virtual.@HOST@'], true],
  ['VIRTUAL.example.com', ['virtual.@HOST@'], true],
  ['virtual.example.net', ['virtual.@HOST@'], false],
  ['example.com', ['virtual.@HOST@'], false],
  ['push.virtual.example.com', ['virtual.@HOST@'], false],
  ['example.com', ['@HOST@'], true],
  ['push.example.net', ['push.example.net'], true],
  ['push.example.net', ['a.@HOST@', 'push.example.net'], true],
  ['push.example.com', [], false],
])('%s among %j: %s', (domain, patterns, virtual) => {
  expect(isVirtualDomain(domain, patterns, served)).toBe(virtual)
})

test('without served hosts @HOST@ stands for nothing', () => {
  expect(isVirtualDomain('virtual.', ['virtual.@HOST@'], [])).toBe(false)
  expect(isVirtualDomain('virtual.@host@', ['virtual.@HOST@'], [])).toBe(false)
})
