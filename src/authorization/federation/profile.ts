import type { JsonObject } from '../../shared/json.js';

/** What a profile's provider does differently from the standards, and who says so. */
interface ProviderQuirk {
  readonly text: string;
  readonly source: string;
}

/** Where a plain OAuth provider lives; OpenID providers say it in their metadata. */
export interface ProviderEndpoints {
  readonly authorization: string;
  readonly token: string;
  /** Base of the provider's API, without a trailing slash. */
  readonly api?: string | undefined;
  readonly revocation?: string | undefined;
}

/** A person as the provider describes them. */
export interface UpstreamPerson {
  /** Stable id at the provider; never a name or an e-mail address. */
  readonly subject: string;
  readonly displayName: string;
  /** Domain that the provider vouches for; undefined when it does not. Lower case. */
  readonly domain: string | undefined;
  readonly groups: readonly string[];
  /** Everything it said, for rules on claims. */
  readonly claims: JsonObject;
}

/** What a profile may read a person from. */
export interface PersonSource {
  /** Issuer as configured. */
  readonly issuer: string;
  /** Claims of the ID token and, where there is one, of the userinfo endpoint; for plain OAuth the token response. */
  readonly claims: JsonObject;
  /** Name of the claim with the groups, when the operator set another. */
  readonly groupsClaim: string | undefined;
  /** A bounded GET at the provider's API with the new access token. */
  readonly get: (path: string) => Promise<unknown>;
}

/** How a profile's token endpoint has to be spoken to. */
export interface TokenEndpointQuirks {
  /** Codes in answers that mean `invalid_grant` or `invalid_client`, whatever status they came with. */
  readonly errorCodes?: Readonly<Record<string, 'invalid_grant' | 'invalid_client'>>;
  /** The request body is JSON. */
  readonly isJson?: boolean;
  /** Basic authentication without the form encoding of RFC 6749 §2.3.1: it is not undone there. */
  readonly hasPlainBasic?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where and how a browser is signed out at the provider. */
export interface LogoutContext {
  readonly issuer: string;
  readonly clientId: string;
  readonly idToken: string | undefined;
  /** Where it should come back to. */
  readonly returnTo: string;
  /** `end_session_endpoint` of the metadata, or as configured. */
  readonly endpoint: string | undefined;
}

/** How tokens are given back to a provider without a standard revocation endpoint. */
type Revocation =
  | { readonly kind: 'standard' }
  /** GitHub: DELETE with Basic authentication and a JSON body. */
  | { readonly kind: 'github' }
  /** A POST with the access token as bearer and no body. */
  | { readonly kind: 'bearer'; readonly path: string }
  /** A POST with Basic authentication and `{ token }` as JSON. */
  | { readonly kind: 'basic-json'; readonly path: string };

/** A kind of identity provider: what is preset, what it needs, how a person is read from its answers. */
export interface ProviderProfile {
  readonly label: string;
  readonly protocol: 'openid' | 'oauth2';
  /** When all its customers have the same one. */
  readonly issuer?: string;
  readonly issuerExample: string;
  /** @returns what is wrong with an issuer for this profile, if anything */
  readonly checkIssuer?: (issuer: string) => string | undefined;
  /** Where the metadata is, when it is not under the issuer. */
  readonly metadataUrl?: (issuer: string) => string;
  readonly endpoints?: ProviderEndpoints;
  /** Asked for at every sign-in. */
  readonly scopes: readonly string[];
  /** What has to be added to be given a refresh token. */
  readonly offline: {
    readonly scopes?: readonly string[];
    readonly parameters?: Readonly<Record<string, string>>;
  };
  readonly parameters?: Readonly<Record<string, string>>;
  readonly clientAuthentication: 'client_secret_basic' | 'client_secret_post';
  /** Whether the userinfo endpoint says more than the ID token. */
  readonly usesUserInfo: boolean;
  readonly tokenEndpoint?: TokenEndpointQuirks;
  /** For tokens whose lifetime the provider does not tell, when there is a refresh token. */
  readonly assumedLifetimeSeconds?: number;
  readonly revocation: Revocation;
  readPerson(source: PersonSource): UpstreamPerson | Promise<UpstreamPerson>;
  /** @returns undefined when there is no way to */
  logoutUrl(context: LogoutContext): URL | undefined;
  readonly quirks: readonly ProviderQuirk[];
}

/** The answer of a provider lacks what a profile needs. The message names the field, never a value. */
export class UpstreamAnswerError extends Error {}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A list claim; one text counts as a list of one. */
export function listOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  const text = textOf(value);
  return text === undefined ? [] : [text];
}

/** Domain of an e-mail address, lower case. */
export function domainOfEmail(email: unknown): string | undefined {
  const text = textOf(email);
  const at = text?.lastIndexOf('@') ?? -1;
  return text === undefined || at < 1 ? undefined : text.slice(at + 1).toLowerCase();
}

/** Subject and name as OpenID Connect has them; the domain of an address that the provider says it has verified. */
export function readOpenIdPerson({ claims, groupsClaim }: PersonSource): UpstreamPerson {
  const subject = textOf(claims['sub']);
  if (subject === undefined) throw new UpstreamAnswerError('the ID token has no "sub"');
  // Cognito says it as text.
  const isVerified = claims['email_verified'] === true || claims['email_verified'] === 'true';
  return {
    subject,
    displayName: nameFrom(claims, subject),
    domain: isVerified ? domainOfEmail(claims['email']) : undefined,
    groups: listOf(claims[groupsClaim ?? 'groups']),
    claims,
  };
}

function nameFrom(claims: JsonObject, fallback: string): string {
  return (
    textOf(claims['name']) ??
    textOf(claims['preferred_username']) ??
    textOf(claims['email']) ??
    fallback
  );
}

/** OpenID Connect RP-Initiated Logout 1.0 §2. */
export function endSessionUrl({
  endpoint,
  clientId,
  idToken,
  returnTo,
}: LogoutContext): URL | undefined {
  if (endpoint === undefined) return undefined;
  const url = new URL(endpoint);
  url.searchParams.set('client_id', clientId);
  url.searchParams.set('post_logout_redirect_uri', returnTo);
  if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken);
  return url;
}

export function noLogout(): undefined {
  return undefined;
}
