import { _ } from 'ajv'
import standalone from 'ajv/dist/standalone/index.js'
import { configSchema } from '../src/main/config/schema.ts'
import { schemaCompiler } from '../src/main/config/schema-compiler.ts'

/** The check of a configuration as JavaScript, which takes the place of `src/main/config/schema-check.ts` in a build. */
export function compiledSchema(): string {
  const ajv = schemaCompiler({ source: true, esm: true, formats: _`formats` })
  const code = standalone.default(ajv, ajv.compile(configSchema))
  // ajv writes `require` into modules, too.
  const imports = ["import { formats } from './formats.js'"]
  const body = code.replaceAll(/require\("(ajv\/[^"]+)"\)\.default/g, (_call, path: string) => {
    const name = `ajv${imports.length}`
    imports.push(`import ${name} from '${path}.js'`)
    return `${name}.default`
  })
  if (body.includes('require('))
    throw new Error('ajv takes something else by require: compiled-schema.ts has to know it')
  return `${imports.join('\n')}\n${body
    .replace('export const validate =', 'export const checkSchema =')
    .replace(/export default \w+;/, '')
    .replace('"use strict";', '')}`
}
