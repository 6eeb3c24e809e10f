import { publishIq, summaryOf } from '../../src/sandbox/stanzas.ts'
import { median } from '../median.ts'

/** The publish with this number, to a device of its own. */
export function publish(domain: string, number: number): string {
  return publishIq({
    id: `p${number}`,
    from: 'example.com',
    to: domain,
    node: `node-${number}`,
    options: { service: 'fcm', device_id: `device-${number}` },
    summary: summaryOf('juliet@example.com', 'Wherefore art thou?'),
  })
}

/** Of what rounds took, in milliseconds. */
export function spread(ms: readonly number[]) {
  return { median: Math.round(median(ms)), min: Math.min(...ms), max: Math.max(...ms) }
}
