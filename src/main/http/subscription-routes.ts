import { bareJid } from '../../core/jid.ts'
import type { AdminRoute, Query } from './admin-routes.ts'
import { HttpFault } from './fault.ts'
import type { HttpPorts, ImportedSubscription } from './ports.ts'

/** Subscriptions in one answer, and in one request to import. */
const standardPage = 100
export const largestPage = 1_000

type Fields = Readonly<Record<string, unknown>>

/** What operators can see and do of push subscriptions. */
export function subscriptionRoutes({ subscriptions }: HttpPorts): readonly AdminRoute[] {
  return [
    {
      method: 'GET',
      path: '/admin/subscriptions',
      about: "one user's push subscriptions: ?user=…; or everybody's: ?limit=…, and &after=… for more",
      answer: ({ user, after, limit }: Query) =>
        user === undefined ? subscriptions.page(after, pageSize(limit)) : subscriptions.of(userOf({ user })),
    },
    {
      method: 'POST',
      path: '/admin/subscriptions/disable',
      about: 'disables push for a user, as <disable/> does: {"user": "…", "jid": "…"}, and "node" for one',
      answer: (_query, body) => {
        const fields = fieldsOf(body)
        return subscriptions.disable(userOf(fields), jidOf(fields), nodeOf(fields))
      },
    },
    {
      method: 'POST',
      path: '/admin/subscriptions/remove',
      about: 'removes all of a user, {"user": "…"}, or of a host’s users, {"domain": "…"}',
      answer: (_query, body) => {
        const fields = fieldsOf(body)
        const domain = textOf(fields, 'domain')
        return domain === undefined
          ? subscriptions.removeUser(userOf(fields))
          : subscriptions.removeDomain(domain.toLowerCase())
      },
    },
    {
      method: 'POST',
      path: '/admin/subscriptions/import',
      about:
        'adds subscriptions: {"subscriptions": [{"user", "jid", "node", "options": {…}, "enabled": "…"}]}',
      answer: (_query, body) => subscriptions.import(listOf(body)),
    },
  ]
}

function pageSize(given: string | undefined): number {
  if (given === undefined) return standardPage
  const size = Number(given)
  if (Number.isInteger(size) && size >= 1 && size <= largestPage) return size
  throw wrong('limit', `is a number from 1 to ${largestPage}`)
}

function listOf(body: unknown): ImportedSubscription[] {
  const { subscriptions: list } = fieldsOf(body)
  if (Array.isArray(list) && list.length <= largestPage) {
    return list.map((one, i) => importedOf(one, `subscriptions[${i}].`))
  }
  throw wrong('subscriptions', `is a list of at most ${largestPage}`)
}

function importedOf(given: unknown, at: string): ImportedSubscription {
  const fields = fieldsOf(given)
  const node = nodeOf(fields, at)
  if (node === undefined) throw wrong(`${at}node`, 'is needed')
  const enabled = textOf(fields, 'enabled', at)
  const enabledAtMs = enabled === undefined ? undefined : Date.parse(enabled)
  if (Number.isNaN(enabledAtMs)) throw wrong(`${at}enabled`, 'is a time such as 2026-01-31T12:00:00Z')
  const options: [string, string][] = []
  const named = fields.options ?? {}
  if (typeof named !== 'object' || Array.isArray(named)) throw wrong(`${at}options`, 'is an object')
  for (const [name, value] of Object.entries(named)) {
    if (typeof value !== 'string') throw wrong(`${at}options.${name}`, 'is text')
    options.push([name, value])
  }
  return { user: userOf(fields, at), jid: jidOf(fields, at), node, options, enabledAtMs }
}

function userOf(fields: Fields, at = ''): string {
  const user = bareJid(textOf(fields, 'user', at) ?? '')
  if (user?.includes('@') === true) return user
  throw wrong(`${at}user`, 'is the JID of a user')
}

function jidOf(fields: Fields, at = ''): string {
  const jid = bareJid(textOf(fields, 'jid', at) ?? '')
  if (jid !== undefined) return jid
  throw wrong(`${at}jid`, 'is the JID of an App Server')
}

/** Undefined: none is named. */
function nodeOf(fields: Fields, at = ''): string | undefined {
  const node = textOf(fields, 'node', at)
  if (node === '') throw wrong(`${at}node`, 'is not empty')
  return node
}

function textOf(fields: Fields, name: string, at = ''): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw wrong(at + name, 'is text')
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new HttpFault(400, 'invalid-body', 'An object is needed.')
}

function wrong(field: string, what: string): HttpFault {
  return new HttpFault(400, 'invalid-field', `${field} ${what}.`, { field })
}
