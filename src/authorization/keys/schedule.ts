import { LIFETIMES } from '../options.js';
import type { ProtectedResource } from '../resources.js';
import { DEFAULT_KEY_SCHEDULE, type KeySchedule } from './lifecycle.js';

/** Tolerance of verifiers, and as much again for clocks that differ. */
export const SKEW_SECONDS = 330;

/** How long the longest token of this server may have to be verified. */
export function tokenLifetime(resources: readonly ProtectedResource[]): number {
  const lifetimes = resources.map(
    ({ accessTokenTtlSeconds }) => accessTokenTtlSeconds ?? LIFETIMES.accessToken,
  );
  return Math.max(LIFETIMES.idToken, ...lifetimes) + SKEW_SECONDS;
}

/** @throws {TypeError} naming the field, its value and what would work */
export function resolveSchedule(
  given: Partial<KeySchedule> | undefined,
  tokenSeconds: number,
): KeySchedule {
  const schedule = { ...DEFAULT_KEY_SCHEDULE, ...given };
  const { publishLeadSeconds, rotateEverySeconds, overlapSeconds } = schedule;
  for (const [name, value] of Object.entries(schedule)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new TypeError(`keySchedule.${name} is ${value}: give whole seconds, at least 1`);
    }
  }
  if (rotateEverySeconds < 2 * publishLeadSeconds) {
    throw new TypeError(
      `keySchedule.rotateEverySeconds is ${rotateEverySeconds}: give at least twice publishLeadSeconds (${publishLeadSeconds})`,
    );
  }
  if (overlapSeconds < tokenSeconds) {
    throw new TypeError(
      `keySchedule.overlapSeconds is ${overlapSeconds}: tokens have to be verifiable for ${tokenSeconds} s`,
    );
  }
  return schedule;
}
