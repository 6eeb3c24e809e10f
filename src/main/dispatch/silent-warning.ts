import type { Logger } from 'pino'
import type { Notification } from '../../core/notification.ts'

/** Logs once that pushes over MongoosePush's API v1 are visible although they should be silent. */
export class SilentWarning {
  readonly #log: Logger
  #isSaid = false

  constructor(log: Logger) {
    this.#log = log
  }

  heed({ content }: Notification): void {
    if (this.#isSaid || content.kind !== 'silent') return
    this.#isSaid = true
    this.#log.warn(
      'MongoosePush API v1 has no silent notifications: they are shown with the default title and body',
    )
  }
}
