import { Ajv, type CodeOptions } from 'ajv'
import { formats } from './formats.ts'
import { noteNames } from './keys.ts'

/** Makes the check of a configuration from its schema: faults are all reported, and defaults filled in. */
export function schemaCompiler(code: CodeOptions): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    // The schema is our own: compiling the schema of schemas to check it would take most of the start.
    meta: false,
    validateSchema: false,
    formats,
    code,
  })
  return ajv.addVocabulary(noteNames)
}
