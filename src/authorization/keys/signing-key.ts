import { type JWK, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { type Sealer, type SealingSecret, createSealer } from '../../shared/sealing.js';
import type { SigningAlgorithm } from '../capabilities.js';
import { MasterSecretMismatchError } from '../errors.js';
import type { SigningKeyRecord } from '../ports.js';
import type { KeyDates } from './lifecycle.js';

/** What the seal of a private key is made for. */
export const SIGNING_KEY_SEAL = 'authorization:signing-key';

export function signingKeySealer(masterSecret: SealingSecret): Sealer {
  return createSealer(masterSecret, SIGNING_KEY_SEAL);
}

/** A new key, sealed. */
export async function makeSigningKey(
  algorithm: SigningAlgorithm,
  dates: KeyDates,
  nowSeconds: number,
  sealer: Sealer,
): Promise<SigningKeyRecord> {
  const jwk = await newJwk(algorithm);
  const { kid } = jwk;
  const whole = { ...jwk, alg: algorithm, use: 'sig' };
  return {
    kid,
    algorithm,
    privateJwk: sealer.seal(JSON.stringify(whole), kid),
    createdAt: nowSeconds,
    ...dates,
  };
}

/** People type key ids at a command line: none of them looks like an option. */
async function newJwk(algorithm: SigningAlgorithm): Promise<JWK & { readonly kid: string }> {
  for (;;) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = await exportJWK(privateKey);
    const kid = await calculateJwkThumbprint(jwk);
    if (!kid.startsWith('-')) return { ...jwk, kid };
  }
}

/** @throws {MasterSecretMismatchError} when it was sealed under another secret */
export function openSigningKey({ kid, privateJwk }: SigningKeyRecord, sealer: Sealer): JWK {
  const opened = sealer.open(privateJwk, kid);
  if (opened === undefined) throw new MasterSecretMismatchError(kid);
  return JSON.parse(opened) as JWK;
}

const PUBLIC_MEMBERS = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use']);

/** By naming what is public: a private member that a key type adds later cannot slip out. */
export function publicPart(jwk: JWK): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => PUBLIC_MEMBERS.has(name)));
}
