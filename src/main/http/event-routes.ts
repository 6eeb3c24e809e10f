import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EventEnd, PushSafety } from '../roles/xmpp-server/event-end.ts'
import type { IncomingEvent } from '../roles/xmpp-server/event-intake.ts'
import { readEjabberdEvent, readMessageEvents, readMongooseimEvent } from './event-bodies.ts'
import { HttpFault } from './fault.ts'
import type { HttpPorts } from './ports.ts'

/** Where each source posts its events. Their token may stand in the query: not all can set headers. */
export const eventsPath = '/v1/events/'

export const jsonType = 'application/json'
export const formType = 'application/x-www-form-urlencoded'

interface EventRoute {
  readonly path: string
  /** The media type that its source sends. */
  readonly type: typeof jsonType | typeof formType
  /** Throws an HttpFault. `body`: as the parser of `type` gives it. */
  readonly read: (body: unknown) => readonly IncomingEvent[]
}

export const eventRoutes: readonly EventRoute[] = [
  { path: `${eventsPath}message`, type: jsonType, read: readMessageEvents },
  { path: `${eventsPath}mongooseim`, type: formType, read: (form) => [readMongooseimEvent(asForm(form))] },
  { path: `${eventsPath}ejabberd`, type: formType, read: (form) => [readEjabberdEvent(asForm(form))] },
]

/**
 * Events are taken as long as there is room for what they lead to. 202 says that all that they lead to is safe: else the
 * first that is not is named, and all are to be sent again.
 */
export function answerEvents({ read }: EventRoute, ports: HttpPorts) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const events = read(request.body)
    const refusal = refusalFor(ports.eventsHeldBack())
    if (refusal !== undefined) throw refusal
    new EventsReply(events.length, Array.isArray(request.body), reply).take(events, ports)
  }
}

/** Events of one list that are taken in one turn of the event loop: some milliseconds. A request may hold thousands. */
const eventsPerTurn = 100

/** Answers a request with what became of its events, once all have ended. */
class EventsReply {
  readonly #reply: FastifyReply
  readonly #isList: boolean
  #open: number
  #notified = 0
  /** Of those that are not safe, the first of the list. */
  #unsafe: PushSafety = 'safe'
  #unsafeAt: number

  constructor(count: number, isList: boolean, reply: FastifyReply) {
    this.#reply = reply
    this.#isList = isList
    this.#open = count
    this.#unsafeAt = count
  }

  take(events: readonly IncomingEvent[], ports: HttpPorts, from = 0): void {
    if (events.length === 0) this.#send()
    for (let i = from; i < events.length; i++) {
      if (i - from === eventsPerTurn) {
        setImmediate(() => this.take(events, ports, i))
        return
      }
      const event = events[i]
      if (event !== undefined) ports.takeEvent(event, (end) => this.#ended(i, end))
    }
  }

  #ended(at: number, { notified, safety }: EventEnd): void {
    this.#notified += notified
    if (safety !== 'safe' && at < this.#unsafeAt) {
      this.#unsafe = safety
      this.#unsafeAt = at
    }
    this.#open--
    if (this.#open === 0) this.#send()
  }

  #send(): void {
    const fault = faultFor(this.#unsafe, this.#isList ? `[${this.#unsafeAt}]` : undefined)
    if (fault === undefined) this.#reply.code(202).send({ notified: this.#notified })
    else this.#reply.send(fault)
  }
}

/** Within `scope` forms are read, and nothing else is. */
export function takeForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(formType, { parseAs: 'string' }, (_request, body, done) => done(null, body))
}

function asForm(body: unknown): string {
  return typeof body === 'string' ? body : ''
}

function refusalFor(cause: ReturnType<HttpPorts['eventsHeldBack']>): HttpFault | undefined {
  switch (cause) {
    case undefined:
      return undefined
    case 'no-room':
      return noRoom(undefined)
    case 'stopping':
      return new HttpFault(503, 'stopping', 'The daemon is stopping.', { headers: { 'retry-after': '5' } })
  }
}

/** `field`: which of a list. */
function faultFor(safety: PushSafety, field: string | undefined): HttpFault | undefined {
  switch (safety) {
    case 'safe':
      return undefined
    case 'no-room':
      return noRoom(field)
    case 'undelivered':
      return new HttpFault(503, 'undelivered', 'Not every push could be delivered or stored.', {
        field,
        headers: { 'retry-after': '10' },
      })
  }
}

function noRoom(field: string | undefined): HttpFault {
  return new HttpFault(429, 'resource-constraint', 'There is no room for another event just now.', {
    field,
    headers: { 'retry-after': '1' },
  })
}
