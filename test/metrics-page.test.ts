import { describe, expect, test } from 'vitest'
import { metricFamilies } from '../scripts/metrics-table.ts'
import { codesIn, tableUnder } from './support/markdown.ts'
import { pageText, snippet } from './support/pages.ts'

const page = pageText('docs/metrics.md')

/** Labels whose values are known to all, by the heading that explains them. */
const listed = metricFamilies().flatMap(({ name, labels }) =>
  Object.entries(labels).flatMap(([label, values]) =>
    typeof values === 'string' || label === 'service'
      ? []
      : [{ heading: `\`${name.replace('xmpp_pushd_', '')}\`: \`${label}\``, label, values }],
  ),
)

describe('the page about metrics', () => {
  test.each(listed)('explains every value of $heading', ({ heading, label, values }) => {
    const rows = tableUnder(page, heading, label)
    expect(rows.map(([value = '']) => codesIn(value)[0])).toEqual(values)
  })

  test('explains no label that there is not', () => {
    const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading)
    expect(headings.sort()).toEqual(listed.map(({ heading }) => heading).sort())
  })

  test('shows the scrape configuration that the package brings', () => {
    const shown = snippet('docs/metrics.md', 'prometheus.yml')
    const brought = pageText('monitoring/prometheus.yml').replaceAll(/ *#.*$/gm, '')
    expect(shown).toContain('job_name')
    for (const line of shown.split('\n')) expect(brought).toContain(line)
  })
})
