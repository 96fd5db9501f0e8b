import { type CryptoKey, SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import {
  type ApiKeyStore,
  type AuditLog,
  type HttpServer,
  type HttpServerOptions,
  type InboundTokens,
  type Listening,
  type Registry,
  type SessionStore,
  createApiKey,
  createHttpServer,
  createRegistry,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
} from '../../../src/server/index.js';
import type { Clock } from '../../../src/shared/clock.js';
import { createSqliteApiKeyStore } from '../../../src/storage/sqlite/api-key-store.js';
import { createSqliteAuditLog } from '../../../src/storage/sqlite/audit-log.js';
import { type SqliteDatabase, openSqlite } from '../../../src/storage/sqlite/database.js';
import { createSqliteEventLog } from '../../../src/storage/sqlite/event-log.js';
import { createSqliteMessageBus } from '../../../src/storage/sqlite/message-bus.js';
import { migrate } from '../../../src/storage/sqlite/migrate.js';
import { createSqliteSessionStore } from '../../../src/storage/sqlite/session-store.js';

export const ISSUER = 'https://issuer.example';
export const START_MS = Date.UTC(2026, 10, 21);

export interface TestClock extends Clock {
  advance(seconds: number): void;
}

export function testClock(startMs: number = START_MS): TestClock {
  let now = startMs;
  return {
    nowMs: () => now,
    advance(seconds) {
      now += seconds * 1000;
    },
  };
}

/** An authorization server as far as a resource server sees one. */
interface TestIssuer {
  readonly trusted: NonNullable<HttpServerOptions['authentication']>['trustedIssuers'][number];
  readonly privateKey: CryptoKey;
  sign(options: TokenOptions): Promise<string>;
}

export interface TokenOptions {
  readonly aud: string | readonly string[];
  readonly scope?: string;
  readonly sub?: string;
  readonly iss?: string;
  readonly typ?: string;
  readonly kid?: string;
  readonly alg?: string;
  readonly key?: CryptoKey | Uint8Array;
  readonly lifetimeSeconds?: number;
  readonly notBeforeSeconds?: number;
  readonly claims?: Readonly<Record<string, unknown>>;
}

async function testIssuer(clock: Clock): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const now = Math.floor(clock.nowMs() / 1000);
  return {
    privateKey,
    trusted: {
      issuer: ISSUER,
      identity: 'local',
      keys: createLocalJWKSet({
        keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }],
      }),
      claims: { tenant: 'tenant' },
    },
    sign: (options) => {
      const jwt = new SignJWT({
        client_id: 'test-client',
        tenant: 'acme',
        scope: options.scope ?? 'notes:read',
        ...options.claims,
      })
        .setProtectedHeader({
          alg: options.alg ?? 'ES256',
          typ: options.typ ?? 'at+jwt',
          kid: options.kid ?? 'one',
        })
        .setIssuer(options.iss ?? ISSUER)
        .setSubject(options.sub ?? 'ada')
        .setAudience(options.aud as string)
        .setIssuedAt(now)
        .setExpirationTime(now + (options.lifetimeSeconds ?? 600));
      if (options.notBeforeSeconds !== undefined) jwt.setNotBefore(now + options.notBeforeSeconds);
      return jwt.sign(options.key ?? privateKey);
    },
  };
}

export interface TestServer {
  readonly http: HttpServer;
  readonly listening: Listening;
  readonly mcpUrl: string;
  readonly clock: TestClock;
  readonly issuer: TestIssuer;
  readonly database: SqliteDatabase;
  readonly stores: {
    readonly sessions: SessionStore;
    readonly apiKeys: ApiKeyStore;
    readonly audit: AuditLog;
  };
  token(options?: Partial<TokenOptions>): Promise<string>;
  apiKey(scopes?: readonly string[]): Promise<string>;
  /** A second process, as it were: another listener over the same stores, under the same public URL. */
  second(): Promise<{ readonly url: string; readonly http: HttpServer; close(): Promise<void> }>;
  close(): Promise<void>;
}

