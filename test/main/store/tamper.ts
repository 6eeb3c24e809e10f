import { join } from 'node:path'
import { type Database, open } from 'lmdb'

/** Changes a closed store behind its back, table by table. */
export async function tamper(
  dataDir: string,
  change: (table: (name: string) => Database<unknown, string>) => unknown,
): Promise<void> {
  const raw = open<unknown, string>(join(dataDir, 'store.mdb'), { noSubdir: true, maxDbs: 32 })
  await change((name) => raw.openDB<unknown, string>(name, {}))
  await raw.close()
}

/** What a codec does not know, and what is no MessagePack. */
export const damages: readonly { readonly damage: unknown }[] = [
  { damage: ['torn'] },
  { damage: Buffer.from('torn') },
]
