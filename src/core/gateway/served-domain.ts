/** Whose pushes those of the served API are, in metrics, stores and turns: no XMPP domain can be called so. */
export const servedDomain = '(gateway)'

/** Whether the push came in over the served API: what other roles know of its device is not asked for, nor added to. */
export function isServed(notification: { readonly domain: string }): boolean {
  return notification.domain === servedDomain
}
