import { apiKeyCredentialId } from '../../shared/credential-id.js';
import { type Clock, nowSeconds, systemClock } from '../../shared/clock.js';
import { hashId, randomId } from '../../shared/ids.js';
import { type Result, err, ok } from '../../shared/result.js';
import type { ApiKeyRecord, ApiKeyStore } from './ports.js';
import type { Principal } from './principal.js';

/** Every API key starts with this, so that a Bearer value can be told from an access token and found by scanners. */
export const API_KEY_PREFIX = 'cmcp_';

const ID_BYTES = 9;
const SECRET_BYTES = 32;
const MARK_USED_EVERY_SECONDS = 60;
// The secret has a fixed length, so an underscore inside the id or the secret cannot shift the border.
const KEY = /^cmcp_([A-Za-z0-9_-]{12,32})_([A-Za-z0-9_-]{43})$/;

export interface NewApiKey {
  /** The whole key. It exists here only: storage has its hash. Show it once. */
  readonly key: string;
  readonly record: ApiKeyRecord;
}

export interface CreateApiKeyOptions {
  /** What the key is for; names it in lists, and groups keys that replace each other. */
  readonly name: string;
  readonly issuer: string;
  readonly subject: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** Lifetime. Undefined: until revoked. */
  readonly ttlSeconds?: number | undefined;
}

export type ApiKeyRejection = 'malformed' | 'unknown' | 'revoked' | 'expired';

/**
 * Makes a key `cmcp_<id>_<secret>` (256-bit secret) and stores the SHA-256 of the whole.
 *
 * @throws {RangeError} when `ttlSeconds` is not a positive integer
 */
export async function createApiKey(
  store: ApiKeyStore,
  options: CreateApiKeyOptions,
  clock: Clock = systemClock,
): Promise<NewApiKey> {
  const { ttlSeconds } = options;
  if (ttlSeconds !== undefined && (!Number.isInteger(ttlSeconds) || ttlSeconds <= 0)) {
    throw new RangeError(`ttlSeconds is ${ttlSeconds}, expected a positive integer`);
  }
  const id = randomId(ID_BYTES);
  const key = `${API_KEY_PREFIX}${id}_${randomId(SECRET_BYTES)}`;
  const createdAt = nowSeconds(clock);
  const record: ApiKeyRecord = {
    id,
    name: options.name,
    issuer: options.issuer,
    subject: options.subject,
    tenant: options.tenant,
    scopes: options.scopes,
    createdAt,
    expiresAt: ttlSeconds === undefined ? undefined : createdAt + ttlSeconds,
    revokedAt: undefined,
    lastUsedAt: undefined,
  };
  await store.create(record, hashId(key));
  return { key, record };
}

/** The public id of a key, or undefined when the text has not the form of one. */
export function parseApiKeyId(key: string): string | undefined {
  return KEY.exec(key)?.[1];
}

/**
 * Checks a key: form, known, not revoked, not expired, in that order. Does NOT check scope.
 *
 * Notes its use at most once a minute; a failure to do so does not refuse the key.
 */
export async function verifyApiKey(
  store: ApiKeyStore,
  key: string,
  clock: Clock = systemClock,
): Promise<Result<Principal, ApiKeyRejection>> {
  if (parseApiKeyId(key) === undefined) return err('malformed');
  const record = await store.findByHash(hashId(key));
  if (record === undefined) return err('unknown');
  if (record.revokedAt !== undefined) return err('revoked');
  const now = nowSeconds(clock);
  if (record.expiresAt !== undefined && record.expiresAt <= now) return err('expired');
  if (record.lastUsedAt === undefined || record.lastUsedAt + MARK_USED_EVERY_SECONDS <= now) {
    await store.markUsed(record.id, now).catch(() => undefined);
  }
  return ok({
    issuer: record.issuer,
    subject: record.subject,
    tenant: record.tenant,
    scopes: record.scopes,
    clientId: apiKeyCredentialId(record.id),
    method: 'api-key',
    expiresAt: record.expiresAt,
    credentialId: apiKeyCredentialId(record.id),
  });
}

/**
 * The credential of a stdio connection: the owner of a key from the environment.
 *
 * @param key - undefined or empty: none was given
 * @param advice - ends every refusal: where a key comes from and where it goes
 */
export async function credentialFromApiKey(
  store: ApiKeyStore,
  key: string | undefined,
  advice = 'give one that is valid',
  clock: Clock = systemClock,
): Promise<Result<Principal, { readonly message: string }>> {
  if (key === undefined || key === '') return err({ message: `no API key: ${advice}` });
  const verified = await verifyApiKey(store, key, clock);
  return verified.ok ? verified : err({ message: `the API key is ${verified.error}: ${advice}` });
}
