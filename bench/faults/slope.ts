/** The straight line through measured points (least squares): how fast it climbs, and how sure that is. */
export interface Slope {
  /** Per unit of the first coordinate. */
  readonly perUnit: number
  /** Standard error of `perUnit`. */
  readonly error: number
}

export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const count = points.length
  if (count < 3) return { perUnit: 0, error: Number.POSITIVE_INFINITY }
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count
  let spread = 0
  let product = 0
  for (const [x, y] of points) {
    spread += (x - meanX) ** 2
    product += (x - meanX) * (y - meanY)
  }
  const perUnit = product / spread
  const residue = points.reduce((sum, [x, y]) => sum + (y - meanY - perUnit * (x - meanX)) ** 2, 0)
  return { perUnit, error: Math.sqrt(residue / (count - 2) / spread) }
}
