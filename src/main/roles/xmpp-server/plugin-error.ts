import type { PluginFault } from '../../../core/plugin-protocol.ts'

/** A plugin's answer about one event cannot be used. `failure` is a label of `plugin_failures_total`. */
export class PluginError extends Error {
  override readonly name = 'PluginError'
  readonly failure: PluginFault

  constructor(failure: PluginFault, message: string) {
    super(message)
    this.failure = failure
  }
}
