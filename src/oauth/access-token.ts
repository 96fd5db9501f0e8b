import { type JWTVerifyGetKey, compactVerify, decodeProtectedHeader, errors } from 'jose';
import { type Clock, nowSeconds } from '../shared/clock.js';
import { type JsonObject, isJsonObject, parseJson } from '../shared/json.js';
import { type Result, err, ok } from '../shared/result.js';
import { type AccessTokenClaims, type ClaimMapping, readPrincipalClaims } from './claim-mapping.js';

/** An authorization server whose access tokens this resource server takes. */
export interface TrustedIssuer {
  /** Compared exactly with the token's `iss`. */
  readonly issuer: string;
  /** Stable name that identities of this issuer get inside; it outlives a change of the issuer's URL. */
  readonly identity: string;
  /** Finds the key of a JWT: a JWKS. Undefined: JWTs of this issuer are introspected too. */
  readonly keys?: JWTVerifyGetKey | undefined;
  /** Asks the issuer about a token (RFC 7662). Undefined: it has no opaque tokens. */
  readonly introspect?: Introspect | undefined;
  /** Default: that of RFC 9068, everybody in the tenant ''. */
  readonly claims?: ClaimMapping;
  /** What `aud` may say in place of the resource, for issuers that know this server under a name of their own. */
  readonly audiences?: readonly string[];
  /** Default: those of {@link AccessTokenVerifierOptions}. */
  readonly algorithms?: readonly AccessTokenAlgorithm[];
  /**
   * Takes JWTs whose `typ` is `JWT` or missing, for issuers that do not follow RFC 9068. What looks like an ID token, a
   * refresh token or a logout token is refused all the same. Default false.
   */
  readonly allowsUntypedJwt?: boolean;
  /**
   * Calls the listener after something was revoked, and waits for it before the answer goes out. For an issuer in this
   * process. @returns a function that ends it
   */
  readonly onRevocation?: (listener: () => Promise<void>) => () => void;
}

/** `inactive`: the token is none, or is over. `unavailable`: the issuer did not say. Never rejects. */
export type Introspect = (token: string) => Promise<Result<JsonObject, 'inactive' | 'unavailable'>>;

export interface AccessTokenVerifierOptions {
  readonly trustedIssuers: readonly TrustedIssuer[];
  /** Canonical resource URI this server answers for; one of the token's `aud` has to equal it exactly. */
  readonly resource: string;
  /** Default `['ES256']`. Symmetric algorithms and `none` cannot be chosen. */
  readonly algorithms?: readonly AccessTokenAlgorithm[];
  /** Allowed skew in seconds. Default 30, at most 300. */
  readonly clockToleranceSeconds?: number;
  readonly clock: Clock;
}

export type AccessTokenAlgorithm = 'ES256' | 'ES384' | 'RS256' | 'PS256' | 'EdDSA';

/**
 * Why a token was refused: for the operator, never for the caller. Those that end in `_unavailable` are not the
 * token's fault: the issuer's keys could not be fetched, or it did not answer about the token.
 */
export type TokenRejection =
  | 'malformed'
  | 'wrong_type'
  | 'wrong_algorithm'
  | 'untrusted_issuer'
  | 'bad_signature'
  | 'inactive'
  | 'sender_constrained'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'bad_claims'
  | 'keys_unavailable'
  | 'introspection_unavailable';

export type AccessTokenVerifier = (
  token: string,
) => Promise<Result<AccessTokenClaims, TokenRejection>>;

const MAX_TOKEN_CHARS = 8192;
/** How long an introspected token is good for when its issuer does not say. */
const UNSAID_LIFETIME_SECONDS = 300;

/**
 * Makes a check for access tokens of this resource server.
 *
 * A JWT that names a trusted issuer is checked with that issuer's keys: `typ`, algorithm, signature, `iss`, `aud`,
 * `exp`, `nbf`, then the claims a principal is made of, in that order; one that names no trusted issuer is refused
 * before any key is fetched. Anything else is opaque: the issuers that introspect are asked in turn, and what they say
 * is checked in the same way. A token that is bound to its sender (`cnf`) is refused: a bearer proves nothing of it
 * (RFC 9449 §7.2). Does NOT check scope, nor revocation.
 *
 * @returns a function of the token (at most 8 KiB, without the `Bearer ` prefix)
 * @throws {TypeError} when `resource` is not an absolute URI without fragment
 * @throws {RangeError} when `clockToleranceSeconds` is not between 0 and 300
 * @see RFC 9068 §4, RFC 7662, RFC 8707 §2, RFC 8725
 */
