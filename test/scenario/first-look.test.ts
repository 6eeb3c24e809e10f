import { expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { snippet } from '../support/pages.ts'
import { install, virtualDomain } from './installation.ts'

test('an operator gets an answer to every question of docs/operations.md', async () => {
  await using installed = await install()
  const { xmpp, daemon } = installed
  const options = { service: 'fcm', device_id: 'ok' }
  const summary = summaryOf('juliet@chat.test', 'O Romeo')
  await xmpp.request(
    virtualDomain,
    publishIq({ id: 'p', from: 'chat.test', to: virtualDomain, node: 'NODE', options, summary }),
  )

  const commands = snippet('docs/operations.md', 'first-look')
  const urls = [...commands.matchAll(/http:\/\/127\.0\.0\.1:9590([^\s']+)/g)].map(([, path = '']) => path)
  expect(urls).toHaveLength(6)
  for (const path of urls) {
    const response = await fetch(daemon.url + path.replace('push.example.com', virtualDomain))
    expect({ path, status: response.status }).toEqual({ path, status: 200 })
    expect(await response.json()).toBeTypeOf('object')
  }
})
