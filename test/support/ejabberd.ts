import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { readmeSnippet } from './readme.ts'
import { folderFor, type ServerKind, writeCertificate, writeConfig, XmppServer } from './xmpp-server.ts'

const templates = new URL('../integration/servers/ejabberd/', import.meta.url)

const ejabberd: ServerKind = {
  name: 'ejabberd',
  user: 'ejabberd',
  command: 'ejabberdctl',
  args: (dir) => [...nodeArgs(dir), 'foreground'],
  logFile: 'ejabberd.log',
  pidFile: 'ejabberd.pid',
}

function nodeArgs(dir: string): string[] {
  return [
    ...['-n', 'xmpp-pushd-test@localhost', '-d', dir, '-c', `${dir}/ejabberdctl.cfg`],
    ...['-f', `${dir}/ejabberd.yml`, '-l', dir, '-s', `${dir}/spool`],
  ]
}

/** `ejabberdctl` for this server, run as its user: the words before a command's own. */
export function ejabberdCommand(server: XmppServer): string[] {
  // In its folder: Erlang looks for modules where it is started.
  const asItsUser = ['runuser', '-u', ejabberd.user, '--', 'env', '-C', server.dir, `HOME=${server.dir}`]
  return [...asItsUser, ejabberd.command, ...nodeArgs(server.dir)]
}

export interface EjabberdOptions {
  /** Direct TLS for components; the certificate is `certificateOf(server)`. */
  readonly tls?: boolean
  /** STARTTLS for clients, with the same certificate; without, they have to do without. */
  readonly clientTls?: boolean
  /** In place of the README's: under `modules:`, indented by two. */
  readonly modules?: string
  /** ejabberd's default, in place of the README's: every component of the listener gets the stanzas to all. */
  readonly globalRoutes?: boolean
  /** More components, with the README's secret. */
  readonly others?: readonly string[]
}

/** Runs ejabberd with what the README says to put into its configuration. */
export async function startEjabberd(options: EjabberdOptions = {}): Promise<XmppServer> {
  const dir = folderFor(ejabberd.user)
  const [clientPort, componentPort, distributionPort] = [await freePort(), await freePort(), await freePort()]
  const server = new XmppServer(ejabberd, dir, clientPort, componentPort)
  if (options.tls || options.clientTls) writeCertificate(certificateOf(server))

  const certificate = `    certfile: "${certificateOf(server)}"\n`
  const others = (options.others ?? []).map((domain) => `      "${domain}":\n        password: "change-me"\n`)
  const listen = readmeSnippet('ejabberd-listen')
    .replace('5347', String(componentPort))
    .replace('global_routes: false', `global_routes: ${options.globalRoutes === true}`)
  const modules = options.modules ?? readmeSnippet('ejabberd-modules')
  const values = {
    DIR: dir,
    MODULES_DIR: modulesOf(dir),
    CLIENT_PORT: String(clientPort),
    DISTRIBUTION_PORT: String(distributionPort),
    CLIENT_TLS: options.clientTls ? `    starttls_required: true\n${certificate}` : '',
    LISTEN: listen + others.join('') + (options.tls ? `    tls: true\n${certificate}` : ''),
    // It needs the other one.
    KEEPALIVE: modules.includes('mod_push:') ? '  mod_push_keepalive: {}\n' : '',
    MODULES: modules,
  }
  for (const file of ['ejabberd.yml', 'ejabberdctl.cfg']) {
    writeConfig(join(dir, file), readFileSync(new URL(`${file}.template`, templates), 'utf8'), values)
  }
  await server.start()
  return server
}

/**
 * Installs a module that is not part of ejabberd: `commands`, from a page, compile what is in `folder`, and `config`
 * goes under `modules:`.
 */
export function addModule(server: XmppServer, folder: string, commands: string, config: string): void {
  const copy = join(server.dir, 'source')
  rmSync(copy, { recursive: true, force: true })
  cpSync(folder, copy, { recursive: true })
  run('sh', ['-ec', commands.replaceAll('/var/lib/ejabberd/modules', modulesOf(server.dir))], copy)
  const file = join(server.dir, 'ejabberd.yml')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace('\nmodules:\n', `\nmodules:\n${config}`))
  const [command = '', ...args] = ejabberdCommand(server)
  run(command, [...args, 'reload_config'], server.dir)
}

function modulesOf(dir: string): string {
  return join(dir, 'modules')
}

function run(command: string, args: readonly string[], cwd: string): void {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`)
}

export function certificateOf(server: XmppServer): string {
  return join(server.dir, 'component.pem')
}
