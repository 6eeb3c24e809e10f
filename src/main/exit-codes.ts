/** How the process ends, by sysexits.h: service managers decide by it whether to start again. */
export const exitCodes = {
  ok: 0,
  /** A bug. */
  software: 70,
  /** Something needed at the start is not there, and may come back: a locked data directory, a taken port. */
  tempFail: 75,
  /** The configuration, the command line or Node.js itself has to be changed first. */
  config: 78,
} as const
