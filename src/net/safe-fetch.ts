import {
  Agent,
  type Dispatcher,
  type RequestInit as UndiciInit,
  fetch as undiciFetch,
} from 'undici';
import { ToolkitError } from '../shared/errors.js';
import {
  type AddressKind,
  classifyAddress,
  ipLiteralOf,
  isLoopbackHost,
} from './address-policy.js';
import {
  AddressBlockedError,
  NetworkError,
  RedirectRefusedError,
  RequestTimeoutError,
  ResponseTooLargeError,
  UrlNotAllowedError,
} from './errors.js';
import { type ResolveAll, createFilteringLookup } from './filtering-lookup.js';
import { limitBody } from './limited-body.js';

/** Shaped like the global `fetch`. */
export type SafeFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface TargetPolicyOptions {
  /** Whether this machine may be a target, over http too. Default false. */
  readonly allowLoopback?: boolean;
  /** Hosts (`URL.host`) that a person named, whose addresses are taken as they are. Plain http stays refused. */
  readonly trustedHosts?: readonly string[];
  /** Takes private and special-use addresses for any host: for networks without untrusted servers. Default false. */
  readonly dangerouslyAllowPrivateNetwork?: boolean;
  /** Takes plain http for the trusted hosts: whoever is on the way reads and changes everything. Default false. */
  readonly dangerouslyAllowHttp?: boolean;
}

export interface SafeFetchOptions extends TargetPolicyOptions {
  /** Limit on a body, in bytes. Event streams have none: their reader bounds each message. Default 4 MiB. */
  readonly maxBytes?: number;
  /** Limit from the start to the end of the body; for an event stream to its headers. 0: none. Default 30,000. */
  readonly timeoutMs?: number;
  /** `same-origin`: at most 5 redirects, GET and HEAD alone. Default `refuse`. */
  readonly redirects?: 'refuse' | 'same-origin';
  /** Where name resolution and the connection to a proxy can be replaced. */
  readonly resolve?: ResolveAll;
}

const MAX_REDIRECTS = 5;
const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

/** Codes of failures before anything of the request could leave this machine. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const TLS_FAILURE = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED|UNABLE_TO)/;

/**
 * Makes the only kind of `fetch` that leaves this process.
 *
 * It takes https, and http to this machine where that is allowed. It refuses user info in URLs, and private and
 * special-use addresses: the address is checked when it is resolved and the connection goes to that very address.
 * With `redirect: 'manual'` in the call a redirect comes back as it is; otherwise the option decides.
 *
 * Does NOT retry, and does not look at the content.
 *
 * @throws {UrlNotAllowedError | AddressBlockedError} from the returned function, before anything is sent
 * @throws {RedirectRefusedError | RequestTimeoutError | NetworkError} from the returned function
 * @throws {ResponseTooLargeError} from the returned function or from reading the body
 * @see MCP 2026-07-28 authorization, security considerations (SSRF); RFC 6890
 */
export function createSafeFetch(options: SafeFetchOptions = {}): SafeFetch {
  const limits: Limits = {
    maxBytes: options.maxBytes ?? 4 * 1024 * 1024,
    timeoutMs: options.timeoutMs ?? 30_000,
  };
  const policy = createTargetPolicy(options);
  const dispatcher = createDispatcher(policy, options.resolve);
  const isFollowing = options.redirects === 'same-origin';

  return async (input, init = {}) => {
    const request = await readRequest(input, init);
    let { url } = request;
    for (let hop = 0; ; hop++) {
      policy.check(url);
      const response = await send(dispatcher, url, request.init, limits);
      const location = redirectTarget(response, url);
      if (location === undefined || request.init.redirect === 'manual') return response;
      await response.body?.cancel();
      const isSafeMethod = /^(get|head)$/i.test(request.init.method ?? 'GET');
      if (!isFollowing || !isSafeMethod) {
        throw new RedirectRefusedError(url.origin, location.origin, 'redirects are not followed');
      }
      if (location.origin !== url.origin) {
        throw new RedirectRefusedError(url.origin, location.origin, 'that is another origin');
      }
      if (hop >= MAX_REDIRECTS) {
        throw new RedirectRefusedError(url.origin, location.origin, `over ${MAX_REDIRECTS} times`);
      }
      url = location;
    }
  };
}

interface Limits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

export interface TargetPolicy {
  /** Throws before anything is sent. */
  check(url: URL): void;
  readonly kindsFor: (hostname: string) => readonly AddressKind[];
}

const ANY_KIND: readonly AddressKind[] = ['public', 'loopback', 'special'];

