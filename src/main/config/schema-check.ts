import { configSchema } from './schema.ts'
import { schemaCompiler } from './schema-compiler.ts'

/**
 * Checks a document against the schema and fills in the defaults; then its `errors` say what is wrong.
 *
 * `npm run build` puts the code that ajv makes of the schema in the place of this module. In a checkout the schema is compiled
 * at each start, which takes 0.1 s, and run once.
 */
export const checkSchema = schemaCompiler({ optimize: false }).compile(configSchema)
