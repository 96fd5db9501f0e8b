import type { IncomingMessage } from 'node:http';
import type { Clock } from '../shared/clock.js';
import type { Logger } from '../shared/logger.js';
import type { SealingSecret } from '../shared/sealing.js';
import type { SigningAlgorithm } from './capabilities.js';
import type { PreRegisteredClient } from './clients/configured-client.js';
import type { ClientDocumentOptions } from './clients/document-resolver.js';
import type { ClientTrustPolicy } from './clients/trust.js';
import type { GrantOptions } from './grants/options.js';
import type { KeySchedule } from './keys/lifecycle.js';
import type { AuthorizationStores } from './ports.js';
import type { EventSink } from './people/events.js';
import type { SignInOptions } from './people/sign-in-options.js';
import type { ProtectedResource } from './resources.js';

export interface RegistrationOptions {
  /** Whether clients may register themselves (RFC 7591). Default true. */
  readonly isEnabled?: boolean;
  /** Registrations of one source address in an hour. Default 120. */
  readonly maxPerHour?: number;
  /** Registered clients kept; beyond it those that were never used go, the oldest first. Default 5,000. */
  readonly maxClients?: number;
  /** Whether redirect URIs with an app's own scheme (`cursor://…`) are usable (RFC 8252 §7.1). Default true. */
  readonly allowsPrivateUseSchemes?: boolean;
  /** Client ids that are URLs of metadata documents. */
  readonly documents?: ClientDocumentOptions;
  /** Decides about clients that nobody vouches for. Default: all are let in. */
  readonly trust?: ClientTrustPolicy;
}

export interface AuthorizationServerOptions {
  /** Public URL, the `iss` of every token; compared as a string by clients, so the trailing slash counts. */
  readonly issuer: string;
  readonly stores: AuthorizationStores;
  /**
   * At least 16 bytes. Seals what is stored, signs cookies; the same for every process on one database. Several while it
   * is being replaced: the first seals and signs, all of them open and verify.
   */
  readonly masterSecret: SealingSecret;
  /** What tokens are for. The first is the one of a request without `resource`. */
  readonly resources: readonly ProtectedResource[];
  readonly signIn: SignInOptions;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: says nothing. */
  readonly logger?: Logger;
  /** Who signed in or could not, and what people ended: for the audit log. */
  readonly onEvent?: EventSink;
  readonly clients?: readonly PreRegisteredClient[];
  readonly registration?: RegistrationOptions;
  readonly grants?: GrantOptions;
  /** What tokens can be signed with, besides ES256. RS256 is for resource servers and clients that know nothing else. */
  readonly signingAlgorithms?: readonly SigningAlgorithm[];
  /** When signing keys are made, sign, and go. Default: every 30 days, published 1 day before and 2 days after. */
  readonly keySchedule?: Partial<KeySchedule>;
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
  readonly clientAddress?: ((request: IncomingMessage) => string | undefined) | undefined;
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
  /** Of a device code and the code that a person types. */
  deviceCode: 600,
  session: 28_800,
  idToken: 600,
  /** How long a spent refresh token gets the same answer again. */
  refreshReplay: 60,
  /** A registered client that was never used is kept this long, one that was used the longer time since then. */
  unusedClient: 2_592_000,
  usedClient: 7_776_000,
} as const;
