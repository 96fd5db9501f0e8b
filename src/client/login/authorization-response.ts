import { type Result, err, ok } from '../../shared/result.js';
import type { AuthorizationResponse } from './callback-listener.js';

export type ResponseRejection = 'iss_missing' | 'iss_mismatch' | 'no_code';

/**
 * Checks who an authorization response comes from, before its code or its error text is used.
 *
 * | server announces `iss` | `iss` present | outcome |
 * | --- | --- | --- |
 * | yes | yes | has to be the recorded issuer, compared as text |
 * | yes | no | refused |
 * | no | yes | has to be the recorded issuer, compared as text |
 * | no | no | taken |
 *
 * @returns the code, or the server's own error, or the reason to believe neither
 * @see RFC 9207 §2.4
 */
export function checkAuthorizationResponse(
  response: AuthorizationResponse,
  expected: { readonly issuer: string; readonly sendsIss: boolean },
): Result<
  { readonly code: string } | { readonly error: string; readonly description: string | undefined },
  ResponseRejection
> {
  if (response.iss === undefined ? expected.sendsIss : response.iss !== expected.issuer) {
    return err(response.iss === undefined ? 'iss_missing' : 'iss_mismatch');
  }
  if (response.error !== undefined) {
    return ok({ error: response.error, description: response.errorDescription });
  }
  return response.code === undefined || response.code === ''
    ? err('no_code')
    : ok({ code: response.code });
}
