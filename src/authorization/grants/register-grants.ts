import type { Provider } from 'oidc-provider';
import type { Capabilities } from '../capabilities.js';
import { GRANTS } from '../metadata.js';
import type { ResolvedOptions } from '../options.js';
import type { ResourceRegistry } from '../resources.js';
import type { SigningKeys } from '../keys/key-ring.js';
import { clientCredentialsGrant } from './client-credentials.js';
import { type DescribeResource, RESOURCE_PARAMETERS } from './issue-token.js';
import { JWT_BEARER_PARAMETERS, jwtBearerGrant } from './jwt-bearer.js';
import { TOKEN_EXCHANGE_PARAMETERS, tokenExchangeGrant } from './token-exchange.js';

export interface RegisterGrantsParts {
  readonly options: ResolvedOptions;
  readonly capabilities: Capabilities;
  readonly resources: ResourceRegistry;
  readonly keys: SigningKeys;
  readonly describe: DescribeResource;
}

/** Adds to the engine the grants that are our own. Device, code and refresh are the engine's. */
export function registerGrants(provider: Provider, parts: RegisterGrantsParts): void {
  const { options, capabilities, resources, keys, describe } = parts;
  const { issuer, stores, clock, logger, grants = {} } = options;
  if (capabilities.grantTypes.includes(GRANTS.clientCredentials)) {
    provider.registerGrantType(
      GRANTS.clientCredentials,
      clientCredentialsGrant({ resources, describe }),
      RESOURCE_PARAMETERS,
    );
  }
  if (grants.upstreamTokens !== undefined) {
    const { upstreamTokens: upstream } = grants;
    provider.registerGrantType(
      GRANTS.tokenExchange,
      tokenExchangeGrant({ issuer, keys, users: stores.users, upstream, clock }),
      [...TOKEN_EXCHANGE_PARAMETERS, ...RESOURCE_PARAMETERS],
    );
  }
  if (capabilities.grantTypes.includes(GRANTS.jwtBearer)) {
    provider.registerGrantType(
      GRANTS.jwtBearer,
      jwtBearerGrant(grants, { issuer, stores, resources, describe, clock, logger }),
      [...JWT_BEARER_PARAMETERS, ...RESOURCE_PARAMETERS],
    );
  }
}
