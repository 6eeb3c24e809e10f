/**
 * The worker thread's only task: one session with the main thread, for as long as both live. Piscina runs it;
 * what is said over `port` is in core/worker-protocol.ts.
 */
import type { MessagePort } from 'node:worker_threads'
import type { ToWorker } from '../core/worker-protocol.ts'
import { Session } from './session.ts'

/** Ends when the main thread has closed the session and everything is answered. */
export default async function runSession(task: { readonly port: MessagePort }): Promise<void> {
  const { port } = task
  const { promise, resolve } = Promise.withResolvers<void>()
  let session: Session | undefined
  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'open':
        session = new Session(message.target, message.pools, (said) => port.postMessage(said))
        return
      case 'batch':
        session?.take(message.requests)
        return
      case 'provider_batch':
        session?.takeForProviders(message.requests)
        return
      case 'authorize':
        session?.providers.authorize(message.pool, message.authorization)
        return
      case 'renew_tls':
        session?.providers.renewTls(message.pool, message.tls)
        return
      case 'close':
        void (session?.close() ?? Promise.resolve()).then(resolve)
        return
    }
    message satisfies never
  })
  // The main thread is gone, or has given this session up.
  port.once('close', resolve)
  await promise
  port.close()
}
