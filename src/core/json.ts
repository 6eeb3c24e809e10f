/** Any value that JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject

export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Whether it is a JSON object: neither null nor an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The value with U+FFFD for each lone surrogate in its texts and names. JSON escapes a lone surrogate as `\udXXX`,
 * which strict readers refuse, and the whole request with it.
 */
export function wellFormedJson(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormedJson)
  // `fromEntries` makes own properties: a field called `__proto__` is data like any other.
  if (isJsonObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name.toWellFormed(), wellFormedJson(item)]),
    )
  }
  return value
}
