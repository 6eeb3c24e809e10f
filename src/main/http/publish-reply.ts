import type { FastifyReply } from 'fastify'
import type { PublishEnd, PublishSink } from '../roles/app-server/publish-end.ts'
import { HttpFault } from './fault.ts'
import { publishAnswer } from './publish-answer.ts'

/** Answers a request to publish with what became of the publish. */
export class PublishReply implements PublishSink {
  readonly #reply: FastifyReply

  constructor(reply: FastifyReply) {
    this.#reply = reply
  }

  publishEnded(end: PublishEnd | undefined): void {
    this.#reply.send(end === undefined ? unknownHost() : publishAnswer(end))
  }
}

function unknownHost(): HttpFault {
  return new HttpFault(404, 'unknown-host', 'This host is not served here.', { field: 'host' })
}