/** What may be asked, for every way out of this process. */
export function createTargetPolicy(options: TargetPolicyOptions): TargetPolicy {
  const { allowLoopback = false, dangerouslyAllowPrivateNetwork = false } = options;
  const trusted = new Set((options.trustedHosts ?? []).map((host) => host.toLowerCase()));
  const trustedNames = new Set([...trusted].map((host) => host.replace(/:\d+$/, '')));

  const kindsFor = (hostname: string): readonly AddressKind[] => {
    if (hostname === 'localhost') return allowLoopback ? ['loopback'] : [];
    if (dangerouslyAllowPrivateNetwork || trustedNames.has(hostname.toLowerCase())) return ANY_KIND;
    return ['public'];
  };
  return {
    kindsFor,
    check(url) {
      const origin = describeOrigin(url);
      if (url.protocol !== 'https:' && url.protocol !== 'http:') {
        throw new UrlNotAllowedError(origin, 'only https, or http to this machine, is');
      }
      if (url.username !== '' || url.password !== '') {
        throw new UrlNotAllowedError(origin, 'the URL holds a user name or password. Remove it');
      }
      if (isLoopbackHost(url)) {
        if (allowLoopback) return;
        throw new UrlNotAllowedError(origin, 'this machine is not a target here');
      }
      const isHttpAllowed = options.dangerouslyAllowHttp === true && trusted.has(url.host);
      if (url.protocol === 'http:' && !isHttpAllowed) {
        throw new UrlNotAllowedError(origin, 'http is for this machine alone. Use https');
      }
      const literal = ipLiteralOf(url);
      if (
        literal !== undefined &&
        !dangerouslyAllowPrivateNetwork &&
        !trusted.has(url.host) &&
        classifyAddress(literal) !== 'public'
      ) {
        throw new AddressBlockedError(url.hostname, literal);
      }
    },
  };
}

/** The one place where a connection is made; a proxy or a private certificate authority is added here. */
function createDispatcher(policy: TargetPolicy, resolve: ResolveAll | undefined): Dispatcher {
  return new Agent({
    connect: { lookup: createFilteringLookup(policy.kindsFor, resolve), timeout: 10_000 },
    // Time limits are ours: they have to differ between a metadata document and a tool call that takes an hour.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
  });
}

async function readRequest(
  input: string | URL | Request,
  init: RequestInit,
): Promise<{ url: URL; init: RequestInit }> {
  if (!(input instanceof Request)) return { url: parseUrl(String(input)), init };
  const { method, headers, signal, redirect } = input;
  const body = input.body === null ? undefined : Buffer.from(await input.arrayBuffer());
  return {
    url: parseUrl(input.url),
    init: { method, headers, signal, redirect, ...(body !== undefined && { body }), ...init },
  };
}

function parseUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new UrlNotAllowedError(JSON.stringify(text.slice(0, 100)), 'it is not an absolute URL');
}

/** Scheme, host and port: never the path or query, which may hold what is nobody's business. */
function describeOrigin(url: URL): string {
  return url.origin === 'null' ? `${url.protocol}//…` : url.origin;
}

function redirectTarget(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location');
  if (!REDIRECT_STATUSES.has(response.status) || location === null) return undefined;
  return URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
}

async function send(
  dispatcher: Dispatcher,
  url: URL,
  init: RequestInit,
  limits: Limits,
): Promise<Response> {
  const deadline = startDeadline(url.origin, limits.timeoutMs);
  const signal =
    init.signal == null ? deadline.signal : AbortSignal.any([init.signal, deadline.signal]);
  const mapError = (error: unknown): unknown => describeFailure(error, url, init.signal, deadline);
  try {
    const raw = await undiciFetch(url, {
      ...(init as unknown as UndiciInit),
      redirect: 'manual',
      signal,
      dispatcher,
    });
    const isStream = /^text\/event-stream\b/i.test(raw.headers.get('content-type') ?? '');
    if (isStream) deadline.clear();
    const declared = Number(raw.headers.get('content-length') ?? 0);
    if (!isStream && declared > limits.maxBytes) {
      await raw.body?.cancel();
      throw new ResponseTooLargeError(url.origin, limits.maxBytes);
    }
    const body = raw.body as ReadableStream<Uint8Array> | null;
    const hasBody = body !== null && !NULL_BODY_STATUSES.has(raw.status);
    if (!hasBody) deadline.clear();
    const limited = hasBody
      ? limitBody(
          body,
          url.origin,
          isStream ? Number.POSITIVE_INFINITY : limits.maxBytes,
          deadline.clear,
          mapError,
        )
      : null;
    return asGlobalResponse(limited, raw, url);
  } catch (error) {
    deadline.clear();
    throw mapError(error);
  }
}

/** A `Response` of this process's global class: libraries tell it from a text by `instanceof`. */
function asGlobalResponse(
  body: ReadableStream<Uint8Array> | null,
  raw: { status: number; statusText: string; headers: Iterable<[string, string]> },
  url: URL,
): Response {
  const response = new Response(body, {
    status: raw.status,
    statusText: raw.statusText,
    headers: [...raw.headers],
  });
  Object.defineProperty(response, 'url', { value: url.href });
  return response;
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly clear: () => void;
}

function startDeadline(origin: string, timeoutMs: number): Deadline {
  const controller = new AbortController();
  if (timeoutMs === 0) return { signal: controller.signal, clear: () => undefined };
  const timer = setTimeout(
    () => controller.abort(new RequestTimeoutError(origin, timeoutMs)),
    timeoutMs,
  );
  timer.unref();
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

function describeFailure(
  error: unknown,
  url: URL,
  callerSignal: AbortSignal | null | undefined,
  deadline: Deadline,
): unknown {
  if (error instanceof ToolkitError) return error;
  if (callerSignal?.aborted === true) return error;
  if (deadline.signal.aborted) return deadline.signal.reason;
  let text = String(error);
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ToolkitError) return cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (typeof code === 'string') {
      return new NetworkError(url.origin, code, !isBeforeSending(code), { cause: error });
    }
    text = cause.message;
  }
  return new NetworkError(url.origin, text, true, { cause: error });
}

/** Whether a failure with this code happened before anything of the request could leave this machine. */
export function isBeforeSending(code: string): boolean {
  return NOT_SENT.has(code) || TLS_FAILURE.test(code);
}
