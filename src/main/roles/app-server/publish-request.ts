import type { IqHeader } from '../../../core/stanza.ts'

/** What the answer to a publish needs of the request, kept while the push is under way. */
export class PublishRequest implements IqHeader {
  readonly id: string
  readonly from: string
  readonly to: string

  constructor(id: string, from: string, to: string) {
    this.id = id
    this.from = from
    this.to = to
  }
}
