import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PluginSource } from '../core/plugin-protocol.ts'

/** The functions of a plugin, all optional: the contract is `PushPlugin` of the main thread. */
export interface PluginFunctions {
  readonly shouldPublish?: PluginFunction
  readonly senderId?: PluginFunction
  readonly prepareNotification?: PluginFunction
}

export type PluginFunction = (...given: unknown[]) => unknown

const functionNames = ['shouldPublish', 'senderId', 'prepareNotification'] as const

type Module = Readonly<Record<string, unknown>>

/** Throws if the module cannot be loaded, or is not a plugin. */
export async function loadModule(source: PluginSource): Promise<PluginFunctions> {
  return functionsOf(
    isAbsolute(source.module) ? await importFile(source.module) : await importPackage(source),
  )
}

async function importFile(path: string): Promise<Module> {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new Error('there is no such file')
  if (found.isDirectory()) throw new Error('it is a folder: name the file in it')
  return import(pathToFileURL(path).href)
}

async function importPackage({ module, workingDirectory }: PluginSource): Promise<Module> {
  try {
    return await import(module)
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing) throw error
    return import(pathToFileURL(resolvedFrom(workingDirectory, module)).href)
  }
}

function resolvedFrom(workingDirectory: string, module: string): string {
  try {
    return createRequire(join(workingDirectory, 'package.json')).resolve(module)
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND')) throw cause
    const sought = `beside the daemon or in ${workingDirectory}`
    throw new Error(`it is not built in, and no package of this name is installed ${sought}`, { cause })
  }
}

/** Takes the functions from the default export or, function by function, from the module itself. */
function functionsOf(module: Module): PluginFunctions {
  const { default: standard } = module
  const inner = typeof standard === 'object' && standard !== null ? standard : {}
  const found: Record<string, PluginFunction> = {}
  for (const name of functionNames) {
    const given = module[name] ?? (inner as Module)[name]
    if (given === undefined) continue
    if (typeof given !== 'function') throw new Error(`${name} is not a function`)
    // For a default export that is an object with state, `this` must be that object.
    found[name] = module[name] === undefined ? given.bind(inner) : (given as PluginFunction)
  }
  if (Object.keys(found).length === 0) throw new Error(`it exports none of ${functionNames.join(', ')}`)
  return found
}
