import type { ClientRequest, IncomingHttpHeaders } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Ends the request with this body; what it is answered, read to its end. */
export function answerTo(sent: ClientRequest, body?: string | Uint8Array): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  sent.on('response', (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
    )
    response.on('error', reject)
  })
  sent.on('error', reject).end(body)
  return promise
}
