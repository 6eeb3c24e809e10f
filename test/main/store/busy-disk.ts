import { spawn } from 'node:child_process'
import { once } from 'node:events'

const program = `
  const { open } = require('lmdb')
  const { readSync, writeSync } = require('node:fs')
  open(process.argv[1], { noSubdir: true, maxDbs: 32 }).transactionSync(() => {
    writeSync(1, 'held')
    readSync(0, Buffer.alloc(1))
  })
`

/** As a disk that does not answer: another process holds the store's write lock, until it is released. */
export async function busyDisk(storeFile: string): Promise<{ release(): Promise<void> }> {
  const holder = spawn(process.execPath, ['-e', program, storeFile], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(holder, 'exit')
  await once(holder.stdout, 'data')
  return {
    async release() {
      holder.stdin.end()
      await exited
    },
  }
}
