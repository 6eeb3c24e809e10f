import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { compiledSchema } from '../../../scripts/compiled-schema.ts'
import { checkSchema } from '../../../src/main/config/schema-check.ts'

/** The check as a build has it. */
async function built(): Promise<typeof checkSchema> {
  const dir = mkdtempSync(join(tmpdir(), 'pushd-schema-'))
  const file = join(dir, 'schema-check.mjs')
  const formats = new URL('../../../src/main/config/formats.ts', import.meta.url).href
  const code = compiledSchema()
    .replace("'./formats.js'", `'${formats}'`)
    .replaceAll(/'(ajv\/[^']+)'/g, (_name, path: string) => `'${import.meta.resolve(path)}'`)
  writeFileSync(file, code)
  const { checkSchema } = (await import(pathToFileURL(file).href)) as { checkSchema: typeof checkSchemaType }
  rmSync(dir, { recursive: true })
  return checkSchema
}
declare const checkSchemaType: typeof checkSchema

/** Something wrong for each kind of rule, beside what is right. */
const documents: readonly object[] = [
  {},
  { component: [{ domain: 'push.chat.test', server: '127.0.0.1:5347', secret: 'x' }] },
  { component: [{ domain: 'Push', server: 'nowhere', connections: 0, tls: 'yes' }] },
  {
    http: { listen: 'nowhere', hosts: ['https://a'] },
    push: { served_hosts: 'a/b', wpool: { workers: 1.5 } },
  },
  { mongoosepush: { url: ['ftp://x', 'https://gw.test', 'https://gw.test'], path_prefix: 'x' }, unknown: 1 },
  { gateway: { fcm: [{}], apns: [{ mode: 'other', key_id: 'short', default_topic: ' ' }] }, queue: 3 },
]

test('the check of a build says the same as that of a checkout, and fills in the same defaults', async () => {
  const check = await built()
  for (const document of documents) {
    const [here, there] = [structuredClone(document), structuredClone(document)]
    expect(check(there), JSON.stringify(document)).toBe(checkSchema(here))
    expect(check.errors).toEqual(checkSchema.errors)
    expect(there).toEqual(here)
  }
  expect(documents.filter((document) => checkSchema(structuredClone(document)))).toHaveLength(2)
})
