/** The signals that stop the daemon, all in the same way; a second signal, of any of them, stops it at once. */
export const stopSignals = ['SIGTERM', 'SIGINT'] as const
