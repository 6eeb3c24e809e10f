import { type BuiltInPlugin, type Decider, decideBy } from './plugin-decision.ts'
import { PluginThread } from './plugin-thread.ts'
import * as defaults from './plugins/defaults.ts'
import * as enhanced from './plugins/enhanced.ts'
import * as hints from './plugins/hints.ts'

const builtIn: ReadonlyMap<string, BuiltInPlugin> = new Map([
  ['defaults', defaults],
  ['enhanced', enhanced],
  ['hints', hints],
])

export interface PluginSetting {
  /** A built-in plugin, the absolute path of an ES module, or the name of a package. */
  readonly name: string
  /** The heap limit of the plugin's thread. A built-in plugin has no thread. */
  readonly memoryMb: number
  /** The folder in which to look for a package that is not installed beside the daemon. */
  readonly workingDirectory: string
}

/** The caller must stop the plugin. @throws PluginLoadError */
export async function loadPlugin({ name, memoryMb, workingDirectory }: PluginSetting): Promise<Decider> {
  const plugin = builtIn.get(name)
  if (plugin === undefined) return PluginThread.start({ module: name, workingDirectory }, memoryMb)
  return {
    decide: (event, subscriptions) => decideBy(plugin, event, subscriptions),
    full: false,
    // A built-in plugin has no thread that could end.
    watch: () => undefined,
    stop: () => Promise.resolve(),
  }
}
