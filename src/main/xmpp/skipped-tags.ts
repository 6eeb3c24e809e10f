import { AttributeNames } from './attribute-names.ts'
import { mayDeclare } from './namespace-scope.ts'
import { badDeclaration, declaredPrefix, duplicateAttribute, refuseXmlnsPrefix } from './tag-rules.ts'
import { cutName } from './token-cursor.ts'
import type { TokenHandler } from './tokenizer.ts'

const noAttributes: readonly string[] = []

/**
 * Takes the tokens of a skipped subtree and keeps nothing. It makes the checks that the tokenizer leaves to its handler:
 * duplicate attributes and forbidden declarations. It does not check for duplicate attributes under two prefixes of one
 * namespace, which no server writes.
 */
export class SkippedTags implements TokenHandler {
  private readonly names = new AttributeNames()
  private hasNames = false

  openTag(name: string, colon: number): boolean {
    refuseXmlnsPrefix(name, colon)
    return true
  }

  attribute(name: string, colon: number, value: string): boolean {
    if (colon === cutName) return false
    this.hasNames = true
    if (!this.names.add(name)) throw duplicateAttribute()
    const prefix = declaredPrefix(name)
    if (prefix !== undefined && !mayDeclare(prefix, value)) throw badDeclaration()
    return false
  }

  openTagEnd(): readonly string[] {
    if (this.hasNames) this.names.clear()
    this.hasNames = false
    return noAttributes
  }

  closeTag(): void {}

  text(): void {}
}
