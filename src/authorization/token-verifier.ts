import { type JWTPayload, type JWTVerifyGetKey, errors, jwtVerify } from 'jose';

/** What tokens of ours are signed with; which of them are on is said by the keys. */
const ALGORITHMS = ['ES256', 'RS256'];

/**
 * Reads the claims of an access token of our own: signature, `typ` and `iss` are checked, expiry is not (an expired
 * token may still be revoked, and the engine knows when its row ended).
 *
 * @returns undefined for anything else
 */
export async function readOwnAccessToken(
  token: string,
  issuer: string,
  keys: JWTVerifyGetKey,
): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      typ: 'at+jwt',
      currentDate: new Date(0),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