export function createAccessTokenVerifier(
  options: AccessTokenVerifierOptions,
): AccessTokenVerifier {
  const { resource, algorithms = ['ES256'], clockToleranceSeconds = 30, clock } = options;
  if (!URL.canParse(resource) || resource.includes('#')) {
    throw new TypeError(
      `resource ${JSON.stringify(resource)} is not an absolute URI without fragment`,
    );
  }
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300)) {
    throw new RangeError(`clockToleranceSeconds is ${clockToleranceSeconds}, expected 0 to 300`);
  }
  const issuers = new Map(options.trustedIssuers.map((trusted) => [trusted.issuer, trusted]));
  const introspecting = options.trustedIssuers.filter((trusted) => trusted.introspect);

  const judge = (
    claims: JsonObject,
    issuer: TrustedIssuer,
    unsaidEnd?: number,
  ): Result<AccessTokenClaims, TokenRejection> => {
    if (claims['cnf'] !== undefined) return err('sender_constrained');
    if (!isForUs(claims, resource, issuer)) return err('wrong_audience');
    const now = nowSeconds(clock);
    const { exp = unsaidEnd, nbf } = claims;
    if (typeof exp !== 'number' || (nbf !== undefined && typeof nbf !== 'number')) {
      return err('bad_claims');
    }
    if (exp <= now - clockToleranceSeconds) return err('expired');
    if (nbf !== undefined && nbf > now + clockToleranceSeconds) return err('not_yet_valid');
    return readPrincipalClaims(claims, issuer, exp);
  };

  const introspectOne = async (
    token: string,
    issuer: TrustedIssuer,
  ): Promise<Result<AccessTokenClaims, TokenRejection>> => {
    const answer = (await issuer.introspect?.(token)) ?? err('inactive');
    if (!answer.ok) {
      return err(answer.error === 'inactive' ? 'inactive' : 'introspection_unavailable');
    }
    const claims = withMachineSubject(answer.value);
    if (claims['iss'] !== undefined && claims['iss'] !== issuer.issuer) {
      return err('untrusted_issuer');
    }
    if (isOtherToken(claims)) return err('wrong_type');
    return judge(claims, issuer, nowSeconds(clock) + UNSAID_LIFETIME_SECONDS);
  };

  const introspectAny = async (
    token: string,
  ): Promise<Result<AccessTokenClaims, TokenRejection>> => {
    let isUnavailable = false;
    for (const issuer of introspecting) {
      const answer = await introspectOne(token, issuer);
      if (answer.ok) return answer;
      if (answer.error === 'introspection_unavailable') isUnavailable = true;
      // It knows the token, and the token is not good here.
      else if (answer.error !== 'inactive') return answer;
    }
    return err(isUnavailable ? 'introspection_unavailable' : 'inactive');
  };

  return async (token) => {
    if (token.length > MAX_TOKEN_CHARS) return err('malformed');
    const shape = readShape(token);
    if (!shape.ok) return introspecting.length > 0 ? introspectAny(token) : shape;
    const { header, claims } = shape.value;
    const issuer = typeof claims['iss'] === 'string' ? issuers.get(claims['iss']) : undefined;
    if (issuer !== undefined && issuer.keys === undefined) return introspectOne(token, issuer);
    const accepted = issuer?.algorithms ?? algorithms;
    if (!isAccessTokenType(header.typ, issuer)) return err('wrong_type');
    if (!accepted.some((algorithm) => algorithm === header.alg)) return err('wrong_algorithm');
    if (issuer?.keys === undefined) return err('untrusted_issuer');
    const signature = await checkSignature(token, issuer.keys, accepted);
    if (signature !== undefined) return err(signature);
    if (!isTyped(header.typ) && isOtherToken(claims)) return err('wrong_type');
    return judge(claims, issuer);
  };
}

interface TokenShape {
  readonly header: { readonly typ?: string; readonly alg?: string; readonly crit?: unknown };
  readonly claims: JsonObject;
}

function readShape(token: string): Result<TokenShape, TokenRejection> {
  const [, payload, , ...more] = token.split('.');
  if (payload === undefined || more.length > 0) return err('malformed');
  try {
    const claims = parseJson(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!claims.ok || !isJsonObject(claims.value)) return err('malformed');
    const header = decodeProtectedHeader(token);
    // RFC 7515 §4.1.11: what must be understood and is not. No access token needs an extension of the signature.
    return header.crit === undefined ? ok({ header, claims: claims.value }) : err('malformed');
  } catch {
    return err('malformed');
  }
}

/** RFC 9068 §4: `at+jwt`, with or without the media type prefix, in any case. */
function isTyped(typ: unknown): boolean {
  return typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);
}

function isAccessTokenType(typ: unknown, issuer: TrustedIssuer | undefined): boolean {
  if (isTyped(typ)) return true;
  if (issuer?.allowsUntypedJwt !== true) return false;
  return typ === undefined || (typeof typ === 'string' && /^jwt$/i.test(typ));
}

// As servers mark what else they issue: OpenID Connect, Keycloak (`typ`), Cognito and Hydra (`token_use`), RFC 7662.
const OTHER_TOKEN_MARKS = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'] as const;
const OTHER_TOKEN = /^(?:id|id_token|refresh|refresh_token|offline|logout|logout\+jwt)$/i;

/** Whether the claims are those of an ID token, a refresh token or a logout token. */
function isOtherToken(claims: JsonObject): boolean {
  if (OTHER_TOKEN_MARKS.some((mark) => claims[mark] !== undefined)) return true;
  return ['typ', 'token_use', 'token_type'].some((name) => {
    const value = claims[name];
    return typeof value === 'string' && OTHER_TOKEN.test(value);
  });
}

async function checkSignature(
  token: string,
  keys: JWTVerifyGetKey,
  algorithms: readonly string[],
): Promise<TokenRejection | undefined> {
  try {
    await compactVerify(token, keys, { algorithms: [...algorithms] });
    return undefined;
  } catch (error) {
    if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) {
      return 'keys_unavailable';
    }
    // What jose throws about the token or about a key that fits it is the token's fault; a plain error is the fetch's.
    const isTokensFault = error instanceof errors.JOSEError && error.code !== errors.JOSEError.code;
    return isTokensFault ? 'bad_signature' : 'keys_unavailable';
  }
}

function isForUs(claims: JsonObject, resource: string, issuer: TrustedIssuer): boolean {
  const { aud } = claims;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audiences.some(
    (audience) =>
      audience === resource ||
      (typeof audience === 'string' && issuer.audiences?.includes(audience) === true),
  );
}

/** RFC 7662 asks for no `sub`: an answer without one is about a client that acts for itself. */
function withMachineSubject(claims: JsonObject): JsonObject {
  const { sub, username, client_id: clientId } = claims;
  const isMachine = sub === undefined && username === undefined && typeof clientId === 'string';
  return isMachine ? { ...claims, sub: clientId } : claims;
}
