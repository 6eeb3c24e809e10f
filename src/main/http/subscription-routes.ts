import { bareJid } from '../../core/jid.ts'
import {
  checkSubscription,
  type Fields,
  type ImportedSubscription,
} from '../imports/imported-subscription.ts'
import type { AdminRoute, Query } from './admin-routes.ts'
import { HttpFault } from './fault.ts'
import type { HttpPorts } from './ports.ts'

/** Subscriptions in one answer, and in one request to import. */
const standardPage = 100
export const largestPage = 1_000

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
        const domain = domainOf(fields)
        if (domain === undefined) return subscriptions.removeUser(userOf(fields))
        // Whoever says both may mean the lesser.
        if (fields.user !== undefined) throw wrong('domain', 'is not given together with user')
        return subscriptions.removeDomain(domain)
      },
    },
    {
      method: 'POST',
      path: '/admin/subscriptions/import',
      about:
        'adds subscriptions: {"subscriptions": [{"user", "jid", "node", "options": {…}, "enabled": "…"}]}; with "dry_run": true only counts',
      answer: (_query, body) => {
        const fields = fieldsOf(body)
        const { dry_run: isDryRun = false } = fields
        if (typeof isDryRun !== 'boolean') throw wrong('dry_run', 'is true or false')
        return subscriptions.import(listOf(fields), isDryRun)
      },
    },
  ]
}

function pageSize(given: string | undefined): number {
  if (given === undefined) return standardPage
  const size = Number(given)
  if (Number.isInteger(size) && size >= 1 && size <= largestPage) return size
  throw wrong('limit', `is a number from 1 to ${largestPage}`)
}

function listOf({ subscriptions: list }: Fields): ImportedSubscription[] {
  if (Array.isArray(list) && list.length <= largestPage) {
    return list.map((one, i) => importedOf(one, `subscriptions[${i}].`))
  }
  throw wrong('subscriptions', `is a list of at most ${largestPage}`)
}

function importedOf(given: unknown, at: string): ImportedSubscription {
  const { subscription, fault } = checkSubscription(fieldsOf(given))
  if (fault !== undefined) throw wrong(at + fault.field, fault.what)
  return subscription
}

function userOf(fields: Fields): string {
  const user = bareJid(textOf(fields, 'user') ?? '')
  if (user?.includes('@') === true) return user
  throw wrong('user', 'is the JID of a user')
}

function jidOf(fields: Fields): string {
  const jid = bareJid(textOf(fields, 'jid') ?? '')
  if (jid !== undefined) return jid
  throw wrong('jid', 'is the JID of an App Server')
}

/** Undefined: none is named. */
function domainOf(fields: Fields): string | undefined {
  const given = textOf(fields, 'domain')
  if (given === undefined) return undefined
  const domain = given.includes('/') ? undefined : bareJid(given)
  if (domain !== undefined && !domain.includes('@')) return domain
  throw wrong('domain', 'is a domain of users')
}

/** Undefined: none is named. */
function nodeOf(fields: Fields): string | undefined {
  const node = textOf(fields, 'node')
  if (node === '') throw wrong('node', 'is not empty')
  return node
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw wrong(name, 'is text')
}

function fieldsOf(value: unknown): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new HttpFault(400, 'invalid-body', 'An object is needed.')
}

function wrong(field: string, what: string): HttpFault {
  return new HttpFault(400, 'invalid-field', `${field} ${what}.`, { field })
}
