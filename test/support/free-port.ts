import { createServer } from 'node:net'

/**
 * A TCP port of 127.0.0.1 for a program that cannot be told to take any. Below the range that the system
 * gives out itself, so that no socket of a test that runs at the same time is given it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
