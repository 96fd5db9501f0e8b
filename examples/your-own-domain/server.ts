// node --import tsx examples/your-own-domain/server.ts http|stdio DATA_FOLDER [PORT]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthorizationServer } from 'catalog-mcp/authorization';
import * as toolkit from 'catalog-mcp/server';
import { openSqliteStorage } from 'catalog-mcp/storage';
import { SCOPES, createRooms } from './rooms.ts';

const [transport, data = 'rooms-data', port = '3100'] = process.argv.slice(2);
const clock = { nowMs: () => Date.now() };
const logger = { debug() {}, info() {}, warn: console.error, error: console.error };
mkdirSync(data, { recursive: true });
const storage = openSqliteStorage(join(data, 'mcp.sqlite'));
const secret = Buffer.from(process.env['ROOMS_SECRET'] ?? 'for this example only, never in use');
const ada = { id: 'ada', displayName: 'Ada', tenant: 'acme', scopes: Object.keys(SCOPES) };
const shared = {
  registry: createRooms(join(data, 'rooms.sqlite')),
  serverInfo: { name: 'meeting-rooms', version: '1.0.0' },
  audit: storage.audit,
  stateSecret: secret,
};

if (transport === 'stdio') {
  const key = process.env['ROOMS_API_KEY'] ?? '';
  const checked = await toolkit.verifyApiKey(storage.apiKeys, key, clock);
  const message = 'ROOMS_API_KEY is missing or not valid';
  const credential = checked.ok ? checked : toolkit.err({ message });
  await toolkit.serveStdio({ ...shared, credential, input: process.stdin, output: process.stdout })
    .closed;
} else {
  const url = `http://localhost:${port}`;
  await storage.authorization.users.upsert({ ...ada, isDisabled: false });
  const authorization = await createAuthorizationServer({
    ...{ issuer: url, stores: storage.authorization, masterSecret: secret, clock, logger },
    resources: [{ resource: `${url}/mcp`, scopes: SCOPES, defaultScopes: ['rooms:read'] }],
    signIn: { kind: 'demo' },
  });
  const trustedIssuers = [toolkit.trustInProcess(authorization)];
  const { mcpUrl } = await toolkit.serveHttp({
    ...{ ...shared, port: Number(port), publicUrl: url },
    ...{ sessions: storage.sessions, events: storage.events, logger },
    authentication: { trustedIssuers, apiKeys: storage.apiKeys },
    authorizationServers: [url],
    scopes: { supported: ['rooms:read'], default: ['rooms:read'] },
    handlers: [(request, response) => authorization.handle(request, response)],
  });
  const owner = { issuer: toolkit.LOCAL_ISSUER, subject: ada.id, tenant: ada.tenant };
  const options = { ...owner, name: 'example', scopes: ada.scopes, ttlSeconds: 3600 };
  const { key } = await toolkit.createApiKey(storage.apiKeys, options, clock);
  console.log(JSON.stringify({ mcp: mcpUrl, apiKey: key }));
}
