import { setTimeout as wait } from 'node:timers/promises';
import type { Served } from '../authorization/fixture.js';
import type { Fleet, Member } from './support/fleet.js';
import { type LoginReport, findLosses, runLogins } from './support/login-load.js';

export interface RestartReport extends Omit<LoginReport, 'tokens' | 'clients' | 'remembered'> {
  readonly restarts: number;
  readonly exitCodes: readonly (number | null)[];
  readonly clients: number;
  readonly grants: number;
  readonly consents: number;
  readonly losses: readonly string[];
  /** Requests that the proxy could not get an answer to. */
  readonly failures: readonly string[];
}

/** Replaces the servers of a fleet one after the other, one every `everyMs`, while people sign in all the time. */
export async function restartUnderLogins(
  { fleet, served }: { readonly fleet: Fleet; readonly served: Served },
  options: {
    readonly member: Member;
    readonly restarts: number;
    readonly everyMs: number;
    readonly workers: number;
    readonly person: string;
  },
): Promise<RestartReport> {
  const over = new AbortController();
  let announce: () => void = () => undefined;
  let next = newTurn();
  function newTurn(): Promise<void> {
    return new Promise((resolve) => (announce = resolve));
  }
  const load = runLogins(served, {
    workers: options.workers,
    person: options.person,
    until: over.signal,
    nextRestart: () => next,
  });
  const exitCodes: (number | null)[] = [];
  let leaving = options.member;
  for (let turn = 0; turn < options.restarts; turn++) {
    const pause = wait(options.everyMs);
    const coming = await fleet.start();
    exitCodes.push(await leaving.stop('SIGTERM'));
    leaving = coming;
    announce();
    next = newTurn();
    await pause;
  }
  over.abort();
  // Whoever waits for a restart has waited for the last one.
  const settling = setInterval(() => announce(), 50);
  next = Promise.resolve();
  const { tokens, clients, remembered, ...report } = await load;
  clearInterval(settling);
  const losses = await findLosses(served, { ...report, tokens, clients, remembered });
  return {
    ...report,
    restarts: exitCodes.length,
    exitCodes,
    clients: clients.length,
    grants: tokens.length,
    consents: remembered.length,
    losses,
    failures: fleet.proxy.failures,
  };
}
