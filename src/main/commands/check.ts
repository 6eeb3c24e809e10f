import type { Config } from '../config/config.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Command, configFileOf, configOption } from './command.ts'

export const checkCommand: Command = {
  name: 'check',
  operands: '',
  about: 'check a configuration: every fault on its own line',
  options: {
    config: configOption,
    live: {
      value: undefined,
      about: 'ask FCM and APNs, too, whether they take the keys and certificates; nobody gets a push',
    },
    strict: { value: undefined, about: 'treat notes as faults: exit code 78' },
  },
  takesRest: false,
  async run(options) {
    const configFile = configFileOf(options)
    const { loadConfigFile } = await import('../config/load.ts')
    const loaded = loadConfigFile(configFile)
    if (loaded.kind === 'faulty') {
      for (const fault of loaded.faults) console.log(fault)
      return exitCodes.config
    }
    const { config } = loaded
    const [{ daemonUser, fileNotes }, { dataDirFault }, { lostStoreFault }] = await Promise.all([
      import('../config/file-notes.ts'),
      import('../store/store-place.ts'),
      import('../store/store-marker.ts'),
    ])
    const user = daemonUser(config.data_dir)
    const placeFault = dataDirFault(config.data_dir, user) ?? lostStoreFault(config.data_dir)
    const faults = [placeFault, await faultOfPlugin(config)]
    const found = faults.filter((fault) => fault !== undefined)
    for (const fault of found) console.log(`${configFile}: ${fault}`)
    const notes = [
      ...loaded.notes,
      ...fileNotes(loaded.files, config.data_dir, user),
      ...(await endings(config)),
    ]
    for (const note of notes) console.log(`${configFile}: note: ${note}`)
    if (found.length > 0) return exitCodes.config
    if (options.strict === true && notes.length > 0) {
      console.log(`${configFile}: --strict treats notes as faults`)
      return exitCodes.config
    }
    console.log(`${configFile}: no faults`)
    return options.live === true ? askProviders(loaded.config, configFile) : exitCodes.ok
  },
}

/** Why the plugin cannot be loaded. It is loaded in its own thread and with a time limit, as in `start`. */
async function faultOfPlugin(config: Config): Promise<string | undefined> {
  const [{ loadPlugin }, { PluginLoadError }, { pluginSetting }] = await Promise.all([
    import('../roles/xmpp-server/load-plugin.ts'),
    import('../roles/xmpp-server/plugin-thread.ts'),
    import('../part-options.ts'),
  ])
  try {
    const plugin = await loadPlugin(pluginSetting(config, process.cwd()))
    await plugin.stop()
    return undefined
  } catch (error) {
    if (error instanceof PluginLoadError) return error.message
    throw error
  }
}

/** What is to be said of certificates that end. */
async function endings(config: Config): Promise<string[]> {
  const [{ expiryStage }, { ownCertificates }] = await Promise.all([
    import('../gateway/expiry-watch.ts'),
    import('../gateway-pools.ts'),
  ])
  return ownCertificates(config).flatMap(({ name, expiresAtMs }) => {
    const stage = expiryStage(expiresAtMs - Date.now())
    if (stage === 'fine') return []
    return [`${name} ${stage === 'expired' ? 'ended' : 'ends'} on ${new Date(expiresAtMs).toISOString()}`]
  })
}

/** One line for each pool, in the configuration's order. */
async function askProviders(config: Config, configFile: string): Promise<number> {
  const [{ gatewayPools, poolPaths }, { checkLive }] = await Promise.all([
    import('../gateway-pools.ts'),
    import('../gateway/live-check.ts'),
  ])
  const pools = gatewayPools(config)
  if (pools.length === 0) console.log(`${configFile}: there is no [[gateway.fcm]] or [[gateway.apns]] to ask`)
  const verdicts = await Promise.all(pools.map((pool) => checkLive(pool, Date.now())))
  const names = { fcm: 'FCM', apns: 'APNs' }
  verdicts.forEach((verdict, i) => {
    const name = names[pools[i]?.service ?? 'fcm']
    const says = {
      taken: `${name} takes it`,
      refused: `${name} refuses it`,
      unknown: `${name} could not be asked`,
    }[verdict.kind]
    const why = verdict.kind === 'taken' ? '' : `: ${verdict.reason}`
    console.log(`${configFile}: ${poolPaths(config)[i]}: ${says}${why}`)
  })
  if (verdicts.some(({ kind }) => kind === 'refused')) return exitCodes.config
  return verdicts.some(({ kind }) => kind === 'unknown') ? exitCodes.tempFail : exitCodes.ok
}
