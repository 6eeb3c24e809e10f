import { Element } from '../../core/xml/element.ts'
import { pushNs } from '../roles/app-server/namespaces.ts'
import { readPushRequest } from '../roles/xmpp-server/push-request.ts'
import type { Fields } from './imported-subscription.ts'

/** What an app has enabled, as another server keeps it. */
export interface StoredEnable {
  readonly user: string
  readonly jid: string
  readonly node: string
  /** With the publish-options; undefined: the app gave none. */
  readonly form: Element | undefined
  /** ISO 8601. */
  readonly enabled: string | undefined
}

/** Reads it as if the app asked here (XEP-0357 §5); a text: why that would be refused. Pure. */
export function readEnable({ user, jid, node, form, enabled }: StoredEnable): Fields | string {
  const attributes = ['jid', jid, 'node', node]
  const enable = new Element('enable', pushNs, attributes, form === undefined ? [] : [form])
  const request = readPushRequest('set', enable)
  switch (request.kind) {
    case 'enable':
      return {
        user,
        jid: request.jid,
        node: request.node,
        options: Object.fromEntries(request.options),
        enabled,
      }
    case 'refused':
      return request.error.text ?? 'is no registration that could be made here'
    case 'disable':
      return 'is no registration'
  }
}
