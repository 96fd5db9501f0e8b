import type { Result } from '../../shared/result.js';
import type { Principal } from './principal.js';

/** What a tool may set of a request to an upstream API. Credentials, redirects and the way out are not its own. */
export type UpstreamRequest = Pick<RequestInit, 'method' | 'body' | 'signal'> & {
  /** `Authorization`, `Proxy-Authorization` and `Cookie` are refused. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** An API that tools of this server may call, with a credential of its own that nobody can read. */
export interface Upstream {
  readonly name: string;
  /**
   * Sends a request with the credential of this upstream. An answer with status 401 makes the next request get a new
   * credential.
   *
   * @param target - absolute, or relative to the upstream's first origin
   * @throws {UpstreamOriginError} before anything is sent, when the target is not one of its declared origins
   * @throws {UpstreamCredentialError} when there is no credential for the person who calls
   * @throws {RedirectRefusedError} redirects are never followed
   */
  fetch(target: string | URL, request?: UpstreamRequest): Promise<Response>;
}

/** The upstream APIs that the owner of a server has configured. */
export interface Upstreams {
  /**
   * @param principal - whose credential it is, where credentials are a person's own
   * @throws {TypeError} when none has that name
   */
  open(name: string, principal: Principal | undefined, signal: () => AbortSignal): Upstream;
  readonly names: readonly string[];
}

/**
 * Why there is no stored token: the person never connected the upstream; it is over and cannot be refreshed; the
 * upstream has ended it; or not now.
 */
export type StoredTokenFailure = 'none' | 'expired' | 'ended' | 'unavailable';

export interface StoredUpstreamToken {
  readonly accessToken: string;
  /** Epoch seconds; undefined when nobody says. */
  readonly expiresAt: number | undefined;
}

/** Tokens that people got from an upstream, such as those of the identity provider they signed in with. */
export interface StoredUpstreamTokens {
  /**
   * A token that is good for the next minute: refreshing it is the store's affair.
   *
   * @param person - the principal of the call, the object itself: some can be asked for only on behalf of who is calling
   */
  tokenFor(
    person: Pick<Principal, 'issuer' | 'subject'>,
    provider: string,
  ): Promise<Result<StoredUpstreamToken, StoredTokenFailure>>;
}
