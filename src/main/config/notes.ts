import type { Config } from './config.ts'

/** What a sound configuration should still be told. */
export function notesOn(config: Config): string[] {
  const notes: string[] = []
  if (config.component.length === 0) notes.push('there is no [[component]]: nothing is served over XMPP')
  const isDirect = config.push.gateway === 'direct'
  const usual = isDirect ? 'gateway' : 'mongoosepush'
  if (config[usual].request_timeout_ms >= config.push.reply_deadline_ms) {
    const path = `${usual}.request_timeout_ms`
    notes.push(`${path} is not below push.reply_deadline_ms: no time for a second attempt`)
  }
  if (!isDirect && !config.mongoosepush.tls.verify) {
    notes.push('mongoosepush.tls.verify is false: anybody on the way can pretend to be the gateway')
  }
  return [...notes, ...gatewayNotes(config)]
}

function gatewayNotes({ push, gateway }: Config): string[] {
  const notes: string[] = []
  const pools = gateway.fcm.length + gateway.apns.length
  if (gateway.listen !== '' && pools === 0) {
    notes.push('there is no [[gateway.fcm]] or [[gateway.apns]]: gateway.listen can deliver nothing')
  }
  if (gateway.listen === '' && pools > 0 && push.gateway !== 'direct') {
    notes.push(
      'push.gateway is "mongoosepush" and gateway.listen is empty: the pools of [gateway] are not used',
    )
  }
  gateway.apns.forEach(({ key, default_topic }, i) => {
    if (key === undefined || default_topic !== '') return
    const path = `gateway.apns[${i}].default_topic`
    notes.push(`${path} is empty: APNs refuses pushes that name no topic`)
  })
  return notes
}
