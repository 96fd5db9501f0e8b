import { type JWTVerifyGetKey, compactVerify, decodeProtectedHeader, errors } from 'jose';
import { type Clock, nowSeconds } from '../shared/clock.js';
import { type JsonObject, isJsonObject, parseJson } from '../shared/json.js';
import { type Result, err, ok } from '../shared/result.js';
import { parseScope } from './scope.js';

/** An authorization server whose access tokens this resource server takes. */
export interface TrustedIssuer {
  /** Compared exactly with the token's `iss`. */
  readonly issuer: string;
  /** Stable name that identities of this issuer get inside; it outlives a change of the issuer's URL. */
  readonly identity: string;
  /** Finds the verification key: a local or a remote JWKS of `jose`. */
  readonly keys: JWTVerifyGetKey;
  /** Claim that names the tenant. A token without it is refused. Undefined: every identity is of the tenant ''. */
  readonly tenantClaim: string | undefined;
}

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

export type AccessTokenAlgorithm = 'ES256' | 'RS256';

/**
 * Why a token was refused: for the operator, never for the caller. `keys_unavailable` alone is not the token's fault:
 * the issuer's keys could not be fetched.
 */
export type TokenRejection =
  | 'malformed'
  | 'wrong_type'
  | 'wrong_algorithm'
  | 'untrusted_issuer'
  | 'bad_signature'
  | 'wrong_audience'
  | 'expired'
  | 'not_yet_valid'
  | 'bad_claims'
  | 'keys_unavailable';

export interface AccessTokenClaims {
  /** {@link TrustedIssuer.identity} of the issuer. */
  readonly identity: string;
  readonly subject: string;
  readonly clientId: string;
  readonly tenant: string;
  /** Unique, in order. */
  readonly scopes: readonly string[];
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The client acts for itself: `sub` is the client id (RFC 9068 §5). */
  readonly isMachine: boolean;
}

export type AccessTokenVerifier = (
  token: string,
) => Promise<Result<AccessTokenClaims, TokenRejection>>;

const MAX_TOKEN_CHARS = 8192;

/**
 * Makes a check for JWT access tokens of this resource server.
 *
 * Checks `typ`, algorithm, signature, `iss`, `aud`, `exp`, `nbf`, then the claims a principal is made of (`sub`,
 * `client_id`, the tenant claim), in that order. The keys are those of the trusted issuer that the token names; a
 * token that names no trusted issuer is refused before any key is fetched. Does NOT check scope, nor revocation.
 *
 * @returns a function of the compact JWS (at most 8 KiB, without the `Bearer ` prefix)
 * @throws {TypeError} when `resource` is not an absolute URI without fragment
 * @throws {RangeError} when `clockToleranceSeconds` is not between 0 and 300
 * @see RFC 9068 §4, RFC 8707 §2, RFC 8725
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

  return async (token) => {
    const shape = readShape(token);
    if (!shape.ok) return shape;
    const { header, claims } = shape.value;
    if (!isAccessTokenType(header.typ)) return err('wrong_type');
    if (!algorithms.some((algorithm) => algorithm === header.alg)) return err('wrong_algorithm');
    const issuer = typeof claims['iss'] === 'string' ? issuers.get(claims['iss']) : undefined;
    if (issuer === undefined) return err('untrusted_issuer');
    const signature = await checkSignature(token, issuer.keys, algorithms);
    if (signature !== undefined) return err(signature);
    if (!audiencesOf(claims).includes(resource)) return err('wrong_audience');
    const now = nowSeconds(clock);
    const { exp, nbf } = claims;
    if (typeof exp !== 'number' || (nbf !== undefined && typeof nbf !== 'number')) {
      return err('bad_claims');
    }
    if (exp <= now - clockToleranceSeconds) return err('expired');
    if (nbf !== undefined && nbf > now + clockToleranceSeconds) return err('not_yet_valid');
    return readPrincipalClaims(claims, exp, issuer);
  };
}

interface TokenShape {
  readonly header: { readonly typ?: string; readonly alg?: string; readonly crit?: unknown };
  readonly claims: JsonObject;
}

function readShape(token: string): Result<TokenShape, TokenRejection> {
  if (token.length > MAX_TOKEN_CHARS) return err('malformed');
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
function isAccessTokenType(typ: unknown): boolean {
  return typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);
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

function audiencesOf(claims: JsonObject): readonly unknown[] {
  const audience = claims['aud'];
  return Array.isArray(audience) ? audience : [audience];
}

function readPrincipalClaims(
  claims: JsonObject,
  expiresAt: number,
  issuer: TrustedIssuer,
): Result<AccessTokenClaims, TokenRejection> {
  const { sub, client_id: clientId, scope } = claims;
  const tenant = issuer.tenantClaim === undefined ? '' : claims[issuer.tenantClaim];
  if (
    !isText(sub) ||
    !isText(clientId) ||
    typeof tenant !== 'string' ||
    (tenant === '' && issuer.tenantClaim !== undefined) ||
    (scope !== undefined && typeof scope !== 'string')
  ) {
    return err('bad_claims');
  }
  return ok({
    identity: issuer.identity,
    subject: sub,
    clientId,
    tenant,
    scopes: parseScope(scope),
    expiresAt,
    isMachine: sub === clientId,
  });
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
