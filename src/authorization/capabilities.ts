import { GRANTS, SIGNING_ALGORITHM } from './metadata.js';
import type { AuthorizationServerOptions } from './options.js';

export type SigningAlgorithm = 'ES256' | 'RS256';

/** What this server does, worked out once: the metadata, the engine and the client policy all follow it. */
export interface Capabilities {
  /** Dynamic registration (RFC 7591). */
  readonly hasRegistration: boolean;
  /** Client ids that are URLs of metadata documents. */
  readonly hasDocuments: boolean;
  /** Identity assertions of an enterprise's identity provider (ID-JAG). */
  readonly hasIdentityAssertions: boolean;
  /** Every grant type that is on. */
  readonly grantTypes: readonly string[];
  /** Those that a client nobody vouches for may have. */
  readonly openGrantTypes: readonly string[];
  /** What tokens can be signed with, the default first. */
  readonly signingAlgorithms: readonly SigningAlgorithm[];
}

/** @throws {TypeError} when a resource wants an algorithm that is not on */
export function resolveCapabilities(options: AuthorizationServerOptions): Capabilities {
  const { registration = {}, grants = {}, signingAlgorithms = [] } = options;
  const algorithms = [...new Set([SIGNING_ALGORITHM, ...signingAlgorithms] as const)];
  for (const { resource, accessTokenAlgorithm: wanted } of options.resources) {
    if (wanted !== undefined && !algorithms.includes(wanted)) {
      throw new TypeError(
        `resource ${JSON.stringify(resource)} wants ${wanted} tokens: name ${wanted} in signingAlgorithms`,
      );
    }
  }
  const hasDevice = grants.device ?? true;
  const hasIdentityAssertions = (grants.identityAssertions?.issuers.length ?? 0) > 0;
  const hasWorkloads = (grants.workloads?.issuers.length ?? 0) > 0;
  return {
    hasRegistration: registration.isEnabled ?? true,
    hasDocuments: registration.documents?.isEnabled ?? true,
    hasIdentityAssertions,
    grantTypes: [
      GRANTS.code,
      GRANTS.refresh,
      ...(hasDevice ? [GRANTS.device] : []),
      ...((grants.clientCredentials ?? true) ? [GRANTS.clientCredentials] : []),
      ...(grants.upstreamTokens === undefined ? [] : [GRANTS.tokenExchange]),
      ...(hasIdentityAssertions || hasWorkloads ? [GRANTS.jwtBearer] : []),
    ],
    openGrantTypes: [
      GRANTS.code,
      GRANTS.refresh,
      ...(hasDevice ? [GRANTS.device] : []),
      ...(hasIdentityAssertions ? [GRANTS.jwtBearer] : []),
    ],
    signingAlgorithms: algorithms,
  };
}
