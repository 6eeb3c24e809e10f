import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FromOld } from '../../src/main/handover/message.ts'
import { ScriptedServer } from '../main/xmpp/scripted-server.ts'
import { until } from '../support/until.ts'
import { install, virtualDomain } from './installation.ts'
import { configure, Load, publish, pushesOf } from './restarting.ts'

describe('a restart that fails', () => {
  test('because the configuration is faulty changes nothing, and says why', async () => {
    await using installed = await install()
    const { daemon, xmpp } = installed
    const before = daemon.pid
    configure(installed, { content: { default_tittle: 'x' } })
    daemon.signal('SIGUSR2')
    const line = await until('the refusal', () =>
      daemon.log.find(({ msg }) => String(msg).startsWith('no successor')),
    )
    expect(String(line.reason)).toContain('default_title')
    configure(installed, {})
    expect((await xmpp.request(virtualDomain, publish('p', 'device'))).xml).toContain("type='result'")
    expect(daemon.pid).toBe(before)
    expect(xmpp.closed).toEqual([])
    expect(await daemon.restart()).toMatchObject({ code: 0 })
  })

  test('when the old one has made way already, leaves the streams with that, and loses nothing', async () => {
    await using installed = await install({ latencyMs: 20 })
    const { daemon, xmpp, gateway } = installed
    const before = daemon.pid
    const squatter = await ScriptedServer.listen()
    configure(installed, { gateway: { listen: `127.0.0.1:${squatter.port}`, open: true } })
    const load = new Load(installed, 10)
    await until('pushes', () => gateway.total > 20)
    const restarted = await daemon.restart()
    expect(restarted.code).toBe(75)
    expect(restarted.output).toContain('EADDRINUSE')
    expect(restarted.output).toContain(`process ${before} runs on`)
    const then = gateway.total
    await until('more pushes', () => gateway.total > then + 20)
    expect(await load.stop()).toEqual([])
    expect(pushesOf(installed)).toEqual(new Map(load.devices.map((device) => [device, 1])))
    expect(xmpp.closed).toEqual([])
    expect(daemon.pid).toBe(before)
    await squatter[Symbol.asyncDispose]()
    // And it can be tried again.
    expect(await daemon.restart()).toMatchObject({ code: 0 })
    expect(xmpp.closed).toEqual([])
  })

  test.each(['starting a successor', 'taken over', 'handed over'])(
    'or not ends with both processes when the daemon is asked to stop meanwhile: %s',
    async (line) => {
      await using installed = await install()
      const { daemon, xmpp } = installed
      daemon.signal('SIGUSR2')
      await until('that line', () => daemon.log.some(({ msg }) => msg === line))
      expect(await daemon.stop()).toBe(0)
      await until('the streams to end', () => xmpp.closed.length === 4)
      expect(new Set(xmpp.closed.map(({ reason }) => reason))).toEqual(new Set(['ended']))
    },
  )

  test('because the plugin does not load changes nothing, and says why', async () => {
    await using installed = await install()
    const { daemon, xmpp } = installed
    const before = daemon.pid
    const plugin = join(daemon.dir, 'plugin.mjs')
    writeFileSync(plugin, "throw new Error('this plugin is broken')\n")
    configure(installed, {
      push: { served_hosts: ['chat.test'], virtual_pubsub_hosts: ['virtual.@HOST@'], plugin },
    })
    const restarted = await daemon.restart()
    expect(restarted.code).toBe(75)
    expect(restarted.output).toContain('this plugin is broken')
    expect(daemon.pid).toBe(before)
    expect((await xmpp.request(virtualDomain, publish('p', 'device'))).xml).toContain("type='result'")
    expect(xmpp.closed).toEqual([])
  })

  test.each<{ at: FromOld['kind']; costs: 'nothing' | 'the streams' }>([
    { at: 'replace', costs: 'nothing' },
    { at: 'listener', costs: 'nothing' },
    { at: 'retired', costs: 'nothing' },
    { at: 'stream', costs: 'the streams' },
    { at: 'end', costs: 'the streams' },
  ])('because the successor is killed at the message "$at" costs $costs', async ({ at, costs }) => {
    const dir = mkdtempSync(join(tmpdir(), 'pushd-killed-'))
    const dies = join(dir, 'dies.mjs')
    writeFileSync(
      dies,
      `if (process.connected) process.on('message', ({ kind }) => kind === '${at}' && process.kill(process.pid, 'SIGKILL'))\n`,
    )
    await using installed = await install({ latencyMs: 20, env: { NODE_OPTIONS: `--import=${dies}` } })
    const { daemon, xmpp, gateway } = installed
    const before = daemon.pid
    const load = new Load(installed, 10)
    await until('pushes', () => gateway.total > 20)
    const restarted = await daemon.restart()
    expect(restarted.code).toBe(75)
    expect(restarted.output).toContain(`process ${before} runs on: it ended`)
    expect(daemon.pid).toBe(before)
    await daemon.ready()
    await xmpp.waitForStreams(virtualDomain, 2)
    const then = gateway.total
    await until('more pushes', () => gateway.total > then + 20)
    if (costs === 'nothing') {
      expect(await load.stop()).toEqual([])
      expect(pushesOf(installed)).toEqual(new Map(load.devices.map((device) => [device, 1])))
      expect(xmpp.closed).toEqual([])
    } else {
      load.abandon()
      expect(xmpp.closed.length).toBeGreaterThan(0)
    }
    expect((await xmpp.request(virtualDomain, publish('last', 'last'))).xml).toContain("type='result'")
    rmSync(dir, { recursive: true })
  })
})
