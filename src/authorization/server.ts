import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK, JWTVerifyGetKey } from 'jose';
import { nowSeconds, systemClock } from '../shared/clock.js';
import type { JsonObject } from '../shared/json.js';
import { silentLogger } from '../shared/logger.js';
import { type Result, ok } from '../shared/result.js';
import { createSealer } from '../shared/sealing.js';
import { resolveCapabilities } from './capabilities.js';
import { CLIENT_SEAL } from './clients/client-directory.js';
import { createEngine } from './engine.js';
import { createEngineGateway } from './engine-gateway.js';
import { DemoSignInNotLoopbackError } from './errors.js';
import { upstreamTokenSource } from './federation/token-source.js';
import type { UpstreamTokenFailure } from './federation/upstream-tokens.js';
import { type KeyRing, openKeyRing } from './keys/key-ring.js';
import { resolveSchedule, tokenLifetime } from './keys/schedule.js';
import { locate } from './locations.js';
import { buildMetadata } from './metadata.js';
import type { AuthorizationServerOptions, ResolvedOptions } from './options.js';
import { createFederationFor, createPeoplePages } from './people/people-pages.js';
import { resolveSignIn } from './people/sign-in-options.js';
import { buildConfiguration, resourceServerInfo } from './provider-configuration.js';
import { createResourceRegistry } from './resources.js';
import { withRevocationHints } from './revocation-hints.js';
import { createRequestHandler } from './routes.js';

/** An authorization server that is mounted into a `node:http` listener. */
export interface AuthorizationServer {
  readonly issuer: string;
  /**
   * Answers a request to one of its own paths. Nothing may have read the body before.
   *
   * @returns false, at once and with the response untouched, when the path is not one of its own; else a promise of
   * true, which never rejects
   */
  handle(request: IncomingMessage, response: ServerResponse): false | Promise<true>;
  /** The public keys, as a JWK Set, now. */
  jwks(): { keys: JWK[] };
  /** Finds the key of a token, also one that another process has just made. */
  readonly findKey: JWTVerifyGetKey;
  /** Looks for changes of the keys now, not only at the next turn (every 60 s). */
  refreshKeys(): Promise<void>;
  /** The metadata document (RFC 8414). */
  metadata(): JsonObject;
  /**
   * Calls the listener after something was revoked, and waits for it before the answer to that goes out.
   *
   * @returns a function that ends it
   */
  onRevocation(listener: () => Promise<void>): () => void;
  /**
   * The access token that a person has from an identity provider with `keepTokens`, good for a minute at least where the
   * provider says how long it is. For calls on behalf of the person by the server that this one is part of: it is never
   * shown to a client.
   *
   * @param providerId - `id` of the provider's configuration
   * @returns `none` when nothing is kept; `expired` and `ended` when the person has to sign in again; `unavailable` when
   * the provider does not answer
   */
  upstreamToken(
    userId: string,
    providerId: string,
  ): Promise<Result<KeptUpstreamToken, UpstreamTokenFailure>>;
  /** Stops the clean-up timer. The stores stay open: they belong to the caller. */
  close(): Promise<void>;
}

/** A token of an identity provider. */
interface KeptUpstreamToken {
  readonly accessToken: string;
  /** Epoch seconds; undefined when the provider does not say. */
  readonly expiresAt: number | undefined;
}

const SWEEP_INTERVAL_MS = 60_000;
/** Expired rows stay this long: the engine decides about expiry, the sweep only tidies up. */
const SWEEP_GRACE_SECONDS = 120;

/**
 * Starts the authorization server: OAuth 2.1 with PKCE S256, RFC 8707 resources, RFC 9068 access tokens (ES256, 600 s,
 * one audience), rotating refresh tokens (30 days), dynamic registration, revocation and introspection.
 *
 * The first start makes the signing key; it is sealed in the store, and replaced in time while requests go on. Does not listen, and makes no request of its own.
 *
 * @throws {DemoSignInNotLoopbackError} when the demo sign-in is asked for on an issuer that is not loopback
 * @throws {MasterSecretMismatchError} when the store's keys were sealed under another secret
 * @throws {DevelopmentDefaultError} when the engine would run on a development default
 * @throws {TypeError} for an unusable issuer, resource or identity provider
 */
