import type { Config } from './config.ts'

/** What a sound configuration should still be told. */
export function notesOn(config: Config): string[] {
  const notes: string[] = []
  if (config.component.length === 0) notes.push('there is no [[component]]: nothing is served over XMPP')
  if (config.mongoosepush.request_timeout_ms >= config.push.reply_deadline_ms) {
    notes.push(
      'mongoosepush.request_timeout_ms is not below push.reply_deadline_ms: no time for a second attempt',
    )
  }
  if (!config.mongoosepush.tls.verify) {
    notes.push('mongoosepush.tls.verify is false: anybody on the way can pretend to be the gateway')
  }
  return notes
}
