/** Why a request is not served: what every error answer of this server is made of. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault'
  readonly status: number
  /** A stable word for programs: `invalid-json`, `unauthorized`. */
  readonly code: string
  /** The part of the request that is at fault, if it is one part. */
  readonly field: string | undefined
  readonly headers: Readonly<Record<string, string>>

  /** `message`: for people, one sentence. */
  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly field?: string | undefined; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.field = more.field
    this.headers = more.headers ?? {}
  }

  get body(): ErrorBody {
    const { code, field, message } = this
    return field === undefined ? { error: code, message } : { error: code, field, message }
  }
}

export interface ErrorBody {
  readonly error: string
  readonly field?: string
  readonly message: string
}

/** Answers for what the HTTP framework itself finds wrong, by its status. `expected`: the media type taken there. */
export function frameworkFault(status: number, message: string, expected = 'application/json'): HttpFault {
  switch (status) {
    case 413:
      return new HttpFault(413, 'too-large', 'The body may be at most 1 MiB long.')
    case 415:
      return new HttpFault(415, 'wrong-type', `The body must be ${expected}.`)
    case 503:
      return new HttpFault(503, 'stopping', 'The daemon is stopping.', { headers: { 'retry-after': '5' } })
    default:
      return new HttpFault(status, 'bad-request', message)
  }
}
