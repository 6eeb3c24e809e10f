import { request } from 'node:https'
import type { FcmSandbox } from '../../../src/sandbox/providers/fcm.ts'

export interface TokenAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** POSTs a form to the token endpoint. */
export function ask(
  { account, ca = '' }: Pick<FcmSandbox, 'account' | 'ca'>,
  form: Readonly<Record<string, string>>,
  contentType = 'application/x-www-form-urlencoded',
  path = '/token',
): Promise<TokenAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<TokenAnswer>()
  const options = { method: 'POST', ca, agent: false, headers: { 'content-type': contentType } }
  const asking = request(new URL(path, account.token_uri), options, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.on('end', () => {
      const isJson = text.startsWith('{')
      resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : {} })
    })
  })
  asking.on('error', reject)
  asking.end(new URLSearchParams(form).toString())
  return promise
}
