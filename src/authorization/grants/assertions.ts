import { errors } from 'oidc-provider';
import { type JWTPayload, type JWTVerifyGetKey, decodeJwt, jwtVerify } from 'jose';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import type { Logger } from '../../shared/logger.js';
import { ASSERTION_ALGORITHMS } from '../metadata.js';
import type { ArtifactStore } from '../ports.js';
import { currentUnit } from '../token-unit.js';
import { ownArtifact } from '../own-artifact.js';

/** The model of the rows that remember spent assertions; a second one with the same id ends a token request. */
export const ASSERTION_MODEL = 'Assertion';

/** Skew of clocks, in seconds. */
const SKEW_SECONDS = 30;
const MAX_ASSERTION_CHARS = 16_384;

export interface Assertion {
  readonly issuer: string;
  readonly subject: string;
  /** Epoch seconds. */
  readonly expiresAt: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The issuer that an assertion names, before anything of it is believed. */
export function claimedIssuer(assertion: string): string | undefined {
  try {
    return assertion.length > MAX_ASSERTION_CHARS ? undefined : decodeJwt(assertion).iss;
  } catch {
    return undefined;
  }
}

/**
 * Checks an assertion of a trusted issuer: signature, `typ`, `aud`, times, and that it names a subject. Whether it was used before is the business of {@link spendAssertion}.
 *
 * @param expected.typ - undefined: any
 * @throws {errors.InvalidGrant} with a dull message; the reason goes to the log
 */
export async function checkAssertion(
  assertion: string,
  expected: {
    readonly issuer: string;
    readonly keys: JWTVerifyGetKey;
    readonly audience: string;
    readonly typ: string | undefined;
    readonly maxLifeSeconds: number;
  },
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<Assertion> {
  const now = nowSeconds(clock);
  const payload = await verify(assertion, expected, clock, logger);
  const { sub, exp, iat } = payload;
  const isShortLived =
    typeof exp === 'number' &&
    typeof iat === 'number' &&
    iat <= now + SKEW_SECONDS &&
    exp - iat <= expected.maxLifeSeconds;
  if (!isText(sub) || !isShortLived) {
    throw refused(logger, expected.issuer, 'sub, iat or exp is missing or out of bounds');
  }
  return { issuer: expected.issuer, subject: sub, expiresAt: exp, claims: payload };
}

/**
 * Marks an assertion as used, with the other writes of this token request: of requests at the same time one wins.
 *
 * @throws {errors.InvalidGrant} when it was used before, or has no id to know it by
 */
export async function spendAssertion(
  { issuer, expiresAt, claims: { jti } }: Assertion,
  { artifacts, clock }: { readonly artifacts: ArtifactStore; readonly clock: Clock },
): Promise<void> {
  if (!isText(jti)) throw new errors.InvalidGrant('assertion has no jti');
  const idHash = hashId(JSON.stringify([issuer, jti]));
  if ((await artifacts.find(ASSERTION_MODEL, idHash)) !== undefined) {
    throw new errors.InvalidGrant('assertion was used before');
  }
  const record = ownArtifact({
    model: ASSERTION_MODEL,
    idHash,
    payload: '',
    expiresAt: expiresAt + SKEW_SECONDS,
    createdAt: nowSeconds(clock),
  });
  currentUnit()?.writes.push({ kind: 'insert', record });
}

async function verify(
  assertion: string,
  expected: Parameters<typeof checkAssertion>[1],
  clock: Clock,
  logger: Logger,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(assertion, expected.keys, {
      algorithms: [...ASSERTION_ALGORITHMS],
      issuer: expected.issuer,
      audience: expected.audience,
      ...(expected.typ === undefined ? {} : { typ: expected.typ }),
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(clock.nowMs()),
    });
    // Several audiences could each think it is for them alone.
    if (Array.isArray(payload.aud) && payload.aud.length !== 1) {
      throw new TypeError('it has more than one audience');
    }
    return payload;
  } catch (error) {
    throw refused(logger, expected.issuer, error);
  }
}

function refused(logger: Logger, issuer: string, reason: unknown): errors.InvalidGrant {
  logger.info('assertion refused', { issuer, reason });
  return new errors.InvalidGrant('assertion is not valid');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 1000;
}
