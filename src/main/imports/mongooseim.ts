import { timeOfMicroseconds } from './bytes.ts'
import { addressOf, binariesOf, binaryOf, isAtom, type Term } from './erlang-term.ts'
import type { ServerLayout } from './server-export.ts'

/** What mod_event_pusher_push of MongooseIM keeps: `event_pusher_push_subscription` in SQL, `push_subscription` in Mnesia. */
export const mongooseImLayout: ServerLayout = {
  columns: ['owner_jid', 'node', 'pubsub_jid', 'form'],
  fromRow(cell) {
    const options = objectIn(cell('form'))
    if (options === undefined) return 'form is no JSON object'
    const time = cell('created_at')
    const enabled = timeOfMicroseconds(time)
    if (time !== '' && enabled === undefined) return 'created_at is no time in microseconds'
    return {
      user: cell('owner_jid'),
      jid: cell('pubsub_jid'),
      node: cell('node'),
      options,
      enabled,
    }
  },
  record: 'push_subscription',
  fromRecord([owner, service, nodeName, form]) {
    const user = addressOf(binariesOf(owner))
    if (user === undefined) return 'its user is no address'
    const jid = addressOf(serviceOf(service))
    if (jid === undefined) return 'its service is no address'
    const node = binaryOf(nodeName)
    if (node === undefined) return 'its node is no text'
    const options = optionsOf(form)
    if (options === undefined) return 'its form is no list of options'
    // Mnesia holds no time.
    return { user, jid, node, options, enabled: undefined }
  },
}

function objectIn(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** `{jid, Local, Domain, Resource}`; older releases have the three as they were written before these. */
function serviceOf(term: Term | undefined): readonly string[] | undefined {
  if (term?.kind !== 'tuple' || term.items.length < 4 || !isAtom(term.items[0], 'jid')) return undefined
  return binariesOf({ kind: 'tuple', items: term.items.slice(-3) })
}

/** Options by name: a map, in older releases a list of pairs. */
function optionsOf(form: Term | undefined): Readonly<Record<string, string>> | undefined {
  const pairs =
    form?.kind === 'map'
      ? form.entries.map((items): Term => ({ kind: 'tuple', items }))
      : form?.kind === 'list'
        ? form.items
        : undefined
  const options: [string, string][] = []
  for (const pair of pairs ?? []) {
    const [name, value] = binariesOf(pair) ?? []
    if (name === undefined || value === undefined) return undefined
    options.push([name, value])
  }
  return pairs === undefined ? undefined : Object.fromEntries(options)
}
