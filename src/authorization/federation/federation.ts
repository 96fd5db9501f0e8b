import * as openid from 'openid-client';
import { type SafeFetch, createSafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId, randomId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import { type Result, err, ok } from '../../shared/result.js';
import type { Sealer, SealingSecret } from '../../shared/sealing.js';
import type { AuthorizationStores, AuthorizationUser } from '../ports.js';
import type { UpstreamPerson } from './profile.js';
import {
  type ResolvedProvider,
  type UpstreamProvider,
  applyRules,
  resolveProvider,
} from './provider.js';
import {
  type UpstreamClient,
  type UpstreamRequest,
  createUpstreamClient,
  describeUpstreamFailure,
  isCancellation,
} from './upstream-client.js';
import {
  type UpstreamTokenFailure,
  type UpstreamTokenVault,
  createUpstreamTokenVault,
} from './upstream-tokens.js';
import type { UpstreamTokens } from './upstream-client.js';
import { ownArtifact } from '../own-artifact.js';

const MODEL = 'UpstreamFlow';
const FLOW_SECONDS = 600;
const FETCH_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 512 * 1024;

/** Which browser began a sign-in, and where that can be proved. */
export interface FlowOwner {
  /** Path under the issuer, with the cookie of the browser; the callback goes on there. */
  readonly hop: string;
  /** What the cookie stands for. A flow ends only for the owner that began it. */
  readonly id: string;
}

interface Flow {
  readonly providerId: string;
  readonly owner: FlowOwner;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** A person who came back from a provider and may come in. */
interface FederatedSignIn {
  readonly user: AuthorizationUser;
  readonly provider: ResolvedProvider;
  readonly idToken: string | undefined;
}

export type FederationFailure =
  /** The answer is not one of a flow that this browser began, or was used before. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'cancelled'; readonly provider: ResolvedProvider }
  | { readonly kind: 'unavailable'; readonly provider: ResolvedProvider }
  /** No rule lets the person in, or the account is disabled. */
  | {
      readonly kind: 'denied' | 'disabled';
      readonly provider: ResolvedProvider;
      readonly displayName: string;
    };

/** Sign-in at identity providers. */
export interface Federation {
  readonly providers: readonly ResolvedProvider[];
  client(providerId: string): UpstreamClient | undefined;
  /** Where to send the browser. To be called only after the person has approved what this is for. */
  begin(
    providerId: string,
    owner: FlowOwner,
    wish: Pick<UpstreamRequest, 'prompt' | 'uiLocales'>,
  ): Promise<Result<URL, FederationFailure>>;
  /** @returns where a callback goes on; undefined for a state that is unknown, used or over */
  hopOf(state: string): Promise<string | undefined>;
  /** Ends a flow: once, and only for the browser that began it. */
  finish(
    callback: URLSearchParams,
    ownerId: string,
  ): Promise<Result<FederatedSignIn, FederationFailure>>;
  /**
   * Whether a person who came through a provider is still to be trusted without signing in: the provider is still
   * configured, and where its tokens are kept it has not refused to refresh them.
   */
  isStillSignedIn(userId: string): Promise<boolean>;
  /** The provider's token for a person, refreshed when it is over. For calls of this server alone, never for clients. */
  tokenOf(
    userId: string,
    providerId: string,
  ): Promise<Result<UpstreamTokens, UpstreamTokenFailure>>;
  /** Gives back and forgets the tokens of every provider for a person. */
  endTokens(userId: string): Promise<void>;
  /** The provider that a person came through, if any. */
  providerOf(userId: string): Promise<ResolvedProvider | undefined>;
}

export interface FederationParts {
  readonly providers: readonly UpstreamProvider[];
  readonly stores: AuthorizationStores;
  readonly sealer: Sealer;
  readonly masterSecret: SealingSecret;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the providers send browsers back to. */
  readonly callbackUrl: string;
  /** What no rules mean: on loopback everybody, elsewhere nobody. */
  readonly openToAll: boolean;
  /** What rules without scopes give. */
  readonly allScopes: readonly string[];
  /** Issuers that people may have come from without signing in there, and whom nobody asks again. */
  readonly otherIssuers: readonly string[];
  /** Default: the guarded fetch, to public addresses and to the hosts that the configuration names. */
  readonly fetch?: SafeFetch | undefined;
}

/** @throws {TypeError} when a provider does not fit its profile */
export function createFederation(parts: FederationParts): Federation {
  const { stores, clock, logger } = parts;
  const providers = parts.providers.map(resolveProvider);
  const clients = new Map<string, UpstreamClient>(
    providers.map((provider) => [
      provider.id,
      createUpstreamClient(provider, parts.fetch ?? fetchFor(provider), clock),
    ]),
  );
  const vault = createUpstreamTokenVault({ ...parts, store: stores.upstreamTokens });
  const flows = createFlowStore(parts);

  const identityOf = async (userId: string) => {
    const [identity] = await stores.identities.listOf(userId);
    const provider = providers.find(({ issuer }) => issuer === identity?.issuer);
    return {
      isFederated: identity !== undefined,
      isFromElsewhere: identity !== undefined && parts.otherIssuers.includes(identity.issuer),
      client: provider === undefined ? undefined : clients.get(provider.id),
    };
  };

  return {
    providers,
    client: (providerId) => clients.get(providerId),
    async begin(providerId, owner, wish) {
      const client = clients.get(providerId);
      if (client === undefined) return err({ kind: 'stale' });
      const request = {
        redirectUri: parts.callbackUrl,
        state: openid.randomState(),
        nonce: openid.randomNonce(),
        codeVerifier: openid.randomPKCECodeVerifier(),
        ...wish,
      };
      try {
        const url = await client.authorizationUrl(request);
        const { nonce, codeVerifier } = request;
        await flows.keep(request.state, { providerId, owner, nonce, codeVerifier });
        return ok(url);
      } catch (error) {
        report(logger, client, 'sign-in could not begin', error);
        return err({ kind: 'unavailable', provider: client.provider });
      }
    },
    async hopOf(state) {
      return (await flows.find(state))?.owner.hop;
    },
    async finish(callback, ownerId) {
      const state = callback.get('state') ?? '';
      const flow = await flows.find(state);
      if (flow === undefined || flow.owner.id !== ownerId) return err({ kind: 'stale' });
      const client = clients.get(flow.providerId);
      // Whatever comes of it: this state is spent.
      if (!(await flows.spend(state)) || client === undefined) return err({ kind: 'stale' });
      const { provider } = client;
      const url = new URL(parts.callbackUrl);
      url.search = callback.toString();
      try {
        const { nonce, codeVerifier } = flow;
        const { person, tokens } = await client.finish(url, { state, nonce, codeVerifier });
        return await admit(parts, provider, person, tokens, vault);
      } catch (error) {
        report(logger, client, 'sign-in failed', error);
        return err({ kind: isCancellation(error) ? 'cancelled' : 'unavailable', provider });
      }
    },
    async isStillSignedIn(userId) {
      const { isFederated, isFromElsewhere, client } = await identityOf(userId);
      if (!isFederated) return true;
      if (client === undefined) return isFromElsewhere;
      if (client.provider.keepTokens !== true) return true;
      const token = await vault.fresh(userId, client);
      // A provider that is down must not sign everybody out.
      return token.ok || token.error !== 'ended';
    },
    async tokenOf(userId, providerId) {
      const client = clients.get(providerId);
      return client === undefined ? err('none') : vault.fresh(userId, client);
    },
    async endTokens(userId) {
      const { client } = await identityOf(userId);
      if (client !== undefined) await vault.end(userId, client);
    },
    async providerOf(userId) {
      return (await identityOf(userId)).client?.provider;
    },
  };
}

/** The person behind an identity, when a rule lets them in. */
async function admit(
  parts: FederationParts,
  provider: ResolvedProvider,
  person: UpstreamPerson,
  tokens: UpstreamTokens,
  vault: UpstreamTokenVault,
): Promise<Result<FederatedSignIn, FederationFailure>> {
  const { identities, users } = parts.stores;
  const identity = { issuer: provider.issuer, subject: person.subject };
  const displayName = person.displayName.slice(0, 200);
  const allowed = applyRules(provider, person, {
    openToAll: parts.openToAll,
    scopes: parts.allScopes,
  });
  if (allowed === undefined) {
    const known = await identities.find(identity);
    const user = known === undefined ? undefined : await users.find(known.userId);
    // Somebody whom the rules let in once: what they still have here is worth nothing from now on.
    if (user !== undefined) await users.upsert({ ...user, scopes: [] });
    parts.logger.info('no rule allows this person', { provider: provider.id, ...identity });
    return err({ kind: 'denied', provider, displayName });
  }
  const user = await identities.signIn(
    identity,
    { displayName, ...allowed },
    `${provider.id}-${randomId(16)}`,
    nowSeconds(parts.clock),
  );
  if (user.isDisabled) return err({ kind: 'disabled', provider, displayName });
  if (provider.keepTokens === true) await vault.keep(user.id, provider.issuer, tokens);
  return ok({ user, provider, idToken: tokens.idToken });
}

function createFlowStore({ stores: { artifacts }, sealer, clock }: FederationParts) {
  const contextOf = (idHash: string): string => `${MODEL}:${idHash}`;
  return {
    async keep(state: string, flow: Flow): Promise<void> {
      const idHash = hashId(state);
      const now = nowSeconds(clock);
      await artifacts.commit([
        {
          kind: 'insert',
          record: ownArtifact({
            model: MODEL,
            idHash,
            payload: sealer.seal(JSON.stringify(flow), contextOf(idHash)),
            expiresAt: now + FLOW_SECONDS,
            createdAt: now,
          }),
        },
      ]);
    },
    async find(state: string): Promise<Flow | undefined> {
      const record = await artifacts.find(MODEL, hashId(state));
      if (record === undefined || record.consumedAt !== undefined) return undefined;
      if ((record.expiresAt ?? 0) < nowSeconds(clock)) return undefined;
      const opened = sealer.open(record.payload, contextOf(record.idHash));
      return opened === undefined ? undefined : (JSON.parse(opened) as Flow);
    },
    /** @returns whether this call was the one that spent it */
    async spend(state: string): Promise<boolean> {
      const consumedAt = nowSeconds(clock);
      const outcome = await artifacts.commit([
        { kind: 'consume', model: MODEL, idHash: hashId(state), consumedAt },
      ]);
      return outcome.ok;
    },
  };
}

/** Hosts that the operator names may be in a private network; whatever else a document names has to be public. */
function fetchFor(provider: ResolvedProvider): SafeFetch {
  const { issuer, endpoints, endSessionEndpoint } = provider;
  const named = [
    issuer,
    endpoints?.authorization,
    endpoints?.token,
    endpoints?.api,
    endSessionEndpoint,
  ].filter((url) => url !== undefined);
  return createSafeFetch({
    allowLoopback: named.some((url) => isLoopbackUrl(url)),
    trustedHosts: named.map((url) => new URL(url).host),
    timeoutMs: FETCH_TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  });
}

function report(logger: Logger, client: UpstreamClient, message: string, error: unknown): void {
  logger.warn(message, {
    provider: client.provider.id,
    reason: describeUpstreamFailure(error),
  });
}
