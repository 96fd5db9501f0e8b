import { ToolkitError, quote } from '../../shared/errors.js';

/** A tool asked to send an upstream's credential somewhere else. Nothing was sent. */
export class UpstreamOriginError extends ToolkitError {
  readonly code = 'ERR_UPSTREAM_ORIGIN';
  readonly upstream: string;

  constructor(upstream: string, target: string, origins: readonly string[]) {
    super(
      `the upstream ${quote(upstream)} is not called at ${quote(target)}: its credential goes to ${origins.join(', ')} alone`,
    );
    this.upstream = upstream;
  }
}

/** Why there is no credential for an upstream. */
export type UpstreamFailure =
  /** The caller is nobody, or a machine, where a person's own token is needed. */
  | 'no_person'
  /** The person has not connected the upstream, or has to do so again. */
  | 'not_connected'
  /** The token endpoint refuses: the configuration, or the person's rights. */
  | 'refused'
  /** Not now. */
  | 'unavailable';

/** There is no credential for an upstream, for this caller or at this time. */
export class UpstreamCredentialError extends ToolkitError {
  readonly code = 'ERR_UPSTREAM_CREDENTIAL';
  readonly upstream: string;
  readonly reason: UpstreamFailure;
  /** Error code of the token endpoint (RFC 6749 §5.2), when it gave one. */
  readonly oauthError: string | undefined;

  constructor(
    upstream: string,
    reason: UpstreamFailure,
    detail = '',
    { oauthError, ...options }: ErrorOptions & { readonly oauthError?: string } = {},
  ) {
    super(
      `no credential for the upstream ${quote(upstream)}: ${EXPLAIN[reason]}${detail}`,
      options,
    );
    this.upstream = upstream;
    this.reason = reason;
    this.oauthError = oauthError;
  }
}

const EXPLAIN: Readonly<Record<UpstreamFailure, string>> = {
  no_person: 'it needs a person who is signed in',
  not_connected: 'the person has to sign in there first',
  refused: 'its token endpoint refuses to give one',
  unavailable: 'its token endpoint cannot be reached. Try again later',
};
