import { loopbackAliases } from '../../oauth/loopback.js';
import {
  type IntrospectionClient,
  LOCAL_ISSUER,
  type RemoteIssuer,
  openRemoteIssuer,
} from '../../server/index.js';

import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { ConfigurationError, type ServerConfig } from './config.js';
import type { ExternalIssuer, ExternalIntrospection } from './issuer-settings.js';

export interface IssuersOptions {
  readonly config: Pick<ServerConfig, 'issuer' | 'externalIssuers'>;
  /** The resource identifier of the MCP endpoint. */
  readonly resource: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * The authorization servers elsewhere: our own in another process (which may start after us: its keys are fetched with
 * the first token), or external ones (whose metadata and keys are read now, so that what is wrong is found at the start).
 *
 * @throws {ConfigurationError} when a secret is missing
 * @throws {IssuerMetadataError} when an external issuer's metadata cannot be had, or a field of it does not fit
 */
export async function openIssuers(options: IssuersOptions): Promise<readonly RemoteIssuer[]> {
  const { config, logger } = options;
  const { issuer, externalIssuers } = config;
  if (externalIssuers.length === 0) {
    const jwksUri = `${issuer}/.well-known/jwks.json`;
    const own = { issuer, identity: LOCAL_ISSUER, jwksUri, claims: { tenant: 'tenant' }, logger };
    return [await openRemoteIssuer({ ...own, algorithms: ['ES256', 'RS256'] })];
  }
  const opened: RemoteIssuer[] = [];
  try {
    for (const external of externalIssuers) opened.push(await openExternal(external, options));
    return opened;
  } catch (error) {
    for (const remote of opened) remote.close();
    if (error instanceof TypeError) throw new ConfigurationError(error.message, { cause: error });
    throw error;
  }
}

function openExternal(
  external: ExternalIssuer,
  { resource, env, logger }: IssuersOptions,
): Promise<RemoteIssuer> {
  const { issuer, claims, introspection } = external;
  const { tenant, fixedTenant, subject, clientId, scopes } = claims;
  return openRemoteIssuer({
    issuer,
    // A client asks for the spelling that it was given, and an external server takes it as it is.
    audiences: [...external.audiences, ...loopbackAliases(resource)],
    allowsUntypedJwt: external.untypedJwt,
    ...(external.algorithms !== undefined && { algorithms: external.algorithms }),
    claims: {
      subject,
      clientId,
      scopes,
      ...(fixedTenant === undefined ? { tenant } : { fixedTenant }),
      isMachine: (found) => isMachine(found, claims.machine),
    },
    introspection: introspection && clientOf(issuer, introspection, env),
    logger,
  });
}

function isMachine(found: JsonObject, marks: Readonly<Record<string, string>>): boolean {
  return Object.entries(marks).some(([claim, value]) => found[claim] === value);
}

function clientOf(
  issuer: string,
  { clientId, method, secretEnv }: ExternalIntrospection,
  env: IssuersOptions['env'],
): IntrospectionClient {
  const secret = env[secretEnv];
  if (secret === undefined || secret === '') {
    const what = method === 'private_key_jwt' ? 'private key (PKCS #8 PEM or JWK)' : 'secret';
    throw new ConfigurationError(
      `${secretEnv} is not set: it has to hold the ${what} of the client ${JSON.stringify(clientId)}, with which tokens of ${JSON.stringify(issuer)} are introspected`,
    );
  }
  return { clientId, method, secret };
}
