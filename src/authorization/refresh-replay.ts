import type { KoaContextWithOIDC } from 'oidc-provider';
import { hashId } from '../shared/ids.js';
import { createSealer } from '../shared/sealing.js';
import type { ArtifactRecord, ArtifactStore, ArtifactWrite } from './ports.js';

// Proof of the client, not of the request: they differ from one try to the next, or must not be kept.
const CREDENTIAL_PARAMS = new Set([
  'refresh_token',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
]);

const PURPOSE = 'authorization:refresh-replay';

/**
 * What has to be equal for a repeat to be the same request: the client, the way it proved itself, and every
 * parameter that shapes the answer. It is the authenticated context of the sealed answer.
 */
export function replayContext(ctx: KoaContextWithOIDC): string {
  const { client, params } = ctx.oidc;
  const shaping = Object.entries(params ?? {})
    .filter(([name, value]) => value !== undefined && !CREDENTIAL_PARAMS.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([client?.clientId, client?.tokenEndpointAuthMethod, shaping]);
}

/** The write that keeps an answer for whoever holds the spent token: the key comes from the token itself. */
export function keepReplay(kept: {
  readonly spentToken: string;
  readonly grantHash: string;
  readonly successorHash: string;
  readonly context: string;
  readonly response: string;
  readonly expiresAt: number;
}): ArtifactWrite {
  return {
    kind: 'keepReplay',
    replay: {
      idHash: hashId(kept.spentToken),
      grantHash: kept.grantHash,
      successorHash: kept.successorHash,
      response: createSealer(kept.spentToken, PURPOSE).seal(kept.response, kept.context),
      expiresAt: kept.expiresAt,
    },
  };
}

/**
 * The kept answer for a spent refresh token: only inside the window, only for the same request, and only while the
 * refresh token it handed out is unused.
 */
export async function findReplay(
  artifacts: ArtifactStore,
  spentToken: string,
  context: string,
  nowSeconds: number,
): Promise<string | undefined> {
  const replay = await artifacts.findReplay(hashId(spentToken));
  if (replay === undefined || replay.expiresAt < nowSeconds) return undefined;
  const successor = await artifacts.find('RefreshToken', replay.successorHash);
  if (successor === undefined || successor.consumedAt !== undefined) return undefined;
  return createSealer(spentToken, PURPOSE).open(replay.response, context);
}

/** The write that ends a family: its tokens, its codes, its grant. */
export function endFamily(record: ArtifactRecord): ArtifactWrite[] {
  return record.grantHash === undefined
    ? [{ kind: 'destroy', model: record.model, idHash: record.idHash }]
    : [{ kind: 'revokeGrant', grantHash: record.grantHash }];
}
