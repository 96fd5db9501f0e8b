import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { accessTokenRowId } from '../shared/credential-id.js';
import { isForm, readForm, withForm } from './form-request.js';
import { type Locations, ROUTES } from './locations.js';
import { answerJson } from './request-guard.js';
import type { ResourceRegistry } from './resources.js';
import type { SigningKeys } from './keys/key-ring.js';
import { readOwnAccessToken } from './token-verifier.js';

export interface EngineGatewayParts {
  readonly provider: Provider;
  readonly locations: Locations;
  readonly resources: ResourceRegistry;
  readonly keys: SigningKeys;
}

/** A token that exists nowhere: what the engine looks up in place of a JWT that is not ours. */
const NO_TOKEN = 'none';

/**
 * Hands requests to the engine as if they had come to the issuer's own URL, so that no header of the request gets
 * into what the engine says; with resources in their canonical spelling, and with JWTs as the ids of their rows.
 */
export function createEngineGateway(
  parts: EngineGatewayParts,
): (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void> {
  const { provider, locations, resources, keys } = parts;
  const callback = provider.callback();
  const host = new URL(locations.issuer).host;
  return async (request, response, path) => {
    const url = new URL(request.url ?? '/', locations.origin);
    if (path.startsWith(ROUTES.authorization)) {
      canonicalise(url.searchParams, resources);
      limitResponseMode(url.searchParams);
    }
    pin(request, host, locations, `${path}${url.search}`);
    if (request.method !== 'POST' || !isForm(request) || !hasForm(path)) {
      await callback(request, response);
      return;
    }
    const form = await readForm(request);
    if (form === undefined) {
      answerJson(response, 413, { error: 'invalid_request' }, { Connection: 'close' });
      return;
    }
    if (path === ROUTES.token || path === ROUTES.deviceAuthorization) {
      canonicalise(form, resources);
    } else await swapToken(form, locations.issuer, keys);
    await callback(withForm(request, form), response);
  };
}

function hasForm(path: string): boolean {
  return (
    path === ROUTES.token ||
    path === ROUTES.deviceAuthorization ||
    path === ROUTES.introspection ||
    path === ROUTES.revocation
  );
}

function pin(request: IncomingMessage, host: string, locations: Locations, path: string): void {
  const { headers } = request;
  headers.host = host;
  headers['x-forwarded-proto'] = locations.isHttps ? 'https' : 'http';
  for (const name of ['x-forwarded-host', 'x-forwarded-for', 'forwarded', ':authority']) {
    delete headers[name];
  }
  request.url = path;
  Object.assign(request, { originalUrl: `${locations.basePath}${path}` });
}

/** The engine's other modes answer with pages of its own, one of them with a script: they are unknown here. */
function limitResponseMode(params: URLSearchParams): void {
  const mode = params.get('response_mode');
  if (mode !== null && mode !== 'query') params.set('response_mode', 'unsupported');
}

/** What cannot be mapped stays as it is: the engine answers `invalid_target`. */
function canonicalise(params: URLSearchParams, resources: ResourceRegistry): void {
  const requested = params.getAll('resource');
  if (requested.length === 0) return;
  const canonical = requested.map((value) => resources.resolve(value)?.resource ?? value);
  params.delete('resource');
  for (const value of new Set(canonical)) params.append('resource', value);
}

/** The engine neither introspects nor revokes JWTs: it gets the id of the row that was kept for the token instead. */
async function swapToken(form: URLSearchParams, issuer: string, keys: SigningKeys): Promise<void> {
  const token = form.get('token');
  if (token === null || form.getAll('token').length > 1) return;
  if (token.startsWith(accessTokenRowId(''))) {
    form.set('token', NO_TOKEN);
    return;
  }
  if (token.split('.').length !== 3) return;
  const claims = await readOwnAccessToken(token, issuer, keys.find);
  form.set('token', claims?.jti === undefined ? NO_TOKEN : accessTokenRowId(claims.jti));
  form.set('token_type_hint', 'access_token');
}
