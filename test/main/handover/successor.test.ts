import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { HandoverError, isThere, Successor } from '../../../src/main/handover/successor.ts'

const dir = mkdtempSync(join(tmpdir(), 'pushd-successor-'))
afterAll(() => rmSync(dir, { recursive: true }))

let programs = 0
/** A process in the place of a successor that runs this. */
function successor(program: string): Successor {
  const file = join(dir, `${programs++}.mjs`)
  writeFileSync(file, program)
  return new Successor([process.execPath, file], process.env)
}

const stays = 'setInterval(() => {}, 1_000);'

describe('a successor', () => {
  test('is a child of nobody that is here, and its id is known', async () => {
    const started = successor(
      `process.send({ kind: 'failed', reason: String(process.pid) + ' ' + process.ppid }); ${stays}`,
    )
    const pid = await started.pid
    const said = await started.next('ready', 10_000).catch((error: HandoverError) => error.message)
    const [own, parent] = String(said).split(' ').map(Number)
    expect(own).toBe(pid)
    expect(parent).not.toBe(process.pid)
    await started.kill()
    expect(isThere(pid)).toBe(false)
  })

  test('that ends says nothing more, and that is told', async () => {
    const started = successor('')
    await expect(started.next('ready', 10_000)).rejects.toThrow(new HandoverError('it ended'))
    await expect(started.send({ kind: 'end' })).rejects.toThrow(HandoverError)
    await started.kill()
  })

  test('that cannot be started is as one that has ended', async () => {
    const started = new Successor([join(dir, 'nothing-here')], process.env)
    await expect(started.next('ready', 10_000)).rejects.toThrow(HandoverError)
    await started.kill()
  })

  test('that says nothing is waited for so long, and no longer', async () => {
    const started = successor(stays)
    await expect(started.next('ready', 1)).rejects.toThrow('it did not say "ready" within 1 ms')
    await started.kill()
  })

  test('that stands still is ended all the same', async () => {
    const started = successor('for (;;);')
    const pid = await started.pid
    await expect(started.next('ready', 1)).rejects.toThrow(HandoverError)
    await started.kill()
    expect(isThere(pid)).toBe(false)
  })

  test.each([
    [`{ kind: 'took' }`, 'it said took in place of ready'],
    [`{ kind: 'failed', reason: 'the port is taken' }`, 'the port is taken'],
    [`{ kind: 'nonsense' }`, 'it said what cannot be read'],
  ])('that says %s instead is not followed', async (message, reason) => {
    const started = successor(`process.send(${message}); ${stays}`)
    await expect(started.next('ready', 10_000)).rejects.toThrow(reason)
    await started.kill()
  })

  test('is given a listening socket that stays open here, and accepts nothing unless it listens', async () => {
    const program = `
      import { createServer } from 'node:net'
      process.on('message', (message, handle) => {
        if (message.kind === 'listener') process.held = handle
        process.send({ kind: 'got' })
        if (message.kind !== 'retired') return
        createServer((socket) => socket.end('from the successor')).listen(process.held)
      })`
    const started = successor(program)
    const server = createServer((socket) => socket.end('from the old one'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await started.give({ kind: 'listener', name: 'http' }, server)
    server.close()
    const client = connect(port, '127.0.0.1')
    let text = ''
    client.on('data', (bytes) => {
      text += bytes
    })
    await once(client, 'connect')
    expect(text).toBe('')
    await started.send({ kind: 'retired' })
    await once(client, 'end')
    expect(text).toBe('from the successor')
    await started.kill()
  })
})
