import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopbackUrl } from '../oauth/loopback.js';
import { nowSeconds } from '../shared/clock.js';
import type { JsonObject } from '../shared/json.js';
import type { Capabilities } from './capabilities.js';
import { rememberSource, sourceKey, sourceOf } from './clients/request-source.js';
import type { createEngineGateway } from './engine-gateway.js';
import { deviceRoute } from './grants/device-route.js';
import { type Locations, ROUTES } from './locations.js';
import { GRANTS } from './metadata.js';
import type { ResolvedOptions } from './options.js';
import type { PeoplePages } from './people/people-pages.js';
import {
  type RequestGuard,
  answerJson,
  answerPreflight,
  createRequestGuard,
  setCorsHeaders,
} from './request-guard.js';
import type { SigningKeys } from './keys/key-ring.js';

const REGISTRATION_WINDOW_SECONDS = 3600;

export interface Routes {
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly capabilities: Capabilities;
  readonly keys: SigningKeys;
  readonly metadata: JsonObject;
  readonly gateway: ReturnType<typeof createEngineGateway>;
  readonly pages: PeoplePages;
}

type Work = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * Dispatches by path alone. @returns false, with the response untouched, for a path that belongs to somebody else
 */
export function createRequestHandler(
  routes: Routes,
): (request: IncomingMessage, response: ServerResponse) => false | Promise<true> {
  const { options, locations } = routes;
  const guard = createRequestGuard(locations, options);
  return (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const work = findWork(routes, path, guard);
    if (work === undefined) return false;
    const run = async (): Promise<true> => {
      try {
        // Before headers go: a proxy may have said in one of them who asks.
        const address = options.clientAddress?.(request) ?? request.socket.remoteAddress;
        rememberSource(request, sourceKey(address ?? 'unknown'));
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

function findWork(routes: Routes, path: string, guard: RequestGuard): Work | undefined {
  const { locations, metadata, keys, gateway, pages } = routes;
  if (locations.metadataPaths.has(path)) return document(metadata);
  if (locations.jwksPaths.has(path)) return document(keys.publicKeys);
  if (!path.startsWith(`${locations.basePath}/`)) return undefined;
  const own = path.slice(locations.basePath.length);
  const hasDevice = routes.capabilities.grantTypes.includes(GRANTS.device);
  switch (own) {
    case ROUTES.token:
    case ROUTES.revocation:
    case ROUTES.introspection:
      return endpoint(guard, (request, response) => gateway(request, response, own));
    case ROUTES.deviceAuthorization:
      if (!hasDevice) return undefined;
      return endpoint(guard, (request, response) => gateway(request, response, own));
    case ROUTES.registration:
      if (!routes.capabilities.hasRegistration) return undefined;
      return endpoint(guard, async (request, response) => {
        if (await isWithinLimit(routes.options, request, response)) {
          await gateway(request, response, own);
        }
      });
    case ROUTES.upstreamCallback:
      return pages.callback;
    case ROUTES.upstreamLogout:
      return pages.upstreamLogout;
    default:
      if (own === ROUTES.authorization || own.startsWith(`${ROUTES.authorization}/`)) {
        return authorize(locations, (request, response) => gateway(request, response, own));
      }
      if (hasDevice && (own === ROUTES.device || own.startsWith(`${ROUTES.device}/`))) {
        return authorize(
          locations,
          deviceRoute(routes.options, locations, (request, response) =>
            gateway(request, response, own),
          ),
        );
      }
      if (own.startsWith(`${ROUTES.interaction}/`))
        return underIssuer(locations, pages.interaction);
      if (own === ROUTES.account || own.startsWith(`${ROUTES.account}/`)) {
        return underIssuer(locations, pages.account);
      }
      return undefined;
  }
}

/** Pages know paths under the issuer alone. */
function underIssuer(locations: Locations, work: Work): Work {
  return (request, response) => {
    request.url = (request.url ?? '/').slice(locations.basePath.length);
    return work(request, response);
  };
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
function endpoint(guard: RequestGuard, work: Work): Work {
  return async (request, response) => {
    if (!guard.isOriginAllowed(request)) {
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
  options: ResolvedOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { stores, clock, registration } = options;
  const now = nowSeconds(clock);
  const { count, resetsAt } = await stores.counters.increment(
    `register:${sourceOf(request)}`,
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
