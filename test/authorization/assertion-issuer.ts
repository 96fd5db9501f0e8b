import {
  type JWK,
  type JWTVerifyGetKey,
  SignJWT,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
} from 'jose';
import { randomId } from '../../src/shared/ids.js';

/** An identity provider or platform that signs assertions, without a network. */
export interface AssertionIssuer {
  readonly issuer: string;
  readonly keys: JWTVerifyGetKey;
  readonly publicJwk: JWK;
  /** Claims that are undefined are left out. */
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
}

export async function createAssertionIssuer(
  issuer: string,
  algorithm = 'ES256',
): Promise<AssertionIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: algorithm, use: 'sig' };
  return {
    issuer,
    keys: createLocalJWKSet({ keys: [publicJwk] }),
    publicJwk,
    async sign(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, jti: randomId(), iat: now, exp: now + 300, ...claims };
      return new SignJWT(JSON.parse(JSON.stringify(payload)) as Record<string, unknown>)
        .setProtectedHeader({ alg: algorithm, kid: 'k1', ...header })
        .sign(privateKey);
    },
  };
}
