import { statSync } from 'node:fs';
import type { AuthorizationServer } from '../../authorization/index.js';
import { createSafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { authorizationServerMetadataCandidates } from '../../oauth/metadata-url.js';
import type { Readiness, ReadinessCheck } from '../../server/observe/readiness.js';
import { type Clock, nowSeconds, systemClock } from '../../shared/clock.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { Stores } from '../../storage/index.js';
import type { ServerConfig } from './config.js';

/** An issuer elsewhere is asked this often at most: probes come every few seconds. */
const ISSUER_EVERY_MS = 15_000;
const ISSUER_TIMEOUT_MS = 1500;
const MAX_METADATA_BYTES = 256 * 1024;

/** What has to hold before requests are sent here: the database, the keys that tokens are signed or checked with. */
export function addReadinessChecks(
  readiness: Readiness,
  parts: {
    readonly config: Pick<ServerConfig, 'database' | 'issuer'>;
    readonly storage: Pick<Stores, 'sessions'>;
    readonly authorization: Pick<AuthorizationServer, 'jwks'> | undefined;
  },
): void {
  const { config, storage, authorization } = parts;
  readiness.addCheck('storage', storageCheck(config.database, storage));
  if (authorization === undefined) readiness.addCheck('issuer', issuerCheck(config.issuer));
  else readiness.addCheck('signing_keys', () => authorization.jwks().keys.length > 0);
}

function storageCheck(
  database: ServerConfig['database'],
  { sessions }: Pick<Stores, 'sessions'>,
): ReadinessCheck {
  const file = database.kind === 'sqlite' ? database.path : undefined;
  const opened = file === undefined ? undefined : statSync(file).ino;
  return async () => {
    // A file that was deleted can still be written, by this process alone: what it writes is lost with it.
    if (file !== undefined && statSync(file).ino !== opened) return false;
    await sessions.find('readiness', nowSeconds(systemClock));
    return true;
  };
}

/** Whether the issuer still publishes metadata under its name. Its keys are remembered elsewhere, and outlive an outage for a while. */
function issuerCheck(issuer: string, clock: Clock = systemClock): ReadinessCheck {
  const fetch = createSafeFetch({
    allowLoopback: isLoopbackUrl(issuer),
    trustedHosts: [new URL(issuer).host],
    timeoutMs: ISSUER_TIMEOUT_MS,
    maxBytes: MAX_METADATA_BYTES,
  });
  const asksIssuer = async (): Promise<boolean> => {
    for (const url of authorizationServerMetadataCandidates(issuer)) {
      const response = await fetch(url, { headers: { accept: 'application/json' } });
      const text = await response.text();
      if (response.status !== 200) continue;
      const parsed = parseJson(text, { maxBytes: MAX_METADATA_BYTES });
      if (parsed.ok && isJsonObject(parsed.value) && parsed.value['issuer'] === issuer) return true;
    }
    return false;
  };
  let askedAt = Number.NEGATIVE_INFINITY;
  let answer: Promise<boolean> = Promise.resolve(false);
  return async () => {
    if (clock.nowMs() - askedAt >= ISSUER_EVERY_MS) {
      askedAt = clock.nowMs();
      answer = asksIssuer();
    }
    try {
      if (await answer) return true;
    } catch (error) {
      askedAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
    // A failure is asked about again at once.
    askedAt = Number.NEGATIVE_INFINITY;
    return false;
  };
}
