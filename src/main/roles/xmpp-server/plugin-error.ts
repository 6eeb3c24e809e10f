/** Why a plugin's word cannot be used: a label of `plugin_failures_total`. */
export type PluginFailure = 'threw' | 'timeout' | 'nonsense'

export class PluginError extends Error {
  override readonly name = 'PluginError'
  readonly failure: PluginFailure

  constructor(failure: PluginFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}
