import type { Piscina } from 'piscina'
import type { Config } from './config/config.ts'
import { startThreads, threadsLoaded } from './dispatch/worker-threads.ts'
import { pluginSetting } from './part-options.ts'
import { loadPlugin } from './roles/xmpp-server/load-plugin.ts'
import type { Decider } from './roles/xmpp-server/plugin-decision.ts'

/** What a daemon has that runs beside it. */
export interface Prepared {
  readonly plugin: Decider
  readonly threads: Piscina
}

/**
 * Starts the threads and loads the plugin: no store, socket or port is opened. `whole`: waits for the threads, too, which else
 * load while other things are done. @throws PluginLoadError, or what keeps a thread from loading.
 */
export async function prepare(config: Config, whole: boolean): Promise<Prepared> {
  const threads = startThreads(config.push.wpool.workers)
  try {
    const loaded = whole ? threadsLoaded(threads) : undefined
    const [plugin] = await Promise.all([loadPlugin(pluginSetting(config, process.cwd())), loaded])
    return { plugin, threads }
  } catch (error) {
    await threads.destroy()
    throw error
  }
}

/** Ends them. */
export async function discard({ plugin, threads }: Prepared): Promise<void> {
  await Promise.all([plugin.stop(), threads.destroy()])
}
