import { describe, expect, test } from 'vitest'
import { optionsFor, publish, startAppServer } from './app-server/app-server-at-work.ts'
import { enable, phoneOptions, startXmppServer, virtualHost } from './xmpp-server/xmpp-server-at-work.ts'

const spellings = ['bücher.example', 'xn--bcher-kva.example'] as const

describe.each(spellings)('with %s in the configuration', (configured) => {
  test.each(spellings)('a publish from and to %s is admitted', async (written) => {
    await using app = await startAppServer()
    const domain = `push.${configured}`
    app.server.reconfigure({
      ...optionsFor(),
      domains: [{ domain, pubsub: false, virtual: true, publishers: [configured], tags: [], nodeOwners: [] }],
    })
    expect(app.verdict(publish({ from: written, to: `push.${written}` }), domain)).toMatchObject({
      kind: 'push',
      notification: { domain },
    })
    expect(app.server.isVirtual(`push.${written}`)).toBe(true)
  })

  test.each(spellings)(
    'a user of %s enables push, and is told of a message in either spelling',
    async (written) => {
      await using work = await startXmppServer({ servedHosts: [configured] })
      const user = `carol@${written}`
      expect(await work.ask(`${user}/r1`, enable(virtualHost, 'n', phoneOptions))).toBe('result')
      for (const [i, told] of spellings.entries()) {
        expect(await work.event({ to: `carol@${told}`, id: `m${i}` })).toBe(1)
      }
    },
  )
})