export async function createAuthorizationServer(
  given: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const hints = withRevocationHints(given.stores.artifacts, given.logger ?? silentLogger);
  const base: ResolvedOptions = {
    clock: systemClock,
    logger: silentLogger,
    ...given,
    stores: { ...given.stores, artifacts: hints.artifacts },
  };
  const locations = locate(base.issuer);
  if (resolveSignIn(base.signIn).hasDemo && !locations.isLoopback) {
    throw new DemoSignInNotLoopbackError(base.issuer);
  }
  const resources = createResourceRegistry(base.resources);
  const { stores, masterSecret, clock, logger } = base;
  const sealer = createSealer(masterSecret, CLIENT_SEAL);
  const federation = createFederationFor(base, locations, resources, sealer);
  // Tokens that identity providers gave for people can be exchanged for, where any are kept.
  const upstreamTokens = base.grants?.upstreamTokens ?? upstreamTokenSource(federation);
  const options: ResolvedOptions = {
    ...base,
    grants: { ...base.grants, ...(upstreamTokens === undefined ? {} : { upstreamTokens }) },
  };
  const capabilities = resolveCapabilities(options);
  const tokenSeconds = tokenLifetime(options.resources);
  const keys: KeyRing = await openKeyRing({
    store: stores.signingKeys,
    masterSecret,
    algorithms: capabilities.signingAlgorithms,
    schedule: resolveSchedule(options.keySchedule, tokenSeconds),
    tokenSeconds,
    clock,
    logger,
    onChange: () => {
      engine = assemble();
    },
  });
  // The engine has its keys for life: when they change another one takes its place, and the requests that the old one
  // has begun it brings to their end.
  const assemble = () => {
    const { privateKeys } = keys;
    const parts = { options, locations, resources, capabilities, sealer, federation };
    const provider = createEngine(buildConfiguration({ ...parts, privateKeys }), {
      options,
      capabilities,
      resources,
      keys,
      describe: (ctx, resource) => resourceServerInfo(ctx, resource, { options, resources }),
    });
    return {
      gateway: createEngineGateway({ provider, locations, resources, keys }),
      pages: createPeoplePages({ ...parts, provider }),
    };
  };
  let engine = assemble();
  const metadata = buildMetadata(locations, resources, capabilities);
  const timer = setInterval(() => {
    sweep(options).catch((error: unknown) => logger.warn('clean-up failed', { error }));
  }, SWEEP_INTERVAL_MS);
  timer.unref();
  return {
    issuer: options.issuer,
    handle: createRequestHandler({
      options,
      locations,
      capabilities,
      keys,
      metadata,
      get gateway() {
        return engine.gateway;
      },
      get pages() {
        return engine.pages;
      },
    }),
    jwks: () => ({ keys: [...keys.publicKeys.keys] }),
    findKey: keys.find,
    refreshKeys: () => keys.refresh(),
    metadata: () => metadata,
    onRevocation: (listener) => hints.subscribe(listener),
    async upstreamToken(userId, providerId) {
      const found = await federation.tokenOf(userId, providerId);
      if (!found.ok) return found;
      const { accessToken, expiresAt } = found.value;
      return ok({ accessToken, expiresAt });
    },
    async close() {
      clearInterval(timer);
      keys.close();
    },
  };
}

async function sweep({ stores, clock }: ResolvedOptions): Promise<void> {
  const now = nowSeconds(clock);
  await stores.artifacts.deleteExpired(now - SWEEP_GRACE_SECONDS);
  await stores.clients.deleteExpired(now);
  await stores.clientDocuments.deleteExpired(now);
  await stores.counters.deleteExpired(now);
  await stores.signInAttempts.deleteExpired(now);
}
