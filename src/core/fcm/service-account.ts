import { parseObject } from '../gateway/provider-body.ts'
import type { JsonValue } from '../json.ts'

/** What of a Firebase service account's JSON file is needed. */
export interface ServiceAccount {
  readonly projectId: string
  readonly clientEmail: string
  /** Names the key to Google, if the file says it. */
  readonly privateKeyId: string | undefined
  /** PEM. */
  readonly privateKey: string
  /** Where access tokens are given out: http(s). */
  readonly tokenUri: string
  /** `googleapis.com`, or the domain of another cloud. */
  readonly universeDomain: string
}

/** Reads the file's text; a text instead says what is wrong with it, and quotes nothing of it. */
export function readServiceAccount(text: string): ServiceAccount | string {
  const file = parseObject(text)
  if (file === undefined) return 'is no JSON object'
  if (file.type !== 'service_account')
    return 'is not the key of a service account ("type" is not "service_account")'
  const { project_id, client_email, private_key, private_key_id, token_uri, universe_domain } = file
  if (!isText(project_id)) return 'has no project_id'
  if (!isText(client_email)) return 'has no client_email'
  if (!isText(private_key)) return 'has no private_key'
  if (!isText(token_uri) || !/^https?:\/\/[^/]/.test(token_uri)) return 'has no token_uri'
  return {
    projectId: project_id,
    clientEmail: client_email,
    privateKeyId: isText(private_key_id) ? private_key_id : undefined,
    privateKey: private_key,
    tokenUri: token_uri,
    // Files from before 2023 have none.
    universeDomain: isText(universe_domain) ? universe_domain : 'googleapis.com',
  }
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== ''
}
