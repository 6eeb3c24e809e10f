import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PushPlugin } from './plugin.ts'
import * as defaults from './plugins/defaults.ts'
import * as enhanced from './plugins/enhanced.ts'
import * as hints from './plugins/hints.ts'

/** A plugin with what it leaves out filled in. */
export type CompletePlugin = Required<PushPlugin>

const builtIn: ReadonlyMap<string, CompletePlugin> = new Map([
  ['defaults', defaults],
  ['enhanced', enhanced],
  ['hints', hints],
])

const functionNames = ['shouldPublish', 'senderId', 'prepareNotification'] as const

/** The configured plugin cannot be used: the daemon does not start. */
export class PluginLoadError extends Error {
  override readonly name = 'PluginLoadError'
}

/**
 * `name`: a built-in plugin, the absolute path of an ES module, or the name of a package installed beside the daemon
 * or in its working directory. @throws PluginLoadError
 */
export async function loadPlugin(name: string, workingDirectory = process.cwd()): Promise<CompletePlugin> {
  return builtIn.get(name) ?? completed(name, await moduleOf(name, workingDirectory))
}

async function moduleOf(name: string, workingDirectory: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    if (isAbsolute(name)) return await import(pathToFileURL(name).href)
    return await importPackage(name, workingDirectory)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PluginLoadError(`push.plugin: cannot load ${JSON.stringify(name)}: ${why}`, { cause })
  }
}

async function importPackage(
  name: string,
  workingDirectory: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(name)
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing) throw error
    const here = createRequire(join(workingDirectory, 'package.json'))
    return import(pathToFileURL(here.resolve(name)).href)
  }
}

/** Takes the functions from the default export or, function by function, from the module itself. */
function completed(name: string, module: Readonly<Record<string, unknown>>): CompletePlugin {
  const { default: standard } = module
  const inner = typeof standard === 'object' && standard !== null ? standard : {}
  const found: Record<string, unknown> = {}
  for (const functionName of functionNames) {
    const given = module[functionName] ?? (inner as Readonly<Record<string, unknown>>)[functionName]
    if (given === undefined) continue
    if (typeof given !== 'function') {
      throw new PluginLoadError(`push.plugin: ${functionName} of ${JSON.stringify(name)} is not a function`)
    }
    // Of a default export that is an object with state of its own, `this` is that object.
    found[functionName] = module[functionName] === undefined ? given.bind(inner) : given
  }
  if (Object.keys(found).length === 0) {
    throw new PluginLoadError(
      `push.plugin: ${JSON.stringify(name)} exports none of ${functionNames.join(', ')}`,
    )
  }
  return { ...defaults, ...found }
}
