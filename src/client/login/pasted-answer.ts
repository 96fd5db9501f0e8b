import { timingSafeEqual } from 'node:crypto';
import type { AuthorizationResponse } from './callback-listener.js';

const MAX_CHARS = 16_384;

/**
 * Reads the address that a browser ended at and that a person has copied: what the callback would have received.
 *
 * Takes the whole address alone. A code without its `state` and `iss` could be anybody's.
 *
 * @returns the response, or in words why it is none
 */
export function readPastedAnswer(
  text: string,
  expected: { readonly redirectUri: string; readonly state: string },
): AuthorizationResponse | string {
  const trimmed = text.trim();
  const url = trimmed.length <= MAX_CHARS && URL.canParse(trimmed) ? new URL(trimmed) : undefined;
  const target = new URL(expected.redirectUri);
  if (url === undefined || url.origin !== target.origin || url.pathname !== target.pathname) {
    return `that is not the whole address: it begins with ${expected.redirectUri}?`;
  }
  const params = url.searchParams;
  if (!isSame(params.get('state') ?? '', expected.state)) {
    return 'that is the address of another login';
  }
  const [code, iss, error, errorDescription] = ['code', 'iss', 'error', 'error_description'].map(
    (name) => params.get(name) ?? undefined,
  );
  return {
    ...(code !== undefined && { code }),
    ...(iss !== undefined && { iss }),
    ...(error !== undefined && { error }),
    ...(errorDescription !== undefined && { errorDescription }),
  };
}

function isSame(received: string, expected: string): boolean {
  const [a, b] = [Buffer.from(received), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
