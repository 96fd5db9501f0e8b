import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK } from 'jose';
import Provider, { type KoaContextWithOIDC, type errors } from 'oidc-provider';
import { isRedirectUriMatch } from '../oauth/redirect-uri.js';
import { isLoopbackUrl } from '../oauth/loopback.js';
import { nowSeconds } from '../shared/clock.js';
import type { JsonObject } from '../shared/json.js';
import { createSealer } from '../shared/sealing.js';
import { createEngineGateway } from './engine-gateway.js';
import { DemoSignInNotLoopbackError } from './errors.js';
import { createInteractionHandler } from './interaction-handler.js';
import { type Locations, ROUTES, locate } from './locations.js';
import { buildMetadata } from './metadata.js';
import type { AuthorizationServerOptions } from './options.js';
import { assertNoDevelopmentDefaults, buildConfiguration } from './provider-configuration.js';
import {
  answerJson,
  answerPreflight,
  createRequestGuard,
  setCorsHeaders,
} from './request-guard.js';
import { createResourceRegistry } from './resources.js';
import { type SigningKeys, loadSigningKeys } from './signing-keys.js';
import { tokenTransaction } from './token-transaction.js';

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
  /** The public keys, as a JWK Set. */
  jwks(): { keys: JWK[] };
  /** The metadata document (RFC 8414). */
  metadata(): JsonObject;
  /** Stops the clean-up timer. The stores stay open: they belong to the caller. */
  close(): Promise<void>;
}

const SWEEP_INTERVAL_MS = 60_000;
/** Expired rows stay this long: the engine decides about expiry, the sweep only tidies up. */
const SWEEP_GRACE_SECONDS = 120;
const REGISTRATION_WINDOW_SECONDS = 3600;

/**
 * Starts the authorization server: OAuth 2.1 with PKCE S256, RFC 8707 resources, RFC 9068 access tokens (ES256, 600 s,
 * one audience), rotating refresh tokens (30 days), dynamic registration, revocation and introspection.
 *
 * The first start makes the signing key; it is sealed in the store. Does not listen, and makes no request of its own.
 *
 * @throws {DemoSignInNotLoopbackError} when the demo sign-in is asked for on an issuer that is not loopback
 * @throws {MasterSecretMismatchError} when the store's keys were sealed under another secret
 * @throws {DevelopmentDefaultError} when the engine would run on a development default
 * @throws {TypeError} for an unusable issuer or resource
 */
export async function createAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const locations = locate(options.issuer);
  if (options.signIn.kind === 'demo' && !locations.isLoopback) {
    throw new DemoSignInNotLoopbackError(options.issuer);
  }
  const resources = createResourceRegistry(options.resources);
  const { stores, masterSecret, clock, logger } = options;
  const keys = await loadSigningKeys(stores.signingKeys, masterSecret, clock);
  const configuration = buildConfiguration({
    options,
    locations,
    resources,
    privateKeys: keys.privateKeys,
    sealer: createSealer(masterSecret, 'authorization:artifact'),
  });
  assertNoDevelopmentDefaults(configuration);
  const provider = createProvider(options, configuration);
  const gateway = createEngineGateway({ provider, locations, resources, keys });
  const interaction = createInteractionHandler({ provider, options, locations, resources });
  const metadata = buildMetadata(locations, resources, isRegistrationOn(options));
  const routes = { options, locations, keys, metadata, gateway, interaction };
  const timer = setInterval(() => {
    sweep(options).catch((error: unknown) => logger.warn('clean-up failed', { error }));
  }, SWEEP_INTERVAL_MS);
  timer.unref();
  return {
    issuer: options.issuer,
    handle: createHandler(routes),
    jwks: () => ({ keys: [...keys.publicKeys.keys] }),
    metadata: () => metadata,
    async close() {
      clearInterval(timer);
    },
  };
}

function isRegistrationOn(options: AuthorizationServerOptions): boolean {
  return options.registration?.isEnabled ?? true;
}

