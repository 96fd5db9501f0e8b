import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Interface, createInterface } from 'node:readline';
import type { CliIo } from '../io.js';
import type { ClientContext } from './context.js';

export const LOGIN_MODES = ['auto', 'browser', 'device', 'paste'] as const;
export type LoginMode = (typeof LOGIN_MODES)[number];

/** Where a login runs, as far as it decides how a person can be reached. */
export interface Surroundings {
  readonly hasBrowser: boolean;
  /** The machine's name as the person's own machine reaches it, when this is an SSH session. */
  readonly sshHost: string | undefined;
}

/**
 * Looks for a browser that could open: a display or `BROWSER`, no SSH, no container.
 *
 * @param isContainer - whether this process runs in one
 */
export function lookAround(
  env: CliIo['env'],
  platform: NodeJS.Platform = process.platform,
  isContainer: boolean = existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
): Surroundings {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const isSsh = isSet('SSH_CONNECTION') || isSet('SSH_TTY') || isSet('SSH_CLIENT');
  // Client address, its port, our address, our port.
  const ours = env['SSH_CONNECTION']?.split(' ')[2];
  const hasDisplay =
    platform === 'linux'
      ? isSet('DISPLAY') || isSet('WAYLAND_DISPLAY') || isSet('WSL_DISTRO_NAME')
      : true;
  return {
    hasBrowser: isSet('BROWSER') || (hasDisplay && !isSsh && !isContainer && !isSet('container')),
    sshHost: isSsh ? (ours ?? hostname()) : undefined,
  };
}

/** Reads lines that a person pastes. Lets go of stdin when the login is over. */
export function pasteReader(
  context: ClientContext,
): (problem: string | undefined, over: AbortSignal) => Promise<string | undefined> {
  let lines: Interface | undefined;
  const waiting: ((line: string | undefined) => void)[] = [];
  const early: string[] = [];
  let isEnded = false;
  // Not before the first question: an open stdin keeps the process.
  const start = (): Interface => {
    const opened = createInterface({ input: context.io.stdin, terminal: false });
    opened.on('line', (line) => {
      if (line.trim() === '') return;
      const next = waiting.shift();
      if (next === undefined) early.push(line);
      else next(line);
    });
    opened.on('close', () => {
      isEnded = true;
      for (const next of waiting.splice(0)) next(undefined);
    });
    return opened;
  };
  return (problem, over) => {
    if (problem !== undefined) context.say(`Not taken: ${problem}. Paste it again:`);
    if (lines === undefined) {
      const opened = start();
      lines = opened;
      over.addEventListener('abort', () => opened.close(), { once: true });
    }
    const line = early.shift();
    if (line !== undefined || isEnded) return Promise.resolve(line);
    return new Promise((resolve) => waiting.push(resolve));
  };
}
