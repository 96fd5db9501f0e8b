import { type Sealer, type SealingSecret, createSealer } from '../../shared/sealing.js';
import { CLIENT_SEAL } from '../clients/client-directory.js';
import { UPSTREAM_TOKEN_SEAL } from '../federation/upstream-tokens.js';
import type { SealedPlace, SealedValue, SealedValueStore } from '../ports.js';
import { SIGNING_KEY_SEAL } from './signing-key.js';

/** What became of the values of one place. */
export interface ResealCount {
  readonly total: number;
  /** Sealed anew. */
  readonly resealed: number;
  /** Open with none of the secrets. */
  readonly unreadable: number;
}

export type ResealReport = Readonly<Record<SealedPlace, ResealCount>>;

interface Seal {
  readonly purpose: string;
  readonly contextOf: (key: SealedValue['key']) => string;
}

/** How each place seals: the same as where it is written. */
const SEALS: Readonly<Record<SealedPlace, Seal>> = {
  artifact: { purpose: CLIENT_SEAL, contextOf: ([model, idHash]) => `${model}:${idHash}` },
  client: { purpose: CLIENT_SEAL, contextOf: ([clientId]) => clientId },
  'signing-key': { purpose: SIGNING_KEY_SEAL, contextOf: ([kid]) => kid },
  'upstream-token': {
    purpose: UPSTREAM_TOKEN_SEAL,
    contextOf: ([userId, issuer]) => JSON.stringify([userId, issuer]),
  },
};

const BATCH = 200;

/**
 * Seals everything that opens with one of the secrets under the first of them, in small transactions, while servers run.
 * What is sealed under the first already is left alone, so it can be stopped and run again.
 */
export async function resealAll(
  store: SealedValueStore,
  masterSecret: SealingSecret,
): Promise<ResealReport> {
  return {
    'signing-key': await resealPlace(store, 'signing-key', masterSecret),
    client: await resealPlace(store, 'client', masterSecret),
    'upstream-token': await resealPlace(store, 'upstream-token', masterSecret),
    artifact: await resealPlace(store, 'artifact', masterSecret),
  };
}

async function resealPlace(
  store: SealedValueStore,
  place: SealedPlace,
  masterSecret: SealingSecret,
): Promise<ResealCount> {
  const { purpose, contextOf } = SEALS[place];
  const first: string | Uint8Array =
    typeof masterSecret === 'string' || masterSecret instanceof Uint8Array
      ? masterSecret
      : masterSecret[0];
  const sealers = {
    current: createSealer(first, purpose),
    any: createSealer(masterSecret, purpose),
  };
  let after: SealedValue['key'] | undefined;
  let total = 0;
  let resealed = 0;
  let unreadable = 0;
  for (;;) {
    const values = await store.list(place, after, BATCH);
    const stale: (SealedValue & { readonly resealed: string })[] = [];
    for (const value of values) {
      if (value.sealed === '') continue;
      total += 1;
      const outcome = resealOne(value, contextOf(value.key), sealers);
      if (outcome === 'unreadable') unreadable += 1;
      else if (outcome !== 'current') stale.push({ ...value, resealed: outcome.resealed });
    }
    if (stale.length > 0) resealed += await store.replace(place, stale);
    after = values.at(-1)?.key;
    if (values.length < BATCH || after === undefined) return { total, resealed, unreadable };
  }
}

function resealOne(
  { sealed }: SealedValue,
  context: string,
  { current, any }: { readonly current: Sealer; readonly any: Sealer },
): 'current' | 'unreadable' | { readonly resealed: string } {
  if (current.open(sealed, context) !== undefined) return 'current';
  const opened = any.open(sealed, context);
  return opened === undefined ? 'unreadable' : { resealed: current.seal(opened, context) };
}
