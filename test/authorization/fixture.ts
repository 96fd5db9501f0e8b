import { createHash, randomBytes } from 'node:crypto';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, jwtVerify } from 'jose';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  type AuthorizationStores,
  createAuthorizationServer,
} from '../../src/authorization/index.js';
import type { AuthorizationUser } from '../../src/authorization/ports.js';
import { silentLogger } from '../../src/shared/logger.js';
import { createSqliteAuthorizationStores } from '../../src/storage/sqlite/authorization-stores.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { type ScriptedBrowser, signIn } from '../support/scripted-browser.js';

const ALL_SCOPES = ['catalog:read', 'learner:read', 'learner:write', 'enrollment:write'];

export const PEOPLE: readonly AuthorizationUser[] = [
  { id: 'ada', displayName: 'Ada Okafor', tenant: 'north', scopes: ALL_SCOPES, isDisabled: false },
  {
    id: 'ben',
    displayName: 'Ben Sato',
    tenant: 'south',
    scopes: ['catalog:read'],
    isDisabled: false,
  },
  { id: 'cleo', displayName: 'Cleo Marsh', tenant: 'south', scopes: ALL_SCOPES, isDisabled: true },
];

export const MASTER_SECRET = Buffer.from('test-master-secret-of-enough-length');

/** A clock that tests move by hand. It starts at the real time, for the engine reads the real one. */
class TestClock {
  offsetMs = 0;
  nowMs(): number {
    return Date.now() + this.offsetMs;
  }
  advanceSeconds(seconds: number): void {
    this.offsetMs += seconds * 1000;
  }
}

export interface Fixture {
  readonly as: AuthorizationServer;
  readonly issuer: string;
  /** Where it listens: the issuer's origin, unless another issuer was given. */
  readonly origin: string;
  readonly resource: string;
  readonly database: SqliteDatabase;
  readonly stores: AuthorizationStores;
  readonly clock: TestClock;
  close(): Promise<void>;
}

/** All that a client knows of a server. */
export type Served = Pick<Fixture, 'issuer' | 'resource'>;

export interface FixtureOptions {
  readonly database?: SqliteDatabase;
  readonly path?: string;
  readonly issuer?: string;
  readonly clock?: TestClock;
  readonly wrapStores?: (stores: AuthorizationStores) => AuthorizationStores;
  readonly options?: Partial<AuthorizationServerOptions>;
}

