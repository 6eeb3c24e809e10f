import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of a process's threads since they started, in µs: the main thread and the others by name. Linux. */
export interface ThreadCpu {
  readonly main: number
  readonly others: Readonly<Record<string, number>>
}

/** USER_HZ: the unit of /proc, the same on every Linux that Node runs on. */
const usPerTick = 10_000

export function threadCpu(pid: number): ThreadCpu {
  const others: Record<string, number> = {}
  let main = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readThread(pid, thread)
    if (stat === undefined) continue
    if (Number(thread) === pid) main = stat.cpuUs
    else others[stat.name] = (others[stat.name] ?? 0) + stat.cpuUs
  }
  return { main, others }
}

function readThread(pid: number, thread: string): { name: string; cpuUs: number } | undefined {
  try {
    // pid (name) state ppid …: the name may hold anything, so count from its end. utime is field 14.
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    const nameEnd = stat.lastIndexOf(')')
    const fields = stat.slice(nameEnd + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    return { name: stat.slice(stat.indexOf('(') + 1, nameEnd), cpuUs: ticks * usPerTick }
  } catch {
    return undefined // It ended meanwhile.
  }
}

/** Per notification, names with next to nothing left out. */
export function cpuPer(count: number, before: ThreadCpu, after: ThreadCpu): Record<string, number> {
  const per: Record<string, number> = { main: round((after.main - before.main) / count) }
  for (const [name, cpuUs] of Object.entries(after.others)) {
    const share = round((cpuUs - (before.others[name] ?? 0)) / count)
    if (share >= 0.1) per[name] = share
  }
  return per
}

export function totalCpu({ main, others }: ThreadCpu): number {
  return Object.values(others).reduce((sum, cpuUs) => sum + cpuUs, main)
}

/** Resident memory in MB; the mapped store file counts apart (`RssFile`). */
export function residentMb(pid: number): { anonymous: number; file: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (key: string) =>
    round(Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024)
  return { anonymous: read('RssAnon'), file: read('RssFile') }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
