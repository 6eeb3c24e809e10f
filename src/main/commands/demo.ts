import type { Command } from './command.ts'

export const demoCommand: Command = {
  name: 'demo',
  operands: '',
  about: 'see the whole way on this machine: an XMPP server end and a gateway around the real daemon',
  options: {
    keep: { value: undefined, about: 'go on until interrupted' },
    gateway: { value: undefined, about: 'the daemon talks to stand-ins for APNs and FCM itself' },
  },
  takesRest: false,
  async run(options) {
    const { runDemo } = await import('../../sandbox/demo.ts')
    const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined
    return runDemo({
      keep: options.keep === true,
      gateway: options.gateway === true,
      color,
      out: process.stdout,
    })
  },
}

export const sandboxCommand: Command = {
  name: 'sandbox',
  operands: 'gateway|xmpp|apns|fcm [OPTIONS]',
  about: 'run a stand-in for MongoosePush, the XMPP server, APNs or FCM, to try things against',
  options: {},
  takesRest: true,
  async run(_options, rest) {
    const { runSandbox } = await import('../../sandbox/cli.ts')
    return runSandbox(rest)
  },
}
