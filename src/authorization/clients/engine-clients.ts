import { type Configuration, errors } from 'oidc-provider';
import { nowSeconds } from '../../shared/clock.js';
import { deriveKeys } from '../../shared/sealing.js';
import type { Sealer } from '../../shared/sealing.js';
import type { Capabilities } from '../capabilities.js';
import { ClientAdapter } from '../client-adapter.js';
import { type ClientPolicyOptions, applyClientPolicy } from '../client-policy.js';
import type { Locations } from '../locations.js';
import {
  ASSERTION_ALGORITHMS,
  CLIENT_AUTH_METHODS,
  GRANT_TYPES,
  SIGNING_ALGORITHM,
} from '../metadata.js';
import type { ResolvedOptions } from '../options.js';
import { OPERATOR_PROPERTIES, toClientMetadata } from './configured-client.js';
import { createDocumentResolver } from './document-resolver.js';
import { createKeyFetch } from './key-fetch.js';
import { chooseClientId } from './registered-id.js';
import { WARNED } from './trust.js';

export interface EngineClientsParts {
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly capabilities: Capabilities;
  readonly sealer: Sealer;
}

const MAX_CLIENTS = 5000;
/** Longest life of a client assertion; the usual one is a minute. */
const MAX_ASSERTION_SECONDS = 600;

/** Metadata that only we may set: a client that sends it loses it. */
const OWN_PROPERTIES = [...OPERATOR_PROPERTIES, WARNED] as const;

/** Makes the adapter through which the engine finds clients. */
export function createClientAdapter(parts: EngineClientsParts): ClientAdapter {
  const { options, locations, capabilities, sealer } = parts;
  const { stores, clock, logger, registration = {} } = options;
  const documents = createDocumentResolver({
    options: registration.documents ?? {},
    policy: clientPolicyOf(parts),
    isIssuerLoopback: locations.isLoopback,
    documents: stores.clientDocuments,
    counters: stores.counters,
    clock,
    logger,
  });
  return new ClientAdapter({
    clients: stores.clients,
    sealer,
    clock,
    maxClients: registration.maxClients ?? MAX_CLIENTS,
    sourceKey: deriveKeys(options.masterSecret, 'authorization:client-source')[0],
    documents: capabilities.hasDocuments ? documents : undefined,
    trust: registration.trust,
  });
}

/** The part of the engine's configuration that is about clients. */
export function clientConfiguration(
  parts: EngineClientsParts,
): Pick<
  Configuration,
  | 'assertJwtClientAuthClaimsAndHeader'
  | 'clients'
  | 'clientAuthMethods'
  | 'clientDefaults'
  | 'enabledJWA'
  | 'extraClientMetadata'
  | 'fetch'
> {
  const { options, locations } = parts;
  const policy = clientPolicyOf(parts);
  const documents = options.registration?.documents;
  return {
    clients: (options.clients ?? []).map((client) => toClientMetadata(client)),
    clientAuthMethods: [...CLIENT_AUTH_METHODS],
    enabledJWA: { clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS] },
    // Bounds how long the id of an assertion has to be remembered.
    async assertJwtClientAuthClaimsAndHeader(_ctx, claims) {
      if (Number(claims['exp']) > nowSeconds(options.clock) + MAX_ASSERTION_SECONDS) {
        throw new errors.InvalidClientAuth('client assertion lives too long');
      }
    },
    clientDefaults: {
      grant_types: [...GRANT_TYPES],
      response_types: ['code'],
      id_token_signed_response_alg: SIGNING_ALGORITHM,
      token_endpoint_auth_method: 'client_secret_basic',
    },
    extraClientMetadata: {
      properties: [...OWN_PROPERTIES, 'software_id', 'software_version'],
      validator(ctx, key, _value, metadata) {
        // Only a registration request has a context; the operator's and stored clients went through it or need not.
        if (ctx === undefined || key !== OWN_PROPERTIES[0]) return;
        const draft = metadata as unknown as Record<string, unknown>;
        for (const name of OWN_PROPERTIES) delete draft[name];
        applyClientPolicy(draft, policy);
      },
    },
    // All that the engine fetches is the keys of clients that sign.
    fetch: createKeyFetch({
      counters: options.stores.counters,
      clock: options.clock,
      allowLoopback: locations.isLoopback && documents?.dangerouslyAllowLoopback === true,
      fetch: documents?.fetch,
    }),
  };
}

/** Dynamic registration, with ids that are the same for what is the same client. */
export function registrationFeature(
  parts: EngineClientsParts,
): NonNullable<NonNullable<Configuration['features']>['registration']> {
  const [key] = deriveKeys(parts.options.masterSecret, 'authorization:client-id');
  const policy = clientPolicyOf(parts);
  return {
    enabled: parts.capabilities.hasRegistration,
    issueRegistrationAccessToken: false,
    idFactory: (ctx) => chooseClientId(ctx.oidc.body, policy, key),
  };
}

function clientPolicyOf({ options, capabilities }: EngineClientsParts): ClientPolicyOptions {
  return {
    allowsPrivateUseSchemes: options.registration?.allowsPrivateUseSchemes ?? true,
    grantTypes: capabilities.openGrantTypes,
    signingAlgorithms: capabilities.signingAlgorithms,
  };
}
