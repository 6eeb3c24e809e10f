import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of heap that one of many results keeps alive. */
export function heldBytes(make: (i: number) => unknown, count = 20): number {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  const held: unknown[] = []
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < count; i++) held.push(make(i))
  collectGarbage()
  return (process.memoryUsage().heapUsed - before) / held.length
}