function createProvider(
  options: AuthorizationServerOptions,
  configuration: ConstructorParameters<typeof Provider>[1],
): Provider {
  const { issuer, stores, clock, logger } = options;
  const provider = new Provider(issuer, configuration);
  // The gateway pins host and scheme to the issuer's; nothing a client sent gets here.
  provider.proxy = true;
  provider.use(tokenTransaction({ stores, clock, logger }) as never);
  // One rule for redirect URIs in the whole project, in place of the engine's.
  provider.Client.prototype.redirectUriAllowed = function redirectUriAllowed(uri: string) {
    return (this.redirectUris ?? []).some((registered) => isRedirectUriMatch(registered, uri));
  };
  const report = (ctx: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
    logger.info('authorization request refused', {
      path: ctx.path,
      error: error.error,
      detail: error.error_detail ?? error.error_description,
      clientId: ctx.oidc?.client?.clientId,
    });
  provider.on('grant.error', report);
  provider.on('authorization.error', report);
  provider.on('registration_create.error', report);
  provider.on('server_error', (ctx, error) =>
    logger.error('authorization server error', { path: ctx.path, error }),
  );
  // Koa's own event, for what no handler of the engine caught.
  (provider as NodeJS.EventEmitter).on('error', (error) =>
    logger.error('authorization server error', { error }),
  );
  return provider;
}

async function sweep({ stores, clock }: AuthorizationServerOptions): Promise<void> {
  const now = nowSeconds(clock);
  await stores.artifacts.deleteExpired(now - SWEEP_GRACE_SECONDS);
  await stores.clients.deleteExpired(now);
  await stores.counters.deleteExpired(now);
}

interface Routes {
  readonly options: AuthorizationServerOptions;
  readonly locations: Locations;
  readonly keys: SigningKeys;
  readonly metadata: JsonObject;
  readonly gateway: ReturnType<typeof createEngineGateway>;
  readonly interaction: ReturnType<typeof createInteractionHandler>;
}

type Work = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

function createHandler(routes: Routes): AuthorizationServer['handle'] {
  const { options, locations } = routes;
  const guard = createRequestGuard(locations, options);
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const work = findWork(routes, path, guard.isOriginAllowed);
    if (work === undefined) return false;
    const run = async (): Promise<true> => {
      try {
        if (guard.isHostAllowed(request)) await work(request, response);
        else answerJson(response, 403, { error: 'invalid_request' });
      } catch (error) {
        options.logger.error('authorization server failed', { path, error });
        if (response.headersSent) response.destroy();
        else answerJson(response, 500, { error: 'server_error' });
      }
      return true;
    };
    return run();
  };
}

function findWork(
  routes: Routes,
  path: string,
  isOriginAllowed: (request: IncomingMessage) => boolean,
): Work | undefined {
  const { locations, metadata, keys, gateway, interaction } = routes;
  if (locations.metadataPaths.has(path)) return document(metadata);
  if (locations.jwksPaths.has(path)) return document(keys.publicKeys);
  if (!path.startsWith(`${locations.basePath}/`)) return undefined;
  const own = path.slice(locations.basePath.length);
  switch (own) {
    case ROUTES.token:
    case ROUTES.revocation:
    case ROUTES.introspection:
      return endpoint(isOriginAllowed, (request, response) => gateway(request, response, own));
    case ROUTES.registration:
      if (!isRegistrationOn(routes.options)) return undefined;
      return endpoint(isOriginAllowed, async (request, response) => {
        if (await isWithinLimit(routes.options, request, response)) {
          await gateway(request, response, own);
        }
      });
    default:
      if (own === ROUTES.authorization || own.startsWith(`${ROUTES.authorization}/`)) {
        return authorize(locations, (request, response) => gateway(request, response, own));
      }
      if (!own.startsWith(`${ROUTES.interaction}/`)) return undefined;
      return (request, response) => {
        request.url = own;
        return interaction(request, response);
      };
  }
}

/** A public document: the same for everybody. */
function document(body: unknown): Work {
  return (request, response) => {
    setCorsHeaders(request, response);
    if (request.method === 'OPTIONS') answerPreflight(response, 'GET, HEAD, OPTIONS');
    else if (request.method === 'GET' || request.method === 'HEAD') {
      answerJson(response, 200, body, { 'Cache-Control': 'public, max-age=300' });
    } else answerJson(response, 405, { error: 'invalid_request' }, { Allow: 'GET, HEAD, OPTIONS' });
  };
}

/** An endpoint that clients post to. */
function endpoint(isOriginAllowed: (request: IncomingMessage) => boolean, work: Work): Work {
  return async (request, response) => {
    if (!isOriginAllowed(request)) {
      answerJson(response, 403, { error: 'invalid_request' });
      return;
    }
    setCorsHeaders(request, response);
    if (request.method === 'OPTIONS') answerPreflight(response, 'POST, OPTIONS');
    else if (request.method === 'POST') await work(request, response);
    else answerJson(response, 405, { error: 'invalid_request' }, { Allow: 'POST, OPTIONS' });
  };
}

/** The code must not leave in a Referer; and on loopback every step has to happen under the issuer's own spelling. */
function authorize(locations: Locations, work: Work): Work {
  return async (request, response) => {
    response.setHeader('Referrer-Policy', 'no-referrer');
    const here = `http://${request.headers.host ?? ''}`;
    const issuerHost = new URL(locations.issuer).host;
    const isOtherSpelling =
      locations.isLoopback &&
      isLoopbackUrl(here) &&
      new URL(here).port === new URL(locations.issuer).port &&
      new URL(here).host !== issuerHost;
    if (isOtherSpelling && request.method === 'GET') {
      response.writeHead(303, { Location: `${locations.origin}${request.url ?? '/'}` }).end();
      return;
    }
    await work(request, response);
  };
}

/** @returns false after answering 429 */
async function isWithinLimit(
  options: AuthorizationServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { stores, clock, registration, clientAddress } = options;
  const address = clientAddress?.(request) ?? request.socket.remoteAddress ?? 'unknown';
  const now = nowSeconds(clock);
  const { count, resetsAt } = await stores.counters.increment(
    `register:${address}`,
    REGISTRATION_WINDOW_SECONDS,
    now,
  );
  if (count <= (registration?.maxPerHour ?? 120)) return true;
  answerJson(
    response,
    429,
    { error: 'temporarily_unavailable', error_description: 'too many registrations, try later' },
    { 'Retry-After': String(Math.max(1, resetsAt - now)) },
  );
  return false;
}
