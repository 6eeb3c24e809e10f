/** What becomes of what was acknowledged when its domain is taken out of the configuration. */
import { expect, test } from 'vitest'
import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { until } from '../support/until.ts'
import { fullDomain, type Installation, install, virtualDomain } from './installation.ts'
import { enablePush, postEvents } from './server-role.ts'

/** The file without one of its components. */
function remove({ config, daemon }: Installation, gone: string): void {
  const components = config.component as { domain: string }[]
  daemon.configure({
    data_dir: `${daemon.dir}/data`,
    http: { listen: new URL(daemon.url).host },
    ...config,
    component: components.filter(({ domain }) => domain !== gone),
  })
}

async function reload({ daemon }: Installation): Promise<Record<string, unknown>> {
  daemon.signal('SIGHUP')
  return until('the reload', () => daemon.log.find(({ msg }) => msg === 'configuration reread'))
}

test.each(['acknowledged', 'always'])(
  'a stored push goes out all the same (durability = "%s")',
  async (durability) => {
    await using installed = await install({
      config: { push: { reply_deadline_ms: 500 }, queue: { durability } },
    })
    const { gateway, daemon, xmpp } = installed
    gateway.answerWith(() => ({ status: 503 }))
    const { xml } = await xmpp.request(
      virtualDomain,
      publishIq({
        id: 'p1',
        from: 'chat.test',
        to: virtualDomain,
        node: 'n',
        options: { service: 'apns', device_id: 'tok' },
        summary: summaryOf('juliet@chat.test', 'O Romeo'),
      }),
    )
    expect(xml).toContain("type='result'")
    remove(installed, virtualDomain)
    expect((await reload(installed)).needsRestart).toContain(`component(${virtualDomain})`)
    expect(xmpp.streamCount(virtualDomain), 'until then it is as it was').toBe(2)
    await daemon.stop()
    await daemon.start()
    gateway.answerWith(undefined)
    await until('it is delivered', () => gateway.requests.some(({ status }) => status === 200))
    await until('the outbox is empty', async () => (await daemon.metric('stored')) === 0)
    expect(gateway.requests.at(-1)).toMatchObject({ deviceId: 'tok', body: { alert: { body: 'O Romeo' } } })
    expect(xmpp.streamCount(virtualDomain)).toBe(0)
  },
)

test('a stored publish to an App Server elsewhere goes out from another domain, and a line says so', async () => {
  await using installed = await install({ others: ['app.elsewhere.test'] })
  const { daemon, xmpp } = installed
  await enablePush(installed, 'fay@chat.test/r1', 'app.elsewhere.test', 'node', 'fay-phone')
  expect(await postEvents(installed, { to: 'fay@chat.test' })).toMatchObject({ body: { notified: 1 } })
  const sentFrom = (domain: string) =>
    xmpp.received.filter((one) => one.domain === domain && one.xml.includes("to='app.elsewhere.test'"))
  await until('it goes out', () => sentFrom(fullDomain).length === 1)

  remove(installed, fullDomain)
  await daemon.stop()
  await daemon.start()
  await until('it goes out again', () => sentFrom(virtualDomain).length === 1)
  expect(sentFrom(fullDomain)).toHaveLength(1)
  expect(daemon.log).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      domain: fullDomain,
      sender: virtualDomain,
      count: 1,
      msg: 'stored publishes of a domain that is gone go out from another',
    }),
  )
})
