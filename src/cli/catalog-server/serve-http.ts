import type { RequestListener } from 'node:http';
import type { AuthorizationServer, SignInOptions } from '../../authorization/index.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import {
  type ClientAddress,
  type HttpServer,
  LAST_WORDS_MS,
  type RemoteIssuer,
  type TrustedIssuer,
  createHttpServer,
  trustInProcess,
} from '../../server/index.js';
import { systemClock } from '../../shared/clock.js';
import type { Logger } from '../../shared/logger.js';
import type { SealingSecret } from '../../shared/sealing.js';
import type { Stores } from '../../storage/index.js';
import type { CliIo } from '../io.js';
import { auditEvents } from './authorization-events.js';
import type { AdminPort } from './admin-port.js';
import { keepAuditRetention } from './audit-retention.js';
import { clientAddressOf } from './client-address.js';
import { clientOptionsOf } from './client-options.js';
import {
  type CatalogService,
  type OpenFileTools,
  createCatalogService,
} from './catalog-service.js';
import { type RawSettings, type ServerConfig, mcpResource, withPort } from './config.js';
import { openIssuers } from './issuers.js';
import { keptProvidersOf, signInOptionsOf } from './idp.js';
import { listenOn } from './listen.js';
import { loadMasterSecrets } from './master-secret.js';
import { type Observation, createObservation } from './observation.js';
import { type OpenStorage, openStorage } from './open-storage.js';
import { readyLine, readyMessage } from './ready-message.js';
import { defaultPerson, mintDemoKey, seedSample } from './sample.js';
import { CATALOG_SCOPES, DEFAULT_SCOPES, SCOPE_TRANSLATIONS } from './scopes.js';
import { addReadinessChecks } from './readiness-checks.js';
import { untilSignalled } from './signals.js';
import type { OpenUpstreams } from './upstreams.js';

interface Parts {
  readonly config: ServerConfig;
  readonly raw: RawSettings;
  readonly storage: Stores;
  readonly secret: SealingSecret;
  readonly logger: Logger;
  readonly env: CliIo['env'];
  readonly signIn: SignInOptions;
  readonly clientAddress: ClientAddress | undefined;
  readonly observation: Observation;
}

// The other process has the secrets of the identity providers.
const NO_SIGN_IN: SignInOptions = { kind: 'any-of', methods: [] };

/** Runs the HTTP server, the authorization server or both until a signal ends them. */
export async function serveOverHttp(
  asked: ServerConfig,
  raw: RawSettings,
  io: CliIo,
  openFileTools?: OpenFileTools,
): Promise<void> {
  const observation = await createObservation(asked, io);
  const { logger, readiness } = observation;
  const secret = loadMasterSecrets(asked);
  const { env } = io;
  const signIn = asked.role === 'mcp' ? NO_SIGN_IN : await signInOptionsOf(asked.signIn, env);
  const clientAddress = clientAddressOf(asked.trustedProxies);
  const listening = await listenOn(asked.host, asked.port);
  const config = withPort(asked, raw, listening.port);
  const { limitMs, delayMs } = config.drain;
  // First what takes requests, then what they need.
  const drainers = [() => listening.close(limitMs + LAST_WORDS_MS)];
  const closers: (() => void | Promise<void>)[] = [];
  let storage: OpenStorage | undefined;
  let admin: AdminPort | undefined;
  try {
    storage = await openStorage(config, logger);
    const parts = { config, raw, storage, secret, logger, env, signIn, clientAddress, observation };
    const { audit } = storage;
    const retention = keepAuditRetention(
      audit,
      config.observation.auditRetentionDays,
      systemClock,
      logger,
    );
    closers.push(retention);
    await seedSample(storage, config);
    const authorization = config.role === 'mcp' ? undefined : await startAuthorization(parts);
    if (authorization !== undefined) closers.push(() => authorization.close());
    if (config.role === 'auth' && authorization !== undefined) {
      listening.serve(authorizationListener(authorization));
    } else {
      const service = await createCatalogService(
        storage,
        secret,
        logger,
        openFileTools,
        config.minimumLearners,
      );
      closers.push(() => service.close());
      const remote = authorization === undefined ? await openRemote(parts) : [];
      closers.push(() => remote.forEach((issuer) => issuer.close()));
      const trusted =
        authorization === undefined
          ? remote.map((issuer) => issuer.trusted)
          : [trustInProcess(authorization)];
      const upstreams = await upstreamsOf(parts, authorization);
      const http = await startMcp(parts, { authorization, service, trusted, upstreams });
      drainers.push(() => http.close());
      listening.serve(http.listener);
    }
    // Before anybody can know that we are ready: a signal right after has to end us in order.
    const signalled = untilSignalled();
    addReadinessChecks(readiness, { config, storage, authorization });
    admin = await observation.openAdminPort();
    await announce(parts, io, admin?.url);
    await signalled;
    readiness.startDraining();
    listening.startDraining();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  } finally {
    await Promise.all(drainers.map((drain) => drain()));
    for (const close of closers.toReversed()) await close();
    // Last of all: it tells that this process drains.
    await admin?.close();
    await storage?.close();
  }
}

