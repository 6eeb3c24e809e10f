/** Writes, has the page fail that makes LMDB give up, waits for the store to be well again, writes; prints what it saw. */
import { writeFileSync } from 'node:fs'
import { until } from '../../support/until.ts'
import { nodeRecord, noLimits, openNodes, openStore } from './open-store.ts'

const [directory = '', failure = ''] = process.argv.slice(2)
const state = process.env.FAULTY_DISK ?? ''
const environment = await openStore(directory)
const nodes = openNodes(environment)
const create = (node: string) =>
  nodes.create('push.example.com', node, nodeRecord('a@b'), noLimits).catch((error) => error.code)
const before = await create('before')
writeFileSync(state, failure)
const during = await create('during')
writeFileSync(state, '')
await until('the store to be well', () => environment.fault === undefined)
const after = await create('after')
const found = ['before', 'during', 'after'].map((node) => nodes.get('push.example.com', node) !== undefined)
const counted = nodes.count()
await environment.close()
process.stdout.write(JSON.stringify({ before, during, after, found, counted }))
