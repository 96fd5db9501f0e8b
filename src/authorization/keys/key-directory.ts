import { type Clock, nowSeconds } from '../../shared/clock.js';
import type { SealingSecret } from '../../shared/sealing.js';
import type { SigningAlgorithm } from '../capabilities.js';
import type { SigningKeyStore } from '../ports.js';
import { type KeyPhase, type KeySchedule, datesFrom, phasesOf } from './lifecycle.js';
import { makeSigningKey, signingKeySealer } from './signing-key.js';
import { SKEW_SECONDS, resolveSchedule } from './schedule.js';

/** A signing key, as its operator may see it. Times are epoch seconds. */
export interface StoredSigningKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly phase: KeyPhase;
  readonly createdAt: number;
  readonly activateAt: number;
  readonly retireAt: number | undefined;
  readonly removeAt: number | undefined;
}

export type KeyRemoval =
  | { readonly kind: 'removed'; readonly successor: StoredSigningKey | undefined }
  | { readonly kind: 'unknown' };

/** The signing keys in the store, for their operator. Servers see what changes within 60 s. */
export interface SigningKeyDirectory {
  /** Oldest first; those that were removed a while ago are gone. */
  list(): Promise<readonly StoredSigningKey[]>;
  /**
   * Makes the next key, out of turn. It signs once it was published for the lead; `isNow`: at once, for which verifiers
   * have to fetch the keys of a key id that they do not know.
   *
   * @returns the new key, or the one that is waiting for its turn already
   */
  rotate(
    algorithm: SigningAlgorithm,
    options: { readonly isNow: boolean },
  ): Promise<{ readonly key: StoredSigningKey; readonly isNew: boolean }>;
  /**
   * Removes a key for good, whatever it does now: what it signed is refused from now on. Where it signs, another one
   * takes over at once.
   */
  remove(kid: string): Promise<KeyRemoval>;
}

/** Longer than any token lives, for those who remember what was revoked. */
const REFUSED_SECONDS = 172_800;

export function createSigningKeyDirectory(parts: {
  readonly store: SigningKeyStore;
  readonly masterSecret: SealingSecret;
  readonly clock: Clock;
  readonly schedule: Partial<KeySchedule>;
  /** Of access tokens. */
  readonly tokenTtlSeconds: number;
}): SigningKeyDirectory {
  const { store, clock } = parts;
  const sealer = signingKeySealer(parts.masterSecret);
  const tokenSeconds = parts.tokenTtlSeconds + SKEW_SECONDS;
  const schedule = resolveSchedule(parts.schedule, tokenSeconds);

  const list = async (): Promise<readonly StoredSigningKey[]> => {
    const records = await store.list();
    const phases = phasesOf(records, nowSeconds(clock), tokenSeconds);
    return records.map(({ privateJwk: _sealed, ...rest }) => ({
      ...rest,
      phase: phases.get(rest.kid) ?? 'removed',
    }));
  };

  const make = async (
    algorithm: SigningAlgorithm,
    isNow: boolean,
  ): Promise<{ readonly key: StoredSigningKey; readonly isNew: boolean }> => {
    for (;;) {
      const known = (await list()).filter((key) => key.algorithm === algorithm);
      const waiting = known.find(({ phase }) => phase === 'published');
      if (waiting !== undefined && !isNow) return { key: waiting, isNew: false };
      const now = nowSeconds(clock);
      const isFirst = !known.some(({ phase }) => phase === 'signs');
      const activateAt = isNow || isFirst ? now : now + schedule.publishLeadSeconds;
      const record = await makeSigningKey(algorithm, datesFrom(activateAt, schedule), now, sealer);
      const kids = known.map(({ kid }) => kid);
      // Another process may have made one meanwhile: then it is looked at anew.
      if (!(await store.insert(record, kids))) continue;
      const key = (await list()).find(({ kid }) => kid === record.kid);
      if (key !== undefined) return { key, isNew: true };
    }
  };

  return {
    list,
    rotate: (algorithm, { isNow }) => make(algorithm, isNow),
    async remove(kid) {
      const before = (await list()).find((key) => key.kid === kid);
      const now = nowSeconds(clock);
      const times = { nowSeconds: now, refusedUntil: now + REFUSED_SECONDS };
      if (before === undefined || !(await store.remove(kid, times))) return { kind: 'unknown' };
      const same = (await list()).filter(({ algorithm }) => algorithm === before.algorithm);
      const heir = same.find(({ phase }) => phase === 'signs');
      if (heir !== undefined) return { kind: 'removed', successor: heir };
      const { key } = await make(before.algorithm as SigningAlgorithm, true);
      return { kind: 'removed', successor: key };
    },
  };
}
