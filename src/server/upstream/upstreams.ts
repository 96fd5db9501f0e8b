import { type SafeFetch, createSafeFetch } from '../../net/safe-fetch.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { type Clock, systemClock } from '../../shared/clock.js';
import { quote } from '../../shared/errors.js';
import type { Principal } from '../core/principal.js';
import type { Upstream, UpstreamRequest, Upstreams } from '../core/upstream.js';
import { type CredentialHeader, type UpstreamCredential, headerOf } from './credential.js';
import { UpstreamOriginError } from './errors.js';
import { type CredentialIssuer, type CredentialSource, createCredentialIssuer } from './sources.js';

/** One upstream API, as the owner of the server allows it. */
export interface UpstreamDefinition {
  /** Where the credential may go, exact: scheme, host and port. At least one; https, or http on loopback. */
  readonly origins: readonly string[];
  readonly credential: CredentialSource;
  readonly header?: CredentialHeader;
  /** Limit on an answer. Default 4 MiB. */
  readonly maxBytes?: number;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

export interface UpstreamsOptions {
  readonly clock?: Clock;
  /** For tests. Default: one that reaches the hosts that the definitions name, private networks included. */
  readonly fetch?: SafeFetch;
}

const REFUSED_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * The upstream APIs that tools reach by `context.upstream(name)`. The token that a caller showed to this server has no
 * part in it: it is not kept anywhere that these could find.
 *
 * @throws {TypeError} on a name, an origin or a token endpoint that cannot be used
 */
export function createUpstreams(
  definitions: Readonly<Record<string, UpstreamDefinition>>,
  options: UpstreamsOptions = {},
): Upstreams {
  const { clock = systemClock } = options;
  const known = new Map(
    Object.entries(definitions).map(([name, definition]) => {
      if (!NAME.test(name))
        throw new TypeError(`upstream name ${quote(name)} does not match ${NAME}`);
      return [name, prepare(name, definition, clock, options.fetch)] as const;
    }),
  );
  return {
    names: [...known.keys()],
    open(name, principal, signal) {
      const prepared = known.get(name);
      if (prepared === undefined) {
        const names = [...known.keys()].join(', ');
        throw new TypeError(
          `no upstream is called ${quote(name)}: there ${names === '' ? 'are none' : `is ${names}`}`,
        );
      }
      return openUpstream(prepared, principal, signal);
    },
  };
}

interface Prepared {
  readonly name: string;
  readonly origins: readonly string[];
  readonly header: CredentialHeader;
  readonly issuer: CredentialIssuer;
  readonly fetch: SafeFetch;
}

function prepare(
  name: string,
  definition: UpstreamDefinition,
  clock: Clock,
  given: SafeFetch | undefined,
): Prepared {
  const { credential, header = {}, maxBytes, timeoutMs } = definition;
  const origins = definition.origins.map((origin) => originOf(name, origin));
  if (origins.length === 0) throw new TypeError(`upstream ${quote(name)} has no origins`);
  const endpoints =
    'tokenEndpoint' in credential ? [originOf(name, credential.tokenEndpoint, true)] : [];
  const limits = {
    ...(maxBytes !== undefined && { maxBytes }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
  return {
    name,
    origins,
    header,
    fetch: given ?? fetchFor(origins, limits),
    issuer: createCredentialIssuer(name, credential, {
      clock,
      fetch: given ?? fetchFor(endpoints, {}),
    }),
  };
}

/** The owner named these hosts: they may well be in a private network. */
function fetchFor(
  origins: readonly string[],
  limits: { readonly maxBytes?: number; readonly timeoutMs?: number },
): SafeFetch {
  return createSafeFetch({
    ...limits,
    allowLoopback: origins.some((origin) => isLoopbackUrl(origin)),
    trustedHosts: origins.map((origin) => new URL(origin).host),
  });
}

function originOf(name: string, text: string, hasPath = false): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackUrl(url));
  if (url === undefined || !isSecure || (!hasPath && url.origin !== text.replace(/\/$/, ''))) {
    const what = hasPath ? 'token endpoint' : 'origin';
    throw new TypeError(`upstream ${quote(name)}: the ${what} ${quote(text)} is not an https one`);
  }
  return url.origin;
}

function openUpstream(
  prepared: Prepared,
  principal: Principal | undefined,
  signal: () => AbortSignal,
): Upstream {
  const { name, origins, issuer } = prepared;
  return {
    name,
    async fetch(target, request = {}) {
      const [base] = origins;
      const text = String(target);
      const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
      // Before a credential is asked for: a wrong target must not even cost one.
      if (url === undefined || !origins.includes(url.origin)) {
        throw new UpstreamOriginError(name, url?.origin ?? text.slice(0, 100), origins);
      }
      const cancelled = signal();
      const credential = await issuer.credentialFor(principal);
      const response = await sendWithCredential(prepared, credential, url, request, cancelled);
      if (response.status === 401) issuer.forget(principal);
      return response;
    },
  };
}

/** @internal The only place where a credential meets a request. */
export async function sendWithCredential(
  { fetch, header }: Pick<Prepared, 'fetch' | 'header'>,
  credential: UpstreamCredential,
  url: URL,
  request: UpstreamRequest,
  cancelled: AbortSignal,
): Promise<Response> {
  const { method, body, signal, headers = {} } = request;
  const [credentialName, value] = headerOf(credential, header);
  for (const name of Object.keys(headers)) {
    if (
      REFUSED_HEADERS.has(name.toLowerCase()) ||
      name.toLowerCase() === credentialName.toLowerCase()
    ) {
      throw new TypeError(
        `the header ${quote(name)} is not a tool's to set: the credential is sent for it`,
      );
    }
  }
  return fetch(url, {
    ...(method !== undefined && { method }),
    ...(body !== undefined && { body }),
    signal: signal == null ? cancelled : AbortSignal.any([signal, cancelled]),
    headers: { ...headers, [credentialName]: value },
  });
}
