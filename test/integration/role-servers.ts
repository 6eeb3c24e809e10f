import { join } from 'node:path'
import { describe } from 'vitest'
import { addModule, startEjabberd } from '../support/ejabberd.ts'
import { lacks, type Program } from '../support/installed.ts'
import { snippet } from '../support/pages.ts'
import { startProsody } from '../support/prosody.ts'
import type { XmppClient } from '../support/xmpp-client.ts'
import type { XmppServer } from '../support/xmpp-server.ts'
import { bare, type SetUp } from './set-up.ts'

/** Servers without push of their own, set up as the page about that says. */

const page = 'docs/server-role.md'

/**
 * A folder with the sources of ejabberd's modules `mod_push_offline` and `mod_offline_http_post`, each in a folder of its
 * name: no Debian package has them. Without it they are not tried; `ejabberd` alone then stands for both.
 */
const moduleSources = process.env.XMPP_PUSHD_TEST_EJABBERD_MODULES

export interface RoleServer {
  readonly name: string
  readonly program: Program
  /** `others`: more components. */
  start(others?: readonly string[]): Promise<XmppServer>
  /** What is left to do once the daemon runs. */
  tellDaemon(setUp: SetUp): void
  /** What a source that the server lacks would do about a message that has just been written. */
  standIn(setUp: SetUp, from: XmppClient, to: string, body: string): Promise<void>
}

const ejabberd: RoleServer = {
  name: 'ejabberd',
  program: 'ejabberd',
  start: (others = []) => startEjabberd({ modules: snippet(page, 'ejabberd-modules'), others }),
  tellDaemon: () => undefined,
  async standIn(setUp, from, to, body) {
    // What mod_offline_http_post posts.
    const [user, vhost] = to.split('@')
    const form = `to=${user}&from=${bare(from.jid).split('@')[0]}&vhost=${vhost}&body=${body}&messageId=`
    const response = await setUp.daemon.request(`/v1/events/ejabberd`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form,
    })
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`)
  },
}

function ejabberdWith(module: string, config: (setUp: SetUp) => string): RoleServer {
  return {
    ...ejabberd,
    name: `ejabberd with ${module}`,
    tellDaemon(setUp) {
      const sources = join(moduleSources ?? '', module)
      addModule(setUp.server, sources, snippet(page, 'ejabberd-compile'), config(setUp))
    },
    standIn: async () => undefined,
  }
}

const prosody: RoleServer = {
  name: 'Prosody',
  program: 'prosody',
  start: (others = []) =>
    startProsody({
      modules: snippet(page, 'prosody-modules'),
      settings: snippet(page, 'prosody-settings'),
      component:
        snippet(page, 'prosody-hosts') +
        others.map((domain) => `\nComponent "${domain}"\n  component_secret = "change-me"\n`).join(''),
      files: { 'offline.pfw': snippet(page, 'offline.pfw') },
    }),
  tellDaemon: () => undefined,
  standIn: async () => undefined,
}

const ejabberdsWithSources: readonly RoleServer[] = [
  ejabberdWith('mod_push_offline', () => snippet(page, 'ejabberd-push-offline')),
  ejabberdWith('mod_offline_http_post', ({ daemon }) =>
    snippet(page, 'ejabberd-http-post')
      .replace('http://127.0.0.1:9590', daemon.url)
      .replace('what-is-in-http.token', daemon.token),
  ),
]

/** The same tests with each of them; skipped where one is not installed. */
export function describeRoleServers(title: string, tests: (server: RoleServer) => void): void {
  const roleServers = [ejabberd, ...(moduleSources === undefined ? [] : ejabberdsWithSources), prosody]
  for (const server of roleServers) {
    describe.skipIf(lacks(server.program))(`${title} (${server.name})`, () => tests(server))
  }
}
