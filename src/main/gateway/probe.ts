import { connect } from 'node:http2'
import { getCACertificates } from 'node:tls'
import type { ProviderAnswer, ProviderRequest } from '../../core/gateway/ports.ts'
import type { ProviderTls } from '../../core/gateway/provider-target.ts'

const timeoutMs = 10_000
/** More is no answer of a provider. */
const maxAnswerLength = 64 * 1024

/**
 * One request on a connection of its own; what the provider answered. Rejects with what kept it from that: it could not
 * be reached, it does not trust us or we do not trust it, it does not answer in time.
 */
export async function probe(
  origin: string,
  { ca, identity }: ProviderTls,
  { path, headers, body }: ProviderRequest,
  authorization: string | undefined,
): Promise<ProviderAnswer> {
  const own =
    identity?.kind === 'pfx'
      ? {
          pfx: Buffer.from(identity.pfx),
          ...(identity.passphrase === undefined ? {} : { passphrase: identity.passphrase }),
        }
      : identity
  const session = connect(origin, {
    ...own,
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
  })
  const { promise, resolve, reject } = Promise.withResolvers<ProviderAnswer>()
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  session.on('error', reject)
  session.on('close', () => reject(new Error('the connection was closed')))
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    ...headers,
    ...(authorization === undefined ? {} : { authorization }),
  })
  let status = 0
  let text = ''
  stream.on('response', (answer) => {
    status = Number(answer[':status'])
  })
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < maxAnswerLength) text += chunk
  })
  // Where the connection failed, that is the cause.
  stream.on('error', (error) => reject(error.cause ?? error))
  stream.on('end', () => resolve({ status, retryAfterMs: undefined, body: text }))
  stream.end(body)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    session.destroy()
  }
}
