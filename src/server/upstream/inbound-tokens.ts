declare const inbound: unique symbol;

/**
 * The access tokens that callers showed, each for as long as its principal is in use. Nothing can be read from it: what
 * is in it goes back to the authorization server that issued it, as the subject of a token exchange, and nowhere else.
 */
export interface InboundTokens {
  readonly [inbound]: true;
}

const kept = new WeakMap<InboundTokens, WeakMap<object, string>>();

/** Keeps nothing until it is given to `authentication.inboundTokens`. */
export function createInboundTokens(): InboundTokens {
  const tokens = Object.freeze({}) as unknown as InboundTokens;
  kept.set(tokens, new WeakMap());
  return tokens;
}

/** @internal For the authenticator alone. */
export function rememberToken(tokens: InboundTokens, principal: object, token: string): void {
  kept.get(tokens)?.set(principal, token);
}

/**
 * @internal For the exchange at the issuer alone.
 * @param principal - the very object that the authenticator made
 */
export function inboundTokenOf(tokens: InboundTokens, principal: object): string | undefined {
  return kept.get(tokens)?.get(principal);
}
