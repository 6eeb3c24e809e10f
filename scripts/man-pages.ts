/** The manual pages, made from what the command line and the configuration say of themselves. */
import { commands, synopsis } from '../src/main/command-line.ts'
import { storeUsage } from '../src/main/commands/store.ts'
import { subscriptionsUsage } from '../src/main/commands/subscriptions.ts'
import { allowed, tomlInteger } from '../src/main/config/allowed.ts'
import type { SchemaNode } from '../src/main/config/keys.ts'
import { headedTables, ownKeys, topLevel } from '../src/main/config/schema.ts'
import { version } from '../src/main/version.ts'

/** The help of commands that have words of their own. */
const usages: Readonly<Record<string, string>> = { store: storeUsage, subscriptions: subscriptionsUsage }

/** xmpp-pushd(1). */
export function commandPage(): string {
  const page = [
    ...title('xmpp-pushd', 1),
    '.SH NAME',
    'xmpp-pushd \\- push notifications for any XMPP server, through MongoosePush',
    '.SH SYNOPSIS',
    '.B xmpp-pushd',
    '.I COMMAND',
    '.RI [ OPTIONS ]',
    '.SH DESCRIPTION',
    roff(
      'The App Server of XMPP push notifications (XEP-0357). It stands beside an XMPP server as an external ' +
        'component (XEP-0114), takes the publishes that the server sends for users who are away, and hands them to ' +
        'MongoosePush, which talks to Apple and Google.',
    ),
    '.SH COMMANDS',
  ]
  for (const command of commands) {
    page.push('.TP', `.B ${roff(synopsis(command))}`, sentence(command.about))
    for (const [name, { value, about }] of Object.entries(command.options)) {
      page.push('.RS', '.TP', `.B ${roff(`--${name}`)}${value === undefined ? '' : ` \\fI${value}\\fR`}`)
      page.push(sentence(about), '.RE')
    }
    // Without the synopsis, which stands above.
    const [, ...usage] = usages[command.name]?.split('\n') ?? []
    if (usage.length > 0) page.push('.RS', '.nf', ...usage.map(roff), '.fi', '.RE')
  }
  page.push(
    '.TP',
    '.B \\-\\-version, \\-\\-help',
    'Also after a command: its own help.',
    '.SH SIGNALS',
    ...entry('SIGTERM, SIGINT', 'Stop: what is under way is still answered, for drain_timeout_ms at most.'),
    'A second one stops at once.',
    ...entry(
      'SIGHUP',
      'Read the configuration anew; a faulty file changes nothing. Where something has changed that cannot be taken over by',
    ),
    'this process, the log names it, and under systemd the daemon hands over, as at SIGUSR2.',
    ...entry(
      'SIGUSR2',
      'Hand over: start a successor, which takes over the streams and the listening sockets, and end. If the successor',
    ),
    'cannot take over, this process goes on, and its log says why.',
    '.SH EXIT STATUS',
    ...entry('0', 'A clean stop.'),
    ...entry('70', 'A bug.'),
    ...entry(
      '75',
      'Something needed at the start is not there and may come back: data in use, a taken port.',
    ),
    ...entry('78', 'The configuration or the command line has to be changed first.'),
    '.SH ENVIRONMENT',
    ...entry('XMPP_PUSHD_CONFIG', 'The configuration file, where no \\-\\-config is given.'),
    ...entry(
      'CREDENTIALS_DIRECTORY',
      'Where secrets are that the configuration does not give: one file per domain, named for it.',
    ),
    ...entry(
      'NOTIFY_SOCKET, WATCHDOG_USEC',
      'Set by systemd: it is told when the daemon is ready, reloads, stops, and that it lives.',
    ),
    '.SH FILES',
    ...entry('/etc/xmpp\\-pushd/config.toml', 'What the service reads.'),
    ...entry(
      '/etc/xmpp\\-pushd/secrets/',
      'What the service reads as credentials: one file per domain, named for it, with its secret.',
    ),
    ...entry(
      '/var/lib/xmpp\\-pushd/',
      'Push nodes, push subscriptions, dead devices, and notifications stored for later.',
    ),
    '.SH SEE ALSO',
    '.BR xmpp\\-pushd.toml (5),',
    '.BR systemctl (1),',
    '.BR journalctl (1)',
  )
  return `${page.join('\n')}\n`
}

/** xmpp-pushd.toml(5). */
export function configurationPage(): string {
  const page = [
    ...title('xmpp-pushd.toml', 5),
    '.SH NAME',
    'xmpp-pushd.toml \\- the configuration of xmpp-pushd',
    '.SH DESCRIPTION',
    'A TOML file. Unknown keys are faults; so are values that are not allowed. Relative paths start at its folder.',
    'Keys marked (reload) are taken over on SIGHUP, all others at the next start.',
    '.SH TOP LEVEL',
  ]
  page.push(...keysOf(topLevel, ''))
  for (const { header, table } of headedTables()) {
    page.push(`.SH ${roff(header)}`)
    if (table.description !== undefined) page.push(roff(table.description))
    page.push(...keysOf(table, ''))
  }
  page.push('.SH SEE ALSO', '.BR xmpp\\-pushd (1)')
  return `${page.join('\n')}\n`
}

function* keysOf(table: SchemaNode, inside: string): Generator<string> {
  for (const [name, node] of ownKeys(table)) {
    if (node.properties === undefined) yield* keyEntry(inside + name, node)
    else yield* keysOf(node, `${inside}${name}.`)
  }
}

function keyEntry(name: string, node: SchemaNode): string[] {
  const { description = '', example } = node
  const remarks = [description]
  const words = allowed(node)
  if (words !== 'text') remarks.push(`Allowed: ${words}.`)
  // A default that depends on the machine is told in words.
  if (node.default === undefined) remarks.push('It must be given.')
  else if (!description.includes('Default:')) remarks.push(`Default: ${shown(node.default)}.`)
  if (example !== undefined) remarks.push(`Example: ${shown(example)}.`)
  if (node.reload === true) remarks.push('(reload)')
  return ['.TP', `.B ${roff(name)}`, roff(remarks.join(' '))]
}

function shown(value: unknown): string {
  if (typeof value === 'number') return tomlInteger(value)
  return JSON.stringify(value)
}

function title(name: string, section: number): string[] {
  return [`.TH ${roff(name)} ${section} "" "xmpp\\-pushd ${version}"`, '.nh', '.ad l']
}

function entry(term: string, text: string): string[] {
  return ['.TP', `.B ${term}`, text]
}

function sentence(text: string): string {
  return roff(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`)
}

/** Text in which nothing is markup. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('§', '\\(sc')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/, '\\&')
}
