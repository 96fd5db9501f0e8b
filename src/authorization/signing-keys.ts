import { type JWK, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { Clock } from '../shared/clock.js';
import { nowSeconds } from '../shared/clock.js';
import { createSealer } from '../shared/sealing.js';
import { MasterSecretMismatchError } from './errors.js';
import type { SigningAlgorithm } from './capabilities.js';
import type { SigningKeyRecord, SigningKeyStore } from './ports.js';

/** The keys of this server at one moment. */
export interface SigningKeys {
  /** Private JWKs, the one that signs first. */
  readonly privateKeys: readonly JWK[];
  /** What the world may see. */
  readonly publicKeys: { readonly keys: readonly JWK[] };
}

/**
 * The signing keys in the store; the first start makes one for each algorithm. Processes that start together end up with
 * the same keys.
 *
 * @throws {MasterSecretMismatchError} when a stored key was sealed under another secret
 */
export async function loadSigningKeys(
  store: SigningKeyStore,
  masterSecret: Uint8Array,
  clock: Clock,
  algorithms: readonly SigningAlgorithm[] = ['ES256'],
): Promise<SigningKeys> {
  const sealer = createSealer(masterSecret, 'authorization:signing-key');
  const stored = await store.list();
  for (const algorithm of algorithms) {
    if (stored.some((record) => record.algorithm === algorithm)) continue;
    const jwk = await makeKey(algorithm);
    const now = nowSeconds(clock);
    const kid = jwk.kid ?? '';
    await store.insertFirst({
      kid,
      algorithm,
      privateJwk: sealer.seal(JSON.stringify(jwk), kid),
      createdAt: now,
      activateAt: now,
      retireAt: undefined,
      removeAt: undefined,
    });
  }
  const now = nowSeconds(clock);
  const published = (await store.list()).filter(
    (record) => record.removeAt === undefined || record.removeAt > now,
  );
  const privateKeys = published.toSorted(signsFirst(now)).map((record) => {
    const opened = sealer.open(record.privateJwk, record.kid);
    if (opened === undefined) throw new MasterSecretMismatchError(record.kid);
    return JSON.parse(opened) as JWK;
  });
  return { privateKeys, publicKeys: { keys: privateKeys.map(publicPart) } };
}

async function makeKey(algorithm: SigningAlgorithm): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return {
    ...jwk,
    kid: await calculateJwkThumbprint(jwk),
    alg: algorithm,
    use: 'sig',
  };
}

/** The engine signs with the first key that fits: the active one, the newest of several. */
function signsFirst(now: number) {
  const rank = (record: SigningKeyRecord): number => {
    const isRetired = record.retireAt !== undefined && record.retireAt <= now;
    return record.activateAt <= now && !isRetired ? 0 : 1;
  };
  return (a: SigningKeyRecord, b: SigningKeyRecord): number =>
    rank(a) - rank(b) || b.activateAt - a.activateAt;
}

const PUBLIC_MEMBERS = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use']);

/** By naming what is public: a private member that a key type adds later cannot slip out. */
function publicPart(jwk: JWK): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => PUBLIC_MEMBERS.has(name)));
}
