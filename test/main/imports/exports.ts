import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExportReader, Imported } from '../../../src/main/imports/export-reader.ts'
import type { ImportedSubscription } from '../../../src/main/imports/imported-subscription.ts'

const folder = join(import.meta.dirname, '../../fixtures/imports')

/** An export of a real server, as bytes. */
export function exported(name: string): string {
  return readFileSync(join(folder, name), 'latin1')
}

/** A text as the bytes that it is in a file. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** All that a reader makes of a text that comes in parts of this size. */
export function readAll(reader: ExportReader, bytes: string, partSize = bytes.length): Imported[] {
  const found: Imported[] = []
  for (let at = 0; at < bytes.length; at += partSize)
    found.push(...reader.push(bytes.slice(at, at + partSize)))
  return [...found, ...reader.end()]
}

/** The subscriptions among them, their options by name. */
export function subscriptionsIn(found: readonly Imported[]): object[] {
  return found.flatMap((one) => (one.kind === 'subscription' ? [shown(one.subscription)] : []))
}

function shown({ user, jid, node, options, enabledAtMs }: ImportedSubscription): object {
  const enabled = enabledAtMs === undefined ? undefined : new Date(enabledAtMs).toISOString()
  return { user, jid, node, options: Object.fromEntries(options), enabled }
}

/** Where each fault is, and why. */
export function faultsIn(found: readonly Imported[]): string[] {
  return found.flatMap((one) => (one.kind === 'fault' ? [`${one.place}: ${one.reason}`] : []))
}
