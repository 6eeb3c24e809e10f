import { describe, expect, test } from 'vitest'
import { metricFamilies } from '../scripts/metrics-table.ts'
import { dashboardQueries, readDashboard } from './support/dashboard.ts'
import { pageText } from './support/pages.ts'

// That every query has data is shown by a real Prometheus: test/integration/prometheus.test.ts.
const dashboard = readDashboard()
const queries = dashboardQueries(dashboard)
const rules = pageText('monitoring/xmpp-pushd.rules.yml')
const records = [...rules.matchAll(/record: (\S+)/g)].map(([, name = '']) => name)

/** Names in PromQL that belong to us: metrics, and what is recorded of them. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/(?:[a-z_]+:)?\bxmpp_pushd_[a-z_]+(?::[a-z0-9_]+)*/g)].map(([name]) => name)
}

/** The metric that a series belongs to. */
function familyOf(name: string): string {
  return name
    .replace(/^[a-z_]+:/, '')
    .replace(/:.*$/, '')
    .replace(/_(?:bucket|sum|count)$/, '')
}

describe('the dashboard', () => {
  test('shows every metric', () => {
    const shown = new Set(queries.flatMap(({ expr }) => namesIn(expr).map(familyOf)))
    const missing = metricFamilies().filter(
      ({ name }) => !shown.has(name) && !shown.has(name.replace(/_(?:total|seconds)$/, '')),
    )
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  test('asks only for metrics that there are, and for what is recorded', () => {
    const known = new Set(metricFamilies().map(({ name }) => name))
    const recorded = queries.flatMap(({ expr }) => namesIn(expr)).filter((name) => name.includes(':'))
    expect(recorded.filter((name) => !records.includes(name))).toEqual([])
    const plain = [...queries.map(({ expr }) => expr), rules]
      .flatMap(namesIn)
      .filter((name) => !name.includes(':'))
    expect(plain.filter((name) => !known.has(familyOf(name)))).toEqual([])
  })

  test('has every recording in use, in a panel or in a rule', () => {
    const uses = queries.map(({ expr }) => expr).join('\n') + rules.replaceAll(/record: .*/g, '')
    expect(records.filter((name) => !uses.includes(name))).toEqual([])
  })

  test('has panels with ids of their own that do not lie over one another', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { title: one, gridPos: a } of panels) {
      expect(a.x + a.w, one).toBeLessThanOrEqual(24)
      for (const { title: other, gridPos: b } of panels) {
        if (a === b) continue
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y
        expect(apart, `${one} and ${other}`).toBe(true)
      }
    }
  })

  test('lets the data source, the daemon, the domain and the pool be chosen, and every panel heeds it', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual([
      'datasource',
      'job',
      'instance',
      'domain',
      'pool',
    ])
    for (const { title, datasource, description, targets = [] } of dashboard.panels) {
      if (targets.length === 0) continue
      expect(description, title).not.toBe('')
      for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
        expect(source?.uid, title).toBe(`\${datasource}`)
      }
    }
    const daemons = queries.filter(({ expr }) => !expr.includes('ALERTS'))
    expect(daemons.filter(({ expr }) => !expr.includes('instance=~"$instance"'))).toEqual([])
  })
})
