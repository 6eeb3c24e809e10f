import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { IssuedCertificate } from '../../../src/sandbox/providers/authority.ts'

export interface Http2Answer {
  /** 0: the stream was reset. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly rstCode?: number
}

/** One connection, one request after the other. */
export class Http2Client {
  /** Settled when the connection is over. */
  readonly ended: Promise<unknown>
  readonly #session: ClientHttp2Session

  private constructor(session: ClientHttp2Session) {
    this.#session = session
    this.ended = once(session, 'close')
  }

  static async connect(
    url: string,
    ca: string | undefined,
    certificate: Partial<IssuedCertificate> = {},
  ): Promise<Http2Client> {
    const session = connect(url, { ...(ca === undefined ? {} : { ca }), ...certificate })
    await once(session, 'remoteSettings')
    return new Http2Client(session)
  }

  get maxStreams(): number {
    return this.#session.remoteSettings.maxConcurrentStreams ?? 0
  }

  post(path: string, headers: OutgoingHttpHeaders, body: string): Promise<Http2Answer> {
    return this.request('POST', path, headers, body)
  }

  request(method: string, path: string, headers: OutgoingHttpHeaders, body = ''): Promise<Http2Answer> {
    const { promise, resolve } = Promise.withResolvers<Http2Answer>()
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''))
    const all = { ':method': method, ':path': path, ...given }
    const stream = this.#session.request(all, { endStream: body === '' })
    let answer: IncomingHttpHeaders = {}
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      answer = received
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    // What is reset is told by its code.
    stream.on('error', () => stream.destroy())
    stream.on('close', () => {
      const { rstCode = 0 } = stream
      const status = Number(answer[':status'] ?? 0)
      resolve({ status, headers: answer, body: text, ...(rstCode === 0 ? {} : { rstCode }) })
    })
    if (body !== '') stream.end(body)
    return promise
  }

  async close(): Promise<void> {
    if (this.#session.destroyed) return
    this.#session.destroy()
    await this.ended
  }
}
