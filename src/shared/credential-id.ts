import { hashId } from './ids.js';

/**
 * Names a credential to those who revoke and those who check. It says nothing about the credential's value, so it may
 * be stored and logged.
 */
export function apiKeyCredentialId(keyId: string): string {
  return `api-key:${keyId}`;
}

/** @param rowHash - hash of {@link accessTokenRowId} */
export function accessTokenCredentialId(rowHash: string): string {
  return `token:${rowHash}`;
}

/** Names every token that a signing key of our own authorization server has signed, and ever will. */
export function signingKeyCredentialId(kid: string): string {
  return `signing-key:${kid}`;
}

/** The id of an access token of our own authorization server, from its `jti`. */
export function credentialIdOfJti(jti: string): string {
  return accessTokenCredentialId(hashId(accessTokenRowId(jti)));
}

/** The row that stands for a JWT access token. The prefix keeps a `jti` from being a bearer value of its own. */
export function accessTokenRowId(jti: string): string {
  return `jwt:${jti}`;
}
