import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { randomId } from '../../shared/ids.js';

/** Who holds something on disk, told apart from a later process that got the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, on Linux. Elsewhere undefined: the number alone then has to do. */
  readonly startTime?: string;
  /** Machine, boot and process-number namespace: outside of it `pid` says nothing. */
  readonly scope: string;
  /** Random, per process: tells two claims of one number apart where the start time cannot be read. */
  readonly nonce: string;
}

const nonce = randomId(12);
let own: Promise<ProcessIdentity> | undefined;

/** This process. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= describeSelf();
  return own;
}

async function describeSelf(): Promise<ProcessIdentity> {
  const [startTime, boot, namespace] = await Promise.all([
    startTimeOf(process.pid),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  const scope = `${hostname()}/${boot.trim()}/${namespace}`;
  return { pid: process.pid, ...(startTime !== undefined && { startTime }), scope, nonce };
}

/** `unknown`: of another machine, container or boot, so that its number cannot be judged from here. */
export type Liveness = 'alive' | 'dead' | 'unknown';

export async function livenessOf(holder: ProcessIdentity): Promise<Liveness> {
  const self = await ownIdentity();
  if (holder.scope !== self.scope) return 'unknown';
  if (holder.pid === self.pid && holder.startTime === undefined) {
    return holder.nonce === self.nonce ? 'alive' : 'dead';
  }
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'dead';
  }
  if (holder.startTime === undefined) return 'alive';
  const startTime = await startTimeOf(holder.pid);
  return startTime === undefined || startTime === holder.startTime ? 'alive' : 'dead';
}

/** Field 22 of /proc/PID/stat; the command name before it may hold spaces and parentheses. A zombie counts as gone. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : fields[19];
  } catch {
    return undefined;
  }
}