async function startAuthorization(parts: Parts): Promise<AuthorizationServer> {
  const { createAuthorizationServer } = await import('../../authorization/index.js');
  const { config, raw, storage, secret, logger, env, signIn, clientAddress, observation } = parts;
  const writeRow = auditEvents(storage.audit, systemClock);
  return createAuthorizationServer({
    issuer: config.issuer,
    stores: storage.authorization,
    masterSecret: secret,
    resources: [
      {
        resource: mcpResource(config, raw),
        scopes: CATALOG_SCOPES,
        scopeTranslations: SCOPE_TRANSLATIONS,
        defaultScopes: DEFAULT_SCOPES,
        accessTokenTtlSeconds: config.accessTokenTtlSeconds,
        accessTokenAlgorithm: config.registration.tokenAlgorithm,
      },
    ],
    keySchedule: config.signingKeys,
    signIn,
    clientAddress,
    ...(await clientOptionsOf(config.registration, env)),
    onEvent(event) {
      observation.metrics?.countEvent(`${event.kind}_${event.outcome}`.replaceAll('-', '_'));
      return writeRow(event);
    },
    clock: systemClock,
    logger,
  });
}

function openRemote({ config, raw, env, logger }: Parts): Promise<readonly RemoteIssuer[]> {
  return openIssuers({ config, resource: mcpResource(config, raw), env, logger });
}

async function upstreamsOf(
  { config, env, signIn }: Parts,
  authorization: AuthorizationServer | undefined,
): Promise<OpenUpstreams | undefined> {
  if (config.upstreams === undefined) return undefined;
  const { openUpstreams } = await import('./upstreams.js');
  const keptProviders = keptProvidersOf(signIn);
  return openUpstreams(config.upstreams, { config, env, authorization, keptProviders });
}

async function startMcp(
  parts: Parts,
  served: {
    readonly authorization: AuthorizationServer | undefined;
    readonly service: CatalogService;
    readonly trusted: readonly TrustedIssuer[];
    readonly upstreams: OpenUpstreams | undefined;
  },
): Promise<HttpServer> {
  const { config, storage, logger, observation, clientAddress } = parts;
  const { authorization, trusted, upstreams } = served;
  return createHttpServer({
    ...served.service,
    ...(upstreams !== undefined && { upstreams: upstreams.upstreams }),
    clientAddress,
    auditArguments: config.observation.recordsArguments,
    observers: observation.observers,
    limits: { ...config.limits, drainMs: config.drain.limitMs },
    publicUrl: config.publicUrl,
    authentication: {
      trustedIssuers: trusted,
      inboundTokens: upstreams?.inboundTokens,
      apiKeys: storage.apiKeys,
      revocations: storage.revocations,
      // Both: what was signed before the setting changed is good until it expires.
      ...(authorization !== undefined && { algorithms: ['ES256', 'RS256'] }),
    },
    authorizationServers: trusted.map(({ issuer }) => issuer),
    scopes: { supported: DEFAULT_SCOPES, default: DEFAULT_SCOPES },
    sessions: storage.sessions,
    events: storage.events,
    handlers: authorization === undefined ? [] : [(req, res) => authorization.handle(req, res)],
    clock: systemClock,
    logger,
  });
}

function authorizationListener(authorization: AuthorizationServer): RequestListener {
  return (request, response) => {
    void (async () => {
      // As text: what comes over the wire need not be a URL that a parser takes.
      const [pathname] = (request.url ?? '/').split('?', 1);
      if (pathname === '/healthz') response.writeHead(200).end('{"status":"ok"}');
      else if (!(await authorization.handle(request, response))) response.writeHead(404).end();
    })();
  };
}

async function announce(parts: Parts, io: CliIo, admin: string | undefined): Promise<void> {
  const { config, raw, storage } = parts;
  const { users } = storage.authorization;
  const people = await users.list(10);
  const person = await defaultPerson(storage.authorization.users);
  // A key in the clear on a terminal is for a machine of one's own, never for a server that others reach.
  const demo =
    person !== undefined && config.role !== 'auth' && isLoopbackUrl(config.publicUrl)
      ? await mintDemoKey(storage.apiKeys, person)
      : undefined;
  const ready = { config, mcp: mcpResource(config, raw), admin, people, demo };
  io.stdout.write(config.isJson ? readyLine(ready) : readyMessage(ready));
}
