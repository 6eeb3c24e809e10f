import { beforeEach, describe, expect, it } from 'vitest'
import { losses, PrunedElement } from '../../../src/core/xml/pruned-element.ts'
import { Metrics } from '../../../src/main/metrics/table.ts'
import { LossReport } from '../../../src/main/xmpp/loss-report.ts'
import { Log, metricValue } from './open-domain.ts'

let nowMs = 0
let metrics: Metrics
let log: Log
let report: LossReport

beforeEach(() => {
  nowMs = 0
  metrics = new Metrics('0.0.0', [])
  log = new Log()
  report = new LossReport(metrics, log.logger, () => nowMs)
})

function lost(from: string | undefined, ...limits: (typeof losses)[number][]): PrunedElement {
  return new PrunedElement('message', '', from === undefined ? [] : ['from', from], ['a secret'], limits)
}

describe('a stanza past a limit', () => {
  it('is counted once for each of its limits, which are there from the start', async () => {
    const exposed = await metrics.render(undefined)
    for (const limit of [...losses, 'stream_stanza']) {
      expect(exposed.body).toContain(`xmpp_pushd_limits_hit_total{limit="${limit}"} 0`)
    }
    report.note(lost('eve@evil.example/x', 'text', 'kept'))
    report.note(lost('eve@evil.example/x', 'text'))
    expect(metricValue(metrics.limitsHit, 'text')).toBe(2)
    expect(metricValue(metrics.limitsHit, 'kept')).toBe(1)
    expect(metricValue(metrics.limitsHit, 'depth')).toBe(0)
  })

  it('is one line in the log a minute and limit, with the domain of the last sender and nothing else of it', () => {
    report.note(lost('eve@evil.example/x', 'text'))
    for (let i = 0; i < 100; i++) report.note(lost(`mallory-${i}@other.example`, 'text'))
    report.note(lost(undefined, 'depth'))
    nowMs = 59_999
    report.note(lost('eve@evil.example/x', 'text'))
    expect(log.lines).toMatchObject([
      { limit: 'text', host: 'evil.example', times: 1, level: 40 },
      { limit: 'depth', host: '', times: 1 },
    ])
    nowMs = 60_000
    report.note(lost('carol@third.example', 'text'))
    expect(log.lines.at(-1)).toMatchObject({ limit: 'text', host: 'third.example', times: 102 })
    expect(log.lines).toHaveLength(3)
    expect(JSON.stringify(log.lines)).not.toMatch(/eve@|mallory|carol|secret/)
  })
})
