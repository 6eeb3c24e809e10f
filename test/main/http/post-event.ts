import { good } from './running.ts'

export const event = { to: 'Carol@chat.test', from: 'alice@chat.test/phone', type: 'chat', body: 'Hi 🚀' }

/** Posts it to one of the routes of events, as its source does. */
export async function post(
  url: string,
  path: string,
  body: string,
  type = path === 'message' ? 'application/json' : 'application/x-www-form-urlencoded',
  headers: Record<string, string> = good,
) {
  const response = await fetch(`${url}/v1/events/${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': type, ...headers },
  })
  const answer = (await response.json()) as Record<string, unknown>
  return { status: response.status, headers: response.headers, body: answer }
}
