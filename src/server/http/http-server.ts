import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../shared/clock.js';
import { type Logger, silentLogger } from '../../shared/logger.js';
import type { SealingSecret } from '../../shared/sealing.js';
import { type ChangeNotifier, type Changes, createChanges } from '../core/changes.js';
import type { AuditLog } from '../core/audit.js';
import { createAuditWriter } from '../core/audit-writer.js';
import { type MessageBus, createLocalBus } from '../core/message-bus.js';
import type { EventLog, SessionStore } from '../core/ports.js';
import type { Registry } from '../core/registry.js';
import type { TaskStore } from '../core/task-store.js';
import { createTasks } from '../core/tasks.js';
import type { Upstreams } from '../core/upstream.js';
import { type Observer, combineObservers } from '../observe/observer.js';
import { createRevocations } from '../core/revocations.js';
import { type PolicyOptions, createCallPolicy } from '../core/call-policy.js';
import { mayHearOf } from '../core/policy.js';
import { visibleRegistry } from '../core/visible.js';
import type { CallLimits } from '../core/limits.js';
import { type MayHear, createModernHandler } from '../mcp/modern.js';
import { createRequestStateCodec } from '../mcp/request-state.js';
import {
  type ServerFactoryOptions,
  type ServerInfo,
  createServerFactory,
} from '../mcp/server-factory.js';
import { type AuthenticationOptions, createAuthenticator } from './authenticate.js';
import { type ClientAddress, addressOfConnection } from './client-address.js';
import { createDirectPath } from './direct-exchange.js';
import { applyCors, createGuard, refuseHost, refuseOrigin } from './guard.js';
import { type FailureLimit, createFailureGate } from './failure-gate.js';
import { createMcpEndpoint } from './mcp-endpoint.js';
import { type OpenPort, openPort } from './open-port.js';
import { createResourceMetadata } from './resource-metadata.js';
import { sendJson } from './respond.js';
import { watchSessionCredentials } from './session-credentials.js';
import { type Sessions, createSessions } from './sessions.js';

/** Serves what is not MCP. @returns whether the request is its own; then it answers it, now or later */
export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

export interface HttpServerOptions extends PolicyOptions {
  /** A function when the registry may be replaced while the server runs. */
  readonly registry: Registry | (() => Registry);
  readonly serverInfo: ServerInfo;
  /** Scheme, host and port that clients use, without a path. Default: `http://localhost:<port>` of {@link HttpServer.listen}. */
  readonly publicUrl?: string | undefined;
  /** Path of the MCP endpoint. Default `/mcp`. */
  readonly path?: string;
  /** Undefined: everybody is let in, as nobody. For fixtures and servers with nothing to protect. */
  readonly authentication?: AuthenticationOptions | undefined;
  /** Issuers named in the protected resource metadata. */
  readonly authorizationServers?: readonly string[];
  readonly scopes?: {
    /** Published as `scopes_supported`: a small baseline. */
    readonly supported: readonly string[];
    /** Named in the challenge to a caller without credentials. */
    readonly default: readonly string[];
  };
  readonly sessions: SessionStore;
  readonly events: EventLog;
  /** Of the same storage as {@link sessions}: needed as soon as several processes serve them. Default: within this process. */
  readonly bus?: MessageBus;
  readonly audit: AuditLog;
  /** Whether audit rows hold the arguments of a call, declared secrets taken out. Default false. */
  readonly auditArguments?: boolean;
  /** Told what the server does: metrics, traces, your own. */
  readonly observers?: readonly Observer[];
  /** APIs that tools may call with credentials of their own. */
  readonly upstreams?: Upstreams;
  /** Keeps the tasks of tools that go on after their answer. Default: none, and no call becomes a task. */
  readonly tasks?: TaskStore;
  /** At least 16 secret bytes, the same in every process: it seals what travels through clients. */
  readonly stateSecret: SealingSecret;
  /** Asked in order for every path that is not the MCP endpoint, its metadata or `/healthz`. */
  readonly handlers?: readonly HttpHandler[];
  /** Further browser origins, exact. The public URL's own is always allowed; on loopback, all of this machine's. */
  readonly allowedOrigins?: readonly string[];
  /** Share one between transports to reach the clients of all. Default: over {@link bus}. */
  readonly changes?: Changes;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly limits?: HttpLimits;
  /** Where a request comes from, for limits. Default: the address of the connection. See `createClientAddress`. */
  readonly clientAddress?: ClientAddress | undefined;
  /** @internal Serves every request through the SDK, for the test that compares the two paths. */
  readonly isDirectPathOff?: boolean;
}

export interface HttpLimits extends CallLimits {
  /** Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * Credentials that are not valid, by source address: an address over the limit is turned away unseen, with 429.
   * Only where the server sees the addresses of its clients. Default: no limit.
   */
  readonly failures?: FailureLimit | undefined;
  /** How deep the JSON of a body may be nested. Default 128, at most 1,000. */
  readonly maxJsonDepth?: number;
  /** Messages in one body of a 2025-era client. Default 50. */
  readonly maxBatchMessages?: number;
  /** Idle life of a 2025-era session. Default 86,400. */
  readonly sessionTtlSeconds?: number;
  /** 2025-era sessions kept ready in this process. Default 10,000. */
  readonly maxLiveSessions?: number;
  /** How long {@link HttpServer.close} waits for running requests. Default 5000. */
  readonly drainMs?: number;
}

