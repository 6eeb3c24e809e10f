import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { readmeSnippet } from './readme.ts'
import { folderFor, type ServerKind, writeConfig, XmppServer } from './xmpp-server.ts'

const template = new URL('../integration/servers/prosody/prosody.cfg.lua.template', import.meta.url)

const prosody: ServerKind = {
  name: 'Prosody',
  user: 'prosody',
  command: 'prosody',
  args: (dir) => ['--config', `${dir}/prosody.cfg.lua`, '-F'],
  logFile: 'prosody.log',
  pidFile: 'prosody.pid',
}

export interface ProsodyOptions {
  /** In place of the README's `example.com`, in all of it. */
  readonly domain?: string
  /** In place of the README's settings of the global section. */
  readonly settings?: string
  /** In place of the README's modules, and of its component. */
  readonly modules?: string
  readonly component?: string
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>
}

/** Runs Prosody with what the README says to put into its configuration. */
export async function startProsody(options: ProsodyOptions = {}): Promise<XmppServer> {
  const dir = folderFor(prosody.user)
  const [clientPort, componentPort] = [await freePort(), await freePort()]
  const { domain = 'example.com' } = options
  const server = new XmppServer(prosody, dir, clientPort, componentPort, domain)
  const inDomain = (text: string) => text.replaceAll('example.com', domain)
  writeConfig(join(dir, 'prosody.cfg.lua'), inDomain(readFileSync(template, 'utf8')), {
    DIR: dir,
    CLIENT_PORT: String(clientPort),
    COMPONENT_PORT: String(componentPort),
    MODULES: options.modules ?? readmeSnippet('prosody-modules'),
    SETTINGS: options.settings ?? readmeSnippet('prosody-settings'),
    COMPONENT: inDomain(options.component ?? readmeSnippet('prosody-component')),
  })
  for (const [name, text] of Object.entries(options.files ?? {})) writeConfig(join(dir, name), text, {})
  await server.start()
  return server
}
