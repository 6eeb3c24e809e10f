/** The origins of `mongoosepush.url`, in its order: what requests go to. */
export function gatewayOrigins(table: { readonly url: string | readonly string[] }): readonly string[] {
  const urls = typeof table.url === 'string' ? [table.url] : table.url
  return [...new Set(urls.map((url) => new URL(url).origin))]
}
