import { workerData } from 'piscina'
import { Agent, request } from 'undici'

export interface NaivePush {
  readonly deviceId: string
  readonly service: string
  readonly mode: string
  readonly title: string
  readonly body: string
  readonly badge: number
}

const { origin, connections } = workerData as { origin: string; connections: number }
const dispatcher = new Agent({ connections })

/** One push: the gateway's status. */
export default async function push({
  deviceId,
  service,
  mode,
  title,
  body,
  badge,
}: NaivePush): Promise<number> {
  const response = await request(`${origin}/v3/notification/${encodeURIComponent(deviceId)}`, {
    dispatcher,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service, mode, alert: { title, body, badge, tag: title } }),
  })
  await response.body.text()
  return response.statusCode
}