/** An authorization server on a real listener at a free port. */
export async function startFixture(given: FixtureOptions = {}): Promise<Fixture> {
  const database = given.database ?? openSqlite(':memory:');
  migrate(database);
  const plain = createSqliteAuthorizationStores(database);
  for (const person of PEOPLE) await plain.users.upsert(person);
  const stores = given.wrapStores?.(plain) ?? plain;
  const clock = given.clock ?? new TestClock();
  let as: AuthorizationServer | undefined;
  const server = createServer((request, response) => {
    if (as?.handle(request, response) === false || as === undefined) response.writeHead(404).end();
  });
  const origin = await listen(server);
  const issuer = given.issuer ?? `${origin}${given.path ?? ''}`;
  const resource = `${origin}/mcp`;
  as = await createAuthorizationServer({
    issuer,
    stores,
    masterSecret: MASTER_SECRET,
    resources: [
      {
        resource,
        scopes: {
          'catalog:read': 'Search the catalog and read courses',
          'learner:read': 'Read your profile and history',
          'learner:write': 'Change your goals',
          'enrollment:write': 'Enroll and withdraw you',
        },
        defaultScopes: ['catalog:read', 'learner:read'],
      },
    ],
    signIn: { kind: 'demo' },
    clock,
    logger: silentLogger,
    ...given.options,
  });
  const started = as;
  return {
    as,
    issuer,
    origin,
    resource,
    database,
    stores,
    clock,
    async close() {
      await started.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (given.database === undefined) database.close();
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

export interface TestClient {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly clientSecret?: string;
}

export const REDIRECT_URI = 'http://127.0.0.1:9696/oauth/callback';

export function register(fixture: Served, metadata: Record<string, unknown>): Promise<Response> {
  return fetch(`${fixture.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(metadata),
  });
}

export async function registerClient(
  fixture: Served,
  metadata: Record<string, unknown> = {},
): Promise<TestClient> {
  const response = await register(fixture, {
    // The same app would get the same id each time.
    software_id: randomBytes(6).toString('hex'),
    client_name: 'Test client',
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: 'none',
    ...metadata,
  });
  const body = (await response.json()) as Record<string, unknown>;
  if (response.status !== 201) throw new Error(`registration: ${JSON.stringify(body)}`);
  const [redirectUri = ''] = body['redirect_uris'] as string[];
  const secret = body['client_secret'];
  return {
    clientId: String(body['client_id']),
    redirectUri,
    ...(typeof secret === 'string' ? { clientSecret: secret } : {}),
  };
}

export function newVerifier(): string {
  return randomBytes(32).toString('base64url');
}

function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

export function authorizationUrl(
  fixture: Served,
  client: TestClient,
  verifier: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): string {
  const url = new URL(`${fixture.issuer}/authorize`);
  const params: Record<string, string | undefined> = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: 'catalog:read learner:read',
    state: 'the-state',
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    resource: fixture.resource,
    ...changes,
  };
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.href;
}

export async function post(
  url: string,
  form: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string; json: Record<string, unknown>; headers: Headers }> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) if (value !== undefined) body.set(name, value);
  const response = await fetch(url, { method: 'POST', body, headers });
  const text = await response.text();
  return {
    status: response.status,
    text,
    json: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
    headers: response.headers,
  };
}

export interface Login {
  readonly client: TestClient;
  readonly code: string;
  readonly verifier: string;
}

export async function getCode(
  fixture: Served,
  options: {
    readonly client?: TestClient;
    readonly person?: string;
    readonly browser?: ScriptedBrowser;
    readonly changes?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<Login> {
  const client = options.client ?? (await registerClient(fixture));
  const verifier = newVerifier();
  const final = await signIn(authorizationUrl(fixture, client, verifier, options.changes), {
    person: options.person ?? 'ada',
    ...(options.browser === undefined ? {} : { browser: options.browser }),
  });
  const code = new URL(final).searchParams.get('code');
  if (code === null) throw new Error(`no code in ${final}`);
  return { client, code, verifier };
}

export function redeem(
  fixture: Served,
  { client, code, verifier }: Login,
  changes: Readonly<Record<string, string | undefined>> = {},
): ReturnType<typeof post> {
  return post(`${fixture.issuer}/token`, {
    grant_type: 'authorization_code',
    client_id: client.clientId,
    code,
    code_verifier: verifier,
    redirect_uri: client.redirectUri,
    resource: fixture.resource,
    ...changes,
  });
}

export interface Tokens {
  readonly client: TestClient;
  readonly accessToken: string;
  readonly refreshToken: string;
}

export async function logIn(
  fixture: Served,
  options: Parameters<typeof getCode>[1] = {},
): Promise<Tokens> {
  const login = await getCode(fixture, options);
  const { status, json } = await redeem(fixture, login);
  if (status !== 200) throw new Error(`token: ${JSON.stringify(json)}`);
  return {
    client: login.client,
    accessToken: String(json['access_token']),
    refreshToken: String(json['refresh_token']),
  };
}

export function refresh(
  fixture: Served,
  client: TestClient,
  refreshToken: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): ReturnType<typeof post> {
  return post(`${fixture.issuer}/token`, {
    grant_type: 'refresh_token',
    client_id: client.clientId,
    refresh_token: refreshToken,
    resource: fixture.resource,
    ...changes,
  });
}

export async function readToken(fixture: Fixture, accessToken: string) {
  return jwtVerify(accessToken, createLocalJWKSet(fixture.as.jwks()), {
    issuer: fixture.issuer,
    audience: fixture.resource,
    typ: 'at+jwt',
  });
}
