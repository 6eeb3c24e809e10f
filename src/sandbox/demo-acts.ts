/** What the demo plays, act by act. Each shows what it says and checks that it was so. */
import type { DemoRun } from './demo-run.ts'
import { demoDomain, demoServer } from './demo-stage.ts'
import { errorOf } from './element.ts'
import { affiliationsIq, createNodeIq, summaryOf } from './stanzas.ts'

export interface DemoAct {
  readonly name: string
  readonly narration: string
  /** A form that has been shown once needs only its values. */
  readonly foldForms: boolean
  play(run: DemoRun): Promise<void>
}

const client = `juliet@${demoServer}/balcony`
const node = 'juliets-phone'
const phone = { service: 'apns', device_id: 'tok-juliet', topic: 'example.verona.chat' }
const message = summaryOf('romeo@montague.example', 'But soft! 🌹')

export const demoActs: readonly DemoAct[] = [
  {
    name: 'It connects',
    narration:
      'The daemon opens a component stream (XEP-0114) to the XMPP server and proves that it knows the secret.',
    foldForms: false,
    async play(run) {
      await run.stage.startDaemon()
      run.check(true, `${demoDomain} is up. From here on the XMPP server can hand stanzas to it.`)
    },
  },
  {
    name: 'A client makes a push node',
    narration:
      "Juliet's app asks for a node that only chosen publishers may use, and lets her server publish to it. (Where the domain is virtual, this is not needed: any node will do.)",
    foldForms: false,
    async play(run) {
      const addresses = () => ({ id: run.nextId(), from: client, to: demoDomain })
      const config = { 'pubsub#publish_model': 'publishers' }
      const created = await run.ask(createNodeIq(addresses(), node, config))
      const affiliated = await run.ask(affiliationsIq(addresses(), node, { [demoServer]: 'publish-only' }))
      run.check(
        errorOf(created) === undefined && errorOf(affiliated) === undefined,
        `The node is stored; ${demoServer} may publish to it.`,
      )
    },
  },
  {
    name: 'A message for somebody who is offline',
    narration:
      "Romeo writes, Juliet's phone is asleep. Her server publishes (XEP-0357 §7, here in MongooseIM's words); the publish becomes one HTTP request, and only when the gateway has answered, so does the daemon.",
    foldForms: false,
    async play(run) {
      const outcome = await run.publish({ node, options: phone, summary: message })
      const { deviceId, title } = run.stage.gateway.last
      run.check(
        outcome === 'result' && deviceId === phone.device_id && title === 'romeo@montague.example',
        'The push is with the provider, and the XMPP server knows.',
      )
    },
  },
  {
    name: 'Other servers, other words',
    narration:
      'ejabberd and Prosody tell by default neither sender nor text: what is missing gets a default. A bare <notification/> (ejabberd: a chat state, a sync) wakes the app without showing anything.',
    foldForms: false,
    async play(run) {
      const ejabberd = await run.publish({
        shape: 'ejabberd',
        node,
        options: phone,
        summary: { 'last-message-body': 'New message' },
      })
      run.check(ejabberd === 'result' && hasAlert(run), 'ejabberd: an alert with a default title.')
      const prosody = await run.publish({
        shape: 'prosody',
        node,
        options: phone,
        summary: { 'last-message-body': 'New Message!' },
      })
      run.check(prosody === 'result' && hasAlert(run), 'Prosody: the same, from another form.')
      const silent = await run.publish({ shape: 'ejabberd', node, options: phone, bare: true })
      run.check(silent === 'result' && !hasAlert(run), 'A bare notification: data only, no alert.')
    },
  },
  {
    name: 'A device is gone',
    narration:
      "The app was removed from Juliet's old tablet: the gateway answers 410. The publish ends with cancel and device-not-registered, which makes the XMPP server forget the registration. If it publishes again all the same, the daemon knows better than to ask. (Forms are folded from here on.)",
    foldForms: true,
    async play(run) {
      const options = { ...phone, device_id: run.stage.gateway.goneDevice }
      const expected = 'cancel/not-acceptable + device-not-registered'
      const first = await run.publish({ node, options, summary: message })
      const asked = run.stage.gateway.total
      const second = await run.publish({ node, options, summary: message })
      run.check(first === expected, `First publish: ${first}.`)
      run.check(
        second === expected && run.stage.gateway.total === asked,
        'Second publish: the same answer, without a request to the gateway.',
      )
    },
  },
  {
    name: 'The gateway stumbles',
    narration:
      'Twice the gateway answers 503. That is no reason to lose a push, nor to bother the XMPP server: it is tried again, later each time, and the answer waits.',
    foldForms: true,
    async play(run) {
      const { gateway } = run.stage
      gateway.stumble(2)
      const before = gateway.total
      const outcome = await run.publish({ node, options: phone, summary: message })
      const attempts = gateway.total - before
      run.check(outcome === 'result' && attempts === 3, `${attempts} attempts, one result: delivered.`)
    },
  },
  {
    name: 'What is not let through',
    narration:
      "Any client can send a publish, and only its address tells it from a server: Tybalt's is refused. So is one that says nothing of a device.",
    foldForms: true,
    async play(run) {
      const asked = run.stage.gateway.total
      const from = `tybalt@${demoServer}/dagger`
      const forged = await run.publish({ from, node, options: phone, summary: message })
      run.check(forged === 'auth/forbidden', `A forged publish: ${forged}.`)
      const deviceless = await run.publish({ node, summary: message })
      run.check(
        deviceless === 'cancel/conflict + precondition-not-met',
        `A publish without options: ${deviceless}.`,
      )
      run.check(run.stage.gateway.total === asked, 'The gateway has heard of neither.')
    },
  },
]

/** Where FCM is spoken to. */
export const fcmAct: DemoAct = {
  name: 'Another phone',
  narration:
    'Juliet has a phone with Android too. Its pushes go to FCM, which knows the daemon by an access token: the daemon has had one from the token endpoint since it started, for what it signed with the key of its service account.',
  foldForms: true,
  async play(run) {
    const options = { service: 'fcm', device_id: 'tok-juliets-android' }
    const outcome = await run.publish({ node, options, summary: message })
    const { deviceId, title } = run.stage.gateway.last
    run.check(
      outcome === 'result' && deviceId === options.device_id && title === 'romeo@montague.example',
      'One daemon, two providers, and nothing between.',
    )
  },
}

/** One more push, for those who leave the demo running. */
export async function keepPushing(run: DemoRun, turn: number): Promise<void> {
  const shapes = ['mongooseim', 'ejabberd', 'prosody'] as const
  const shape = shapes[turn % shapes.length]
  await run.publish({ shape, node, options: phone, summary: summaryOf('romeo@montague.example', `${turn}`) })
}

/** A publish that goes through, for measuring. */
export function plainPublish(run: DemoRun): string {
  return run.publishText({ node, options: phone, summary: message })
}

function hasAlert(run: DemoRun): boolean {
  return run.stage.gateway.last.title !== undefined
}
