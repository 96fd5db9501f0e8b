import type { IncomingMessage } from 'node:http';
import type { Clock } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import type { AuthorizationStores } from './ports.js';
import type { ProtectedResource } from './resources.js';

/** A client that the operator made known, instead of registration at run time. */
export interface PreRegisteredClient {
  readonly clientId: string;
  readonly clientName: string;
  readonly redirectUris: readonly string[];
  /** Makes it a confidential client (client_secret_basic). Without one: a public client. */
  readonly clientSecret?: string;
  /** Resources whose tokens it may introspect, besides its own. Needs a secret. */
  readonly introspects?: readonly string[];
}

/** How people sign in. `demo`: a list of the people in `stores.users`, no password, loopback issuers only. */
export interface SignInOptions {
  readonly kind: 'demo';
}

export interface RegistrationOptions {
  /** Whether clients may register themselves (RFC 7591). Default true. */
  readonly isEnabled?: boolean;
  /** Registrations of one source address in an hour. Default 120. */
  readonly maxPerHour?: number;
  /** Registered clients kept; beyond it the oldest that was never used goes. Default 5,000. */
  readonly maxClients?: number;
  /** Whether redirect URIs with an app's own scheme (`cursor://…`) are usable (RFC 8252 §7.1). Default true. */
  readonly allowsPrivateUseSchemes?: boolean;
}

export interface AuthorizationServerOptions {
  /** Public URL, the `iss` of every token; compared as a string by clients, so the trailing slash counts. */
  readonly issuer: string;
  readonly stores: AuthorizationStores;
  /** At least 16 bytes. Seals what is stored, signs cookies; the same for every process on one database. */
  readonly masterSecret: Uint8Array;
  /** What tokens are for. The first is the one of a request without `resource`. */
  readonly resources: readonly ProtectedResource[];
  readonly signIn: SignInOptions;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: says nothing. */
  readonly logger?: Logger;
  readonly clients?: readonly PreRegisteredClient[];
  readonly registration?: RegistrationOptions;
  /**
   * Whether a `Host` header may name this server. Default: on a loopback issuer the loopback spellings at any port,
   * which stops DNS rebinding; on any other issuer every host, for the documents never depend on it.
   */
  readonly isAllowedHost?: (host: string) => boolean;
  /**
   * Whether a web page of this `Origin` may call the token, registration, revocation and introspection endpoints.
   * Default: on a loopback issuer the loopback origins at any port; on any other issuer every origin, for these
   * endpoints take no cookies.
   */
  readonly isAllowedOrigin?: (origin: string) => boolean;
  /** Where a request comes from, for limits. Default: the address of the connection. */
  readonly clientAddress?: (request: IncomingMessage) => string;
}

/** The options with their defaults filled in. */
export type ResolvedOptions = AuthorizationServerOptions &
  Required<Pick<AuthorizationServerOptions, 'clock' | 'logger'>>;

/** Lifetimes, in seconds. */
export const LIFETIMES = {
  accessToken: 600,
  authorizationCode: 60,
  refreshToken: 2_592_000,
  grant: 7_776_000,
  interaction: 900,
  session: 28_800,
  idToken: 600,
  /** How long a spent refresh token gets the same answer again. */
  refreshReplay: 60,
  /** A registered client that was never used is kept this long, one that was used the longer time since then. */
  unusedClient: 2_592_000,
  usedClient: 7_776_000,
} as const;
