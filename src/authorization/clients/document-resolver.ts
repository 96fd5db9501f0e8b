import type { SafeFetch } from '../../net/safe-fetch.js';
import { createSafeFetch } from '../../net/safe-fetch.js';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { type JsonObject, isJsonObject, parseJson } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { type Result, err, ok } from '../../shared/result.js';
import type { ClientPolicyOptions } from '../client-policy.js';
import type { ClientDocumentRecord, ClientDocumentStore, CounterStore } from '../ports.js';
import { checkDocumentUrl, readDocument } from './metadata-document.js';

export interface ClientDocumentOptions {
  /** Whether the URL of a client metadata document may be a client id. Default true. */
  readonly isEnabled?: boolean;
  /** Hosts (`URL.host`) whose documents are taken. Default: every public one. */
  readonly hosts?: readonly string[];
  /** Takes documents of this machine, http too, while the issuer is on loopback itself: for development. Default false. */
  readonly dangerouslyAllowLoopback?: boolean;
  /** Limit on a document, in bytes. Default 16 KiB. */
  readonly maxBytes?: number;
  /** Replaces the connection; the checks of the URL and of the document stay. For tests. */
  readonly fetch?: SafeFetch;
}

export interface DocumentResolverParts {
  readonly options: ClientDocumentOptions;
  readonly policy: ClientPolicyOptions;
  readonly isIssuerLoopback: boolean;
  readonly documents: ClientDocumentStore;
  readonly counters: CounterStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The metadata behind the URL of a document.
 *
 * @param source - where the request comes from, for the limit on fetches
 * @returns what is wrong with it, in words that may be shown: they hold nothing that a probed host said
 */
export type DocumentResolver = (
  clientId: string,
  source: string | undefined,
) => Promise<Result<JsonObject, string>>;

const FETCH_TIMEOUT_MS = 3000;
const DEFAULT_MAX_BYTES = 16 * 1024;
const MAX_RECORDS = 2000;
/** Bounds on what the document's own caching headers may ask for, in seconds. */
const FRESH = { least: 60, most: 3600 } as const;
/** A document that was bad is not fetched again for so long. */
const BAD_SECONDS = 30;
/** While its host is down, the last good document counts for so long: an outage there must not end logins here. */
const STALE_SECONDS = 7 * 86_400;
const WINDOW_SECONDS = 60;
const MAX_FETCHES = { host: 30, source: 30 } as const;

/** `unreachable` says nothing about the document: the last good one still counts. */
type Fetched =
  | { readonly kind: 'document'; readonly metadata: JsonObject; readonly freshSeconds: number }
  | { readonly kind: 'bad' | 'unreachable'; readonly problem: string };

/** Fetches client metadata documents, once for all processes on one database, within limits. */
export function createDocumentResolver(parts: DocumentResolverParts): DocumentResolver {
  const { options, documents, clock, isIssuerLoopback } = parts;
  const allowsLoopback = isIssuerLoopback && options.dangerouslyAllowLoopback === true;
  const hosts = options.hosts === undefined ? undefined : new Set(options.hosts);
  const fetch =
    options.fetch ??
    createSafeFetch({
      allowLoopback: allowsLoopback,
      maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
      timeoutMs: FETCH_TIMEOUT_MS,
    });
  const running = new Map<string, Promise<Result<JsonObject, string>>>();

  const renew = async (
    url: URL,
    last: ClientDocumentRecord | undefined,
    source: string | undefined,
  ): Promise<Result<JsonObject, string>> => {
    const clientId = url.href;
    const now = nowSeconds(clock);
    const stale = usable(last, now);
    if (!(await isWithinLimits(parts, url.host, source))) {
      return stale ?? err('too many documents are asked for at the moment: try again in a minute');
    }
    const fetched = await fetchDocument(fetch, url, parts);
    if (fetched.kind === 'document') {
      await documents.save(
        {
          clientId,
          document: JSON.stringify(fetched.metadata),
          fetchedAt: now,
          freshUntil: now + fetched.freshSeconds,
          problem: undefined,
          expiresAt: now + STALE_SECONDS,
        },
        MAX_RECORDS,
      );
      return ok(fetched.metadata);
    }
    const kept = fetched.kind === 'unreachable' ? stale : undefined;
    await documents.save(
      {
        clientId,
        document: kept === undefined ? undefined : last?.document,
        fetchedAt: kept === undefined ? undefined : last?.fetchedAt,
        freshUntil: now + BAD_SECONDS,
        problem: fetched.problem,
        expiresAt: kept === undefined ? now + BAD_SECONDS : (last?.expiresAt ?? now),
      },
      MAX_RECORDS,
    );
    return kept ?? err(fetched.problem);
  };

  return async (clientId, source) => {
    const url = checkDocumentUrl(clientId, allowsLoopback);
    if (!url.ok) return url;
    if (hosts !== undefined && !hosts.has(url.value.host)) {
      return err(`clients of ${JSON.stringify(url.value.host)} are not taken here`);
    }
    const last = await documents.find(clientId);
    const now = nowSeconds(clock);
    if (last !== undefined && last.freshUntil >= now) {
      return usable(last, now) ?? err(last.problem ?? 'it could not be fetched');
    }
    // One fetch for all requests of this process that wait for the same document.
    const waiting = running.get(clientId);
    if (waiting !== undefined) return waiting;
    const renewal = renew(url.value, last, source).finally(() => running.delete(clientId));
    running.set(clientId, renewal);
    return renewal;
  };
}

function usable(
  record: ClientDocumentRecord | undefined,
  now: number,
): Result<JsonObject, string> | undefined {
  if (record?.document === undefined || record.fetchedAt === undefined) return undefined;
  if (record.fetchedAt + STALE_SECONDS < now) return undefined;
  const parsed = parseJson(record.document);
  return parsed.ok && isJsonObject(parsed.value) ? ok(parsed.value) : undefined;
}

async function isWithinLimits(
  { counters, clock }: DocumentResolverParts,
  host: string,
  source: string | undefined,
): Promise<boolean> {
  const now = nowSeconds(clock);
  const count = async (name: string): Promise<number> =>
    (await counters.increment(name, WINDOW_SECONDS, now)).count;
  // The source first: one that is over its own limit must not use up that of a host.
  if (source !== undefined && (await count(`document-source:${source}`)) > MAX_FETCHES.source) {
    return false;
  }
  return (await count(`document-host:${host}`)) <= MAX_FETCHES.host;
}

async function fetchDocument(
  fetch: SafeFetch,
  url: URL,
  { policy, options, logger }: DocumentResolverParts,
): Promise<Fetched> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { headers: { accept: 'application/json' } });
    if (response.status !== 200) {
      await response.body?.cancel();
      logger.info('client metadata document refused', { url: url.href, status: response.status });
      const kind = response.status >= 500 || response.status === 429 ? 'unreachable' : 'bad';
      return { kind, problem: 'it could not be fetched' };
    }
    text = await response.text();
  } catch (error) {
    // Which of them it was stays here: the answer must not tell what there is in our network.
    logger.info('client metadata document could not be fetched', { url: url.href, error });
    return { kind: 'unreachable', problem: 'it could not be fetched' };
  }
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
  if (!/^application\/(?:[\w.+-]+\+)?json$/i.test(type.trim())) {
    return { kind: 'bad', problem: 'its content type is not JSON' };
  }
  const parsed = parseJson(text, { maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES, maxDepth: 8 });
  if (!parsed.ok) return { kind: 'bad', problem: 'it is not JSON within the limits' };
  const metadata = readDocument(parsed.value, url.href, policy);
  if (!metadata.ok) return { kind: 'bad', problem: metadata.error };
  return {
    kind: 'document',
    metadata: metadata.value,
    freshSeconds: freshSecondsOf(response.headers.get('cache-control')),
  };
}

function freshSecondsOf(cacheControl: string | null): number {
  const directives = (cacheControl ?? '').toLowerCase();
  if (/\bno-(?:store|cache)\b/.test(directives)) return FRESH.least;
  const age = Number(/\bmax-age\s*=\s*"?(\d{1,9})/.exec(directives)?.[1] ?? FRESH.most / 4);
  return Math.min(FRESH.most, Math.max(FRESH.least, age));
}