export async function startTestServer(
  options: Partial<HttpServerOptions> & {
    readonly isOpen?: boolean;
    readonly inboundTokens?: InboundTokens;
    /** Whether {@link TestServer.second} hears of what happens in the first, and the other way round. */
    readonly isShared?: boolean;
  } = {},
): Promise<TestServer> {
  const { isOpen = false, isShared = false, inboundTokens, ...overrides } = options;
  const clock = testClock();
  const issuer = await testIssuer(clock);
  const database = openSqlite(':memory:');
  migrate(database);
  const stores = {
    sessions: createSqliteSessionStore(database),
    apiKeys: createSqliteApiKeyStore(database),
    audit: createSqliteAuditLog(database),
  };
  const settings: HttpServerOptions = {
    registry: notesRegistry(),
    serverInfo: { name: 'notes', version: '1.0.0' },
    authentication: isOpen
      ? undefined
      : { trustedIssuers: [issuer.trusted], apiKeys: stores.apiKeys, inboundTokens },
    authorizationServers: [ISSUER],
    scopes: { supported: ['notes:read', 'notes:write'], default: ['notes:read'] },
    sessions: stores.sessions,
    events: createSqliteEventLog(database),
    audit: stores.audit,
    stateSecret: new Uint8Array(32).fill(7),
    clock,
    limits: { drainMs: 100 },
    ...(isShared && { bus: createSqliteMessageBus(database) }),
    ...overrides,
  };
  const http = createHttpServer(settings);
  const listening = await http.listen({ port: 0 });
  const { mcpUrl } = listening;
  return {
    http,
    listening,
    mcpUrl,
    clock,
    issuer,
    database,
    stores,
    token: (token = {}) => issuer.sign({ aud: mcpUrl, ...token }),
    async apiKey(scopes = ['notes:read']) {
      const owner = { issuer: 'local', subject: 'ada', tenant: 'acme' };
      const { key } = await createApiKey(stores.apiKeys, { name: 'test', scopes, ...owner }, clock);
      return key;
    },
    async second() {
      const other = createHttpServer({
        ...settings,
        // As a process of its own has it.
        ...(settings.bus !== undefined && { bus: createSqliteMessageBus(database) }),
        publicUrl: listening.publicUrl,
      });
      const { port } = await other.listen({ port: 0 });
      return { url: `http://localhost:${port}/mcp`, http: other, close: () => other.close() };
    },
    async close() {
      await http.close();
      database.close();
    },
  };
}

/** A domain of two tools, a resource, a template and a prompt. */
export function notesRegistry(): Registry {
  return createRegistry({
    tools: [
      defineTool({
        name: 'read_note',
        description: 'Reads one note of the person who asks.',
        scopes: ['notes:read'],
        input: z.object({ id: z.string() }),
        output: z.object({ id: z.string(), owner: z.string() }),
        handler: ({ id }, { principal }) => ({
          structured: { id, owner: principal?.subject ?? 'nobody' },
        }),
      }),
      defineTool({
        name: 'write_note',
        description: 'Writes one note, and needs to read for it.',
        scopes: ['notes:read', 'notes:write'],
        input: z.object({ text: z.string() }),
        handler: () => ({ content: [{ type: 'text', text: 'written' }] }),
      }),
      defineTool({
        name: 'greet',
        description: 'Asks for a first and a last name, one after the other.',
        scopes: ['notes:read'],
        input: z.object({ greeting: z.string().optional() }),
        async handler({ greeting = 'Hello' }, context) {
          const { first } = await context.ask({ first: nameQuestion('First name?') });
          const { last } = await context.ask({ last: nameQuestion('Last name?') });
          const name = [first, last].map((it) => (it['content'] as { name: string }).name);
          return { content: [{ type: 'text', text: `${greeting}, ${name.join(' ')}` }] };
        },
      }),
      defineTool({
        name: 'break',
        description: 'Throws an error whose text nobody but the operator may see.',
        scopes: [],
        handler: () => {
          throw new Error('the password is hunter2');
        },
      }),
    ],
    resources: [
      defineResource({
        uri: 'notes://motd',
        name: 'motd',
        scopes: ['notes:read'],
        read: async () => [{ text: 'Hi' }],
      }),
    ],
    resourceTemplates: [
      defineResourceTemplate({
        uriTemplate: 'notes://{id}/text',
        name: 'note',
        scopes: ['notes:read'],
        read: async ({ id }) => (id === 'none' ? undefined : [{ text: `note ${id}` }]),
        complete: { id: (value) => ['one', 'two'].filter((id) => id.startsWith(value)) },
      }),
    ],
    prompts: [
      definePrompt({
        name: 'summarise',
        scopes: ['notes:read'],
        arguments: [{ name: 'id', required: true }],
        render: async ({ id }) => ({
          messages: [{ role: 'user', content: { type: 'text', text: `Summarise ${id}` } }],
        }),
      }),
    ],
  });
}

function nameQuestion(message: string) {
  return { kind: 'form', message, schema: z.object({ name: z.string() }) } as const;
}
