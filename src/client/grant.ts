import type { ProcessIdentity } from './store/process-identity.js';

/** This client as an authorization server knows it. */
export interface ClientRegistration {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** As registered: `none`, `client_secret_basic`, `client_secret_post`. Undefined: chosen from the metadata. */
  readonly tokenEndpointAuthMethod?: string;
  /** `metadata-document`: the id is a URL that any authorization server can read (CIMD). */
  readonly source: 'pre-registered' | 'metadata-document' | 'dynamic';
  readonly redirectUris: readonly string[];
  /** Grants it registered for besides the authorization code. Undefined: refresh alone. */
  readonly grantTypes?: readonly string[];
  /** Epoch seconds. 0 or undefined: never. */
  readonly secretExpiresAt?: number;
}

/** The parts of an authorization server's metadata that a grant needs for the rest of its life. */
export interface GrantEndpoints {
  readonly token: string;
  readonly tokenAuthMethods: readonly string[];
  readonly revocation?: string;
  readonly revocationAuthMethods?: readonly string[];
  /**
   * Seconds within which this server answers the same refresh request again with the same response, so that asking
   * again after a crash is safe. Undefined: it may take a repeated token for a stolen one.
   */
  readonly refreshReplaySeconds?: number;
}

/**
 * Written before a refresh token is sent, removed with the answer: whoever finds one knows that the token may be spent.
 */
export interface SpendIntent {
  readonly id: string;
  readonly owner: ProcessIdentity;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
}

/** What one login brought: for one issuer, resource, client and profile. */
export interface Grant {
  /** Canonical URL of the MCP server, as the user gave it. */
  readonly serverUrl: string;
  readonly issuer: string;
  readonly resource: string;
  readonly client: ClientRegistration;
  readonly endpoints: GrantEndpoints;
  readonly accessToken?: string;
  /** Epoch seconds. Undefined: the server did not say. */
  readonly expiresAt?: number;
  readonly refreshToken?: string;
  /** Scopes granted, as the server said; what was asked for when it said nothing. */
  readonly scopes: readonly string[];
  /** Epoch seconds. */
  readonly obtainedAt: number;
  /** Grows with every write: the compare-and-swap value. */
  readonly version: number;
  readonly intent?: SpendIntent;
  /** Set when the server ended the grant, or when nobody can know whether its refresh token is spent. */
  readonly ended?: { readonly reason: string; readonly at: number };
}

/** A login that a person is asked for, apart from the process that asked. */
export interface PendingLogin {
  readonly id: string;
  /** The process that carries it out. */
  readonly owner: ProcessIdentity;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Where to sign in; there once the callback listens. */
  readonly url?: string;
  /** Why it ended without tokens. */
  readonly problem?: string;
}

/** The sealed document of a profile. */
export interface CredentialDocument {
  readonly grants: Readonly<Record<string, Grant>>;
  /** Registrations by issuer. */
  readonly registrations: Readonly<Record<string, ClientRegistration>>;
  /** Server URL to the key of its last used grant. */
  readonly current: Readonly<Record<string, string>>;
  readonly lastServerUrl?: string;
  /** Logins that run, or failed, by server URL. */
  readonly logins?: Readonly<Record<string, PendingLogin>>;
}

export const EMPTY_DOCUMENT: CredentialDocument = { grants: {}, registrations: {}, current: {} };

/** The key of a grant inside its profile. */
export function grantKey(
  grant: Pick<Grant, 'issuer' | 'resource'> & { readonly client: { readonly clientId: string } },
): string {
  return JSON.stringify([grant.issuer, grant.resource, grant.client.clientId]);
}

/** Whether a login is not needed: something of the grant can still be used. */
export function isUsable(grant: Grant | undefined, nowSeconds: number): grant is Grant {
  if (grant === undefined || grant.ended !== undefined) return false;
  return grant.refreshToken !== undefined || hasFreshAccessToken(grant, nowSeconds, 0);
}

export function hasFreshAccessToken(
  grant: Grant,
  nowSeconds: number,
  marginSeconds: number,
): grant is Grant & { readonly accessToken: string } {
  if (grant.accessToken === undefined || grant.ended !== undefined) return false;
  return grant.expiresAt === undefined || grant.expiresAt > nowSeconds + marginSeconds;
}