export interface HttpServer {
  /**
   * @param options.port - 0 for any free one
   * @param options.host - address to bind. Default `localhost`: 127.0.0.1 and, where there is one, [::1]
   * @throws {PortInUseError}
   */
  listen(options: { readonly port: number; readonly host?: string }): Promise<Listening>;
  /** For a server of your own, in place of {@link listen}. Needs `publicUrl`; without one it answers 503. */
  readonly listener: RequestListener;
  readonly notify: ChangeNotifier;
  /** Stops accepting, lets running requests end, ends streams. */
  close(): Promise<void>;
}

export interface Listening {
  readonly port: number;
  /** Without a path. */
  readonly publicUrl: string;
  readonly mcpUrl: string;
}

const SWEEP_EVERY_MS = 60_000;
/** What is over the limit is answered with an error before its connection is cut. */
export const LAST_WORDS_MS = 1000;
// Paths of an authorization server that scripts of other origins have no business with.
const ORIGIN_CHECKED_PATHS = new Set(['/token', '/register']);

/**
 * An MCP server over Streamable HTTP, both eras on one path, as an OAuth protected resource.
 *
 * @throws {TypeError} when `publicUrl` is not an http(s) origin, or `stateSecret` is shorter than 16 bytes
 * @see MCP 2026-07-28 and 2025-11-25, basic/transports; RFC 9728
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { clock = systemClock } = options;
  const bus = options.bus ?? createLocalBus(clock.nowMs() * 1000);
  const changes = options.changes ?? createChanges(bus, options.logger);
  const drainMs = options.limits?.drainMs ?? 5000;
  const ports: OpenPort[] = [];
  let app: App | undefined =
    options.publicUrl === undefined
      ? undefined
      : createApp({ ...options, bus, changes }, options.publicUrl);
  const listener: RequestListener = (request, response) => {
    if (app === undefined) response.writeHead(503).end();
    else app.listener(request, response);
  };
  return {
    listener,
    notify: changes,
    async listen({ port, host = 'localhost' }) {
      const open = await openPort(host, port);
      ports.push(open);
      const publicUrl = options.publicUrl ?? `http://localhost:${open.port}`;
      app ??= createApp({ ...options, bus, changes }, publicUrl);
      open.serve(listener);
      return { port: open.port, publicUrl: new URL(publicUrl).origin, mcpUrl: app.mcpUrl };
    },
    async close() {
      const closed = ports.map((open) => open.close(drainMs + LAST_WORDS_MS));
      await app?.close(drainMs);
      await Promise.all(closed);
    },
  };
}

interface App {
  readonly listener: RequestListener;
  readonly mcpUrl: string;
  close(drainMs: number): Promise<void>;
}

type AppOptions = HttpServerOptions & { readonly bus: MessageBus; readonly changes: Changes };

function createApp(options: AppOptions, publicUrl: string): App {
  const { bus, changes, path = '/mcp', limits = {} } = options;
  const { clock = systemClock, logger = silentLogger } = options;
  if (!URL.canParse(publicUrl) || !/^https?:$/.test(new URL(publicUrl).protocol)) {
    throw new TypeError(`publicUrl ${JSON.stringify(publicUrl)} is not an http(s) URL`);
  }
  const observer = combineObservers(options.observers, logger);
  const audit = createAuditWriter(options.audit, { logger });
  const streams = { open: 0 };
  const given = options.registry;
  const { stateSecret } = options;
  const policy = createCallPolicy(options, {
    limits: options.limits,
    stateSecret,
    clock,
    logger,
  });
  const tasks = options.tasks && createTasks(options.tasks, clock, logger);
  const registry = (): Registry => policy.complete(typeof given === 'function' ? given() : given);
  const serving: ServerFactoryOptions = {
    registry,
    isReplaceable: typeof given === 'function',
    serverInfo: options.serverInfo,
    transport: 'http',
    isPublic: options.authentication === undefined,
    audit,
    auditArguments: options.auditArguments,
    observer,
    upstreams: options.upstreams,
    tasks,
    clock,
    logger,
    stateCodec: createRequestStateCodec(stateSecret, clock),
    policy,
  };
  const factory = createServerFactory(serving);
  const guard = createGuard(publicUrl, options.allowedOrigins ?? []);
  const metadata = createResourceMetadata({
    publicUrl,
    path,
    authorizationServers: options.authorizationServers ?? [],
    scopesSupported: options.scopes?.supported ?? [],
    resourceName: options.serverInfo.title ?? options.serverInfo.name,
  });
  const mayHear: MayHear = (uri, principal) => {
    const visible = visibleRegistry(registry(), principal, policy.authorize);
    return mayHearOf(visible, uri, principal, policy.authorize);
  };
  const modern = createModernHandler(factory, changes, logger, mayHear);
  const direct = options.isDirectPathOff === true ? undefined : createDirectPath(serving, modern);
  const sessions = createSessions({
    store: options.sessions,
    mayHear,
    events: options.events,
    bus,
    changes,
    factory,
    clock,
    logger,
    ttlSeconds: limits.sessionTtlSeconds ?? 86_400,
    maxLive: limits.maxLiveSessions ?? 10_000,
  });
  const feed = options.authentication?.revocations;
  const revocations = feed && createRevocations({ feed, clock, logger });
  const sessionCredentials =
    revocations && watchSessionCredentials(revocations, (id) => sessions.end(id), logger);
  const unsubscribes = (options.authentication?.trustedIssuers ?? []).map((issuer) =>
    revocations === undefined ? undefined : issuer.onRevocation?.(() => revocations.refresh()),
  );
  const closing = new AbortController();
  const endpoint = createMcpEndpoint({
    registry,
    authenticate:
      options.authentication &&
      createAuthenticator(
        observedLookups(options.authentication, observer),
        metadata.canonicalResource,
        clock,
        revocations,
      ),
    metadata,
    scopeForLogin: options.scopes?.default ?? [],
    modern,
    direct,
    sessions,
    revocations,
    sessionCredentials,
    audit,
    auditArguments: options.auditArguments,
    observer,
    streams,
    clock,
    logger,
    policy,
    failures: limits.failures && createFailureGate(limits.failures, clock),
    clientAddress: options.clientAddress ?? addressOfConnection,
    maxBatchMessages: limits.maxBatchMessages ?? 50,
    maxBodyBytes: limits.maxBodyBytes ?? 4 * 1024 * 1024,
    maxJsonDepth: limits.maxJsonDepth ?? 128,
    closing: closing.signal,
  });
  observer?.serverStarted({
    liveSessions: () => sessions.liveCount(),
    openStreams: () => streams.open,
  });
  const sweeper = setInterval(() => {
    sessions.sweep().catch((error: unknown) => logger.error('session sweep failed', { error }));
    policy.sweep().catch((error: unknown) => logger.error('limits sweep failed', { error }));
    tasks?.sweep().catch((error: unknown) => logger.error('task sweep failed', { error }));
  }, SWEEP_EVERY_MS);
  sweeper.unref();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pathname = pathnameOf(request);
    if (pathname === '/healthz') {
      sendJson(response, 200, { status: 'ok' });
    } else if (!guard.isAllowedHost(request)) {
      observer?.requestRefused({ status: 403, reason: 'host' });
      refuseHost(response);
    } else if (pathname === path) {
      if (!guard.isAllowedOrigin(request)) {
        observer?.requestRefused({ status: 403, reason: 'origin' });
        refuseOrigin(response);
      } else if (!applyCors(request, response)) {
        await endpoint(request, response);
      }
    } else if (
      options.authentication !== undefined &&
      metadata.serve(request, response, pathname)
    ) {
      return;
    } else if (ORIGIN_CHECKED_PATHS.has(pathname) && !guard.isAllowedOrigin(request)) {
      refuseOrigin(response);
    } else {
      for (const handler of options.handlers ?? []) {
        if (await handler(request, response)) return;
      }
      sendJson(response, 404, { error: 'not_found' });
    }
  };

  const running = new Set<Promise<void>>();
  return {
    mcpUrl: metadata.canonicalResource,
    listener(request, response) {
      const work = serve(request, response).catch((error: unknown) => {
        logger.error('a request failed', { path: pathnameOf(request), error });
        if (!response.headersSent) sendJson(response, 500, { error: 'server_error' });
        else response.destroy();
      });
      running.add(work);
      void work.finally(() => running.delete(work));
    },
    async close(drainMs) {
      clearInterval(sweeper);
      for (const end of unsubscribes) end?.();
      sessionCredentials?.close();
      revocations?.close();
      await changes.settled();
      closing.abort();
      sessions.closeStreams();
      await modern.closeStreams();
      await within(drainMs, untilIdle(running, sessions));
      direct?.close();
      await modern.close();
      await sessions.close();
      await Promise.allSettled(running);
      await tasks?.close();
      await audit.flush();
    },
  };
}

function observedLookups(
  options: AuthenticationOptions,
  observer: Required<Observer> | undefined,
): AuthenticationOptions {
  if (observer === undefined) return options;
  return {
    ...options,
    onTokenCache(outcome) {
      observer.tokenLookedUp(outcome === 'hit');
      options.onTokenCache?.(outcome);
    },
  };
}

/** Settled when no exchange and no call of a session is left; those that come in meanwhile are waited for too. */
async function untilIdle(running: ReadonlySet<Promise<void>>, sessions: Sessions): Promise<void> {
  do {
    await Promise.allSettled(running);
    await sessions.idle();
  } while (running.size > 0);
}

/** Waits at most so long: a stream that nobody ends is not waited for. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}

function pathnameOf(request: IncomingMessage): string {
  const { url = '/' } = request;
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
