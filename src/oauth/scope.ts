// RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Splits a space-delimited scope string into unique tokens, in order. Tokens outside RFC 6749 §3.3 are dropped. */
export function parseScope(scope: string | undefined): string[] {
  const tokens = (scope ?? '').split(' ').filter((token) => SCOPE_TOKEN.test(token));
  return [...new Set(tokens)];
}

/** Joins scope tokens for the wire, unique and in order. */
export function formatScope(scopes: Iterable<string>): string {
  return [...new Set(scopes)].join(' ');
}

/** The scopes in `required` that `granted` lacks. Scopes are compared exactly: this project has no hierarchy. */
export function missingScopes(
  required: readonly string[],
  granted: readonly string[],
): readonly string[] {
  return required.filter((scope) => !granted.includes(scope));
}

/** What a step-up asks for: everything asked for before and everything challenged (SEP-2350). */
export function unionScopes(...lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}
