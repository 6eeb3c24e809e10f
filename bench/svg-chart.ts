/** One line of a chart: a value for each place of the x axis, by its label. */
export interface Series {
  readonly label: string
  readonly values: readonly number[]
}

const width = 640
const height = 300
const left = 64
const right = 24
const top = 40
const bottom = 44
const colours = ['#2563eb', '#dc2626', '#059669', '#9333ea']

/**
 * A line chart as SVG text: y from 0 to a round number above the largest value, places on the x axis evenly spaced.
 * `unit`: of the y axis.
 */
export function lineChart(
  title: string,
  unit: string,
  labels: readonly string[],
  lines: readonly Series[],
): string {
  const most = roundAbove(Math.max(...lines.flatMap(({ values }) => values)))
  const x = (i: number) => left + ((width - left - right) * (i + 0.5)) / labels.length
  const y = (value: number) => height - bottom - ((height - top - bottom) * value) / most
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(most * share).toFixed(1)
    return (
      `<line x1="${left}" y1="${at}" x2="${width - right}" y2="${at}" stroke="#d4d4d8"/>` +
      `<text x="${left - 8}" y="${Number(at) + 4}" text-anchor="end">${shorten(most * share)}</text>`
    )
  })
  const ticks = labels.map(
    (label, i) =>
      `<text x="${x(i).toFixed(1)}" y="${height - bottom + 20}" text-anchor="middle">${label}</text>`,
  )
  const drawn = lines.map(({ label, values }, which) => {
    const colour = colours[which % colours.length]
    const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`)
    const dots = points.map((point) => {
      const [cx, cy] = point.split(',')
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`
    })
    const nameAt = left + which * 150
    return (
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}` +
      `<text x="${nameAt}" y="${height - 6}" fill="${colour}">${label}</text>`
    )
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${left}" y="20" font-size="14">${title} (${unit})</text>`,
    ...grid,
    ...ticks,
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function roundAbove(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 4, 5, 8, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

function shorten(value: number): string {
  return value >= 10_000 ? `${Math.round(value / 1000)} k` : String(Math.round(value * 100) / 100)
}
