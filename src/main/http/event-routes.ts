import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EventEnd, PushSafety } from '../roles/xmpp-server/event-end.ts'
import type { IncomingEvent } from '../roles/xmpp-server/event-intake.ts'
import type { MaybePromise } from '../roles/xmpp-server/plugin.ts'
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
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const events = read(request.body)
    const refusal = refusalFor(ports.eventsHeldBack())
    if (refusal !== undefined) throw refusal
    const ends = await takeInTurns(events, ports)
    const open = ends.findIndex(({ safety }) => safety !== 'safe')
    const fault = faultFor(ends[open]?.safety, Array.isArray(request.body) ? `[${open}]` : undefined)
    if (fault !== undefined) throw fault
    return reply.code(202).send({ notified: ends.reduce((sum, { notified }) => sum + notified, 0) })
  }
}

/** Events of one list that are taken in one turn of the event loop: some milliseconds. A request may hold thousands. */
const eventsPerTurn = 100

async function takeInTurns(events: readonly IncomingEvent[], ports: HttpPorts): Promise<EventEnd[]> {
  const ends: MaybePromise<EventEnd>[] = []
  for (const event of events) {
    if (ends.length > 0 && ends.length % eventsPerTurn === 0) await setImmediate()
    ends.push(ports.takeEvent(event))
  }
  return Promise.all(ends)
}

/** Within `scope` forms are read, and nothing else is. */
export function takeForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    formType,
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => body,
  )
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
function faultFor(safety: PushSafety | undefined, field: string | undefined): HttpFault | undefined {
  switch (safety) {
    case undefined:
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
