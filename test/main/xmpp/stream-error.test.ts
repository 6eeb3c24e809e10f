import { expect, it } from 'vitest'
import { renderStreamError, streamErrorConditions } from '../../../src/main/xmpp/stream-error.ts'
import { header, record, stanzasOf } from './stream-recording.ts'

it.each(streamErrorConditions)('a stream error names its condition and says why: %s', (condition) => {
  const xml = renderStreamError({ condition, text: 'Because of <this> & that.' })
  const [error] = stanzasOf(record([Buffer.from(header + xml)]))
  expect(error).toMatchObject({ name: 'error', ns: 'http://etherx.jabber.org/streams' })
  expect(error?.elements()).toHaveLength(2)
  expect(error?.child(condition, 'urn:ietf:params:xml:ns:xmpp-streams')?.children).toEqual([])
  const text = error?.child('text', 'urn:ietf:params:xml:ns:xmpp-streams')
  expect(text?.text()).toBe('Because of <this> & that.')
  expect(text?.attr('xml:lang')).toBe('en')
})

it('a stream error without a text has no text element', () => {
  expect(renderStreamError({ condition: 'conflict', text: '' })).toBe(
    "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
  )
})
