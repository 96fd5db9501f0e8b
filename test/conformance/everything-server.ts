/**
 * The server that the official conformance suite is run against: built with the public toolkit alone.
 *
 *   npm run everything-server -- --port 0 [--bearer]
 *
 * Prints one JSON line when it is ready: {"url","token"}. With --bearer it is a protected resource, and the token is
 * one that its own throw-away issuer signed.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair } from 'jose';
import {
  type AuthenticationOptions,
  createChanges,
  createHttpServer,
} from '../../src/server/index.js';
import { createSqliteApiKeyStore } from '../../src/storage/sqlite/api-key-store.js';
import { createSqliteAuditLog } from '../../src/storage/sqlite/audit-log.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { createSqliteEventLog } from '../../src/storage/sqlite/event-log.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { createSqliteSessionStore } from '../../src/storage/sqlite/session-store.js';
import { createSqliteTaskStore } from '../../src/storage/sqlite/task-store.js';
import { everythingRegistry } from './everything/registry.js';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, bearer: { type: 'boolean', default: false } },
});

const database = openSqlite(':memory:');
migrate(database);
const changes = createChanges();
const ISSUER = 'http://localhost/conformance-issuer';
const keyPair = await generateKeyPair('ES256');

const authentication: AuthenticationOptions = {
  trustedIssuers: [
    {
      issuer: ISSUER,
      identity: ISSUER,
      keys: createLocalJWKSet({
        keys: [{ ...(await exportJWK(keyPair.publicKey)), kid: 'conformance', alg: 'ES256' }],
      }),
    },
  ],
  apiKeys: createSqliteApiKeyStore(database),
};

const server = createHttpServer({
  registry: everythingRegistry(changes),
  serverInfo: { name: 'everything-server', version: '1.0.0', title: 'Everything server' },
  authentication: values.bearer ? authentication : undefined,
  authorizationServers: [ISSUER],
  sessions: createSqliteSessionStore(database),
  events: createSqliteEventLog(database),
  audit: createSqliteAuditLog(database),
  tasks: createSqliteTaskStore(database),
  stateSecret: randomBytes(32),
  changes,
});

const { mcpUrl } = await server.listen({ port: Number(values.port) });
const token = values.bearer
  ? await new SignJWT({ client_id: 'conformance-suite', scope: '' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'conformance' })
      .setIssuer(ISSUER)
      .setSubject('conformance-suite-user')
      .setAudience(mcpUrl)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(keyPair.privateKey)
  : null;
process.stdout.write(`${JSON.stringify({ url: mcpUrl, token })}\n`);

const stop = (): void => {
  void server.close().then(() => database.close());
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
