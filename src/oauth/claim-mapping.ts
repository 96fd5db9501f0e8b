import { type JsonObject, type JsonValue, isJsonObject } from '../shared/json.js';
import { type Result, err, ok } from '../shared/result.js';
import { parseScope } from './scope.js';

/**
 * Where an issuer puts what a principal is made of. A name is looked up as it stands first (`https://acme.example/org`),
 * then as a path (`realm_access.roles`).
 */
export interface ClaimMapping {
  /** Default `sub`. */
  readonly subject?: string;
  /** Claims that may name the client; the first that is there counts. Default `['client_id']`. */
  readonly clientId?: readonly string[];
  /**
   * Claims that may hold the scopes, as text or as an array; the first that is there counts, and no other is added to
   * it: a token that was issued for less must not grow by what its owner may do. Default `['scope']`.
   */
  readonly scopes?: readonly string[];
  /** Claim that names the tenant. A token without it is refused. */
  readonly tenant?: string | undefined;
  /** The tenant of everybody, when no claim names it. Default ''. */
  readonly fixedTenant?: string;
  /** Whether a client acts for itself. Default: `sub` is the client id (RFC 9068 §5). */
  readonly isMachine?: (claims: JsonObject) => boolean;
}

export interface AccessTokenClaims {
  /** Stable name of the issuer. */
  readonly identity: string;
  readonly subject: string;
  readonly clientId: string;
  readonly tenant: string;
  /** Unique, in order. */
  readonly scopes: readonly string[];
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The client acts for itself: there is no person behind it. */
  readonly isMachine: boolean;
  /** `jti`: names the token, to those who revoke it. */
  readonly tokenId: string | undefined;
}

const MAX_PATH_STEPS = 5;
const MAX_SCOPES = 500;

/** Reads what a principal is made of. The token has been judged before. */
export function readPrincipalClaims(
  claims: JsonObject,
  issuer: { readonly identity: string; readonly claims?: ClaimMapping },
  expiresAt: number,
): Result<AccessTokenClaims, 'bad_claims'> {
  const mapping = issuer.claims ?? {};
  const subject = lookUp(claims, mapping.subject ?? 'sub');
  const clientId = firstOf(claims, mapping.clientId ?? ['client_id']);
  const tenant =
    mapping.tenant === undefined ? (mapping.fixedTenant ?? '') : lookUp(claims, mapping.tenant);
  const scopes = readScopes(firstOf(claims, mapping.scopes ?? ['scope']));
  const { jti } = claims;
  if (
    !isText(subject) ||
    !isText(clientId) ||
    typeof tenant !== 'string' ||
    (tenant === '' && mapping.tenant !== undefined) ||
    scopes === undefined
  ) {
    return err('bad_claims');
  }
  return ok({
    identity: issuer.identity,
    subject,
    clientId,
    tenant,
    scopes,
    expiresAt,
    isMachine: subject === clientId || mapping.isMachine?.(claims) === true,
    tokenId: isText(jti) ? jti : undefined,
  });
}

/** The value of a claim by its name, or by a path of at most five steps. */
export function lookUp(claims: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(claims, name)) return claims[name];
  const steps = name.split('.');
  if (steps.length > MAX_PATH_STEPS) return undefined;
  let value: JsonValue | undefined = claims;
  for (const step of steps) {
    if (!isJsonObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

function firstOf(claims: JsonObject, names: readonly string[]): JsonValue | undefined {
  for (const name of names) {
    const value = lookUp(claims, name);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** @returns undefined for what is neither text nor a list of texts */
function readScopes(value: JsonValue | undefined): readonly string[] | undefined {
  if (value === undefined) return [];
  if (typeof value === 'string') return parseScope(value);
  if (!Array.isArray(value) || value.length > MAX_SCOPES) return undefined;
  const texts = value.filter((entry) => typeof entry === 'string');
  // An entry with a space in it is no scope: joined, it would become two.
  return texts.length === value.length
    ? [...new Set(texts.filter((text) => parseScope(text)[0] === text))]
    : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
