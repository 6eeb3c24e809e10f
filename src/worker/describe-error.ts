/** The error's code and words: an AggregateError (every address of a name refused) has words only inside. */
export function describeError(error: unknown): string {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (!(inner instanceof Error)) return String(inner).slice(0, 200)
  const code = 'code' in inner && typeof inner.code === 'string' ? `${inner.code}: ` : ''
  return `${code}${inner.message}`.slice(0, 200)
}
