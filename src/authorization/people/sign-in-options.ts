import type { SafeFetch } from '../../net/safe-fetch.js';
import type { UpstreamProvider } from '../federation/provider.js';

export type SignInMethod =
  /** A list of the people in `stores.users`, no password. Loopback issuers only. */
  | { readonly kind: 'demo' }
  /** User name and password, from this server's own store. */
  | { readonly kind: 'local-users' }
  /** Elsewhere, at identity providers. */
  | {
      readonly kind: 'identity-providers';
      readonly providers: readonly UpstreamProvider[];
      /** Default: the guarded fetch, to public addresses and to the hosts that the configuration names. */
      readonly fetch?: SafeFetch;
    };

/** How people sign in: one way, or several of which each person chooses one. */
export type SignInOptions =
  | SignInMethod
  | { readonly kind: 'any-of'; readonly methods: readonly SignInMethod[] };

export interface ResolvedSignIn {
  readonly hasDemo: boolean;
  readonly hasLocalUsers: boolean;
  readonly providers: readonly UpstreamProvider[];
  readonly fetch: SafeFetch | undefined;
}

export function resolveSignIn(options: SignInOptions): ResolvedSignIn {
  const methods = options.kind === 'any-of' ? options.methods : [options];
  const upstream = methods.filter((method) => method.kind === 'identity-providers');
  return {
    hasDemo: methods.some(({ kind }) => kind === 'demo'),
    hasLocalUsers: methods.some(({ kind }) => kind === 'local-users'),
    providers: upstream.flatMap(({ providers }) => providers),
    fetch: upstream.find(({ fetch }) => fetch !== undefined)?.fetch,
  };
}
