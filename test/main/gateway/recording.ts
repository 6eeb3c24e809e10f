import type { Authorization } from '../../../src/core/gateway/provider-target.ts'
import type { TokenEvents, TokenPorts } from '../../../src/main/gateway/ports.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly fields: object
  readonly text: string
}

/** A clock that is set by hand, and all that is told and logged. */
export class TokenRecording implements TokenEvents, TokenPorts {
  readonly told: (Authorization | undefined)[] = []
  readonly lines: LogLine[] = []
  atMs: number
  readonly random = () => 0.5
  readonly nowMs = () => this.atMs
  readonly log = {
    info: (fields: object, text: string) => void this.lines.push({ level: 'info', fields, text }),
    warn: (fields: object, text: string) => void this.lines.push({ level: 'warn', fields, text }),
    error: (fields: object, text: string) => void this.lines.push({ level: 'error', fields, text }),
  }

  constructor(atMs = Date.now()) {
    this.atMs = atMs
  }

  authorized(authorization: Authorization | undefined): void {
    this.told.push(authorization)
  }

  get header(): string {
    return this.told.at(-1)?.header ?? ''
  }
}
