// node --import tsx examples/your-own-domain/server.ts http|stdio DATA_FOLDER [PORT]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthorizationServer } from 'catalog-mcp/authorization';
import * as toolkit from 'catalog-mcp/server';
import { openSqliteStorage } from 'catalog-mcp/storage';
import { SCOPES, createRooms } from './rooms.ts';

const [transport, data = 'rooms-data', port = '3100'] = process.argv.slice(2);
mkdirSync(data, { recursive: true });
const storage = openSqliteStorage(join(data, 'mcp.sqlite'));
const secret = Buffer.from(process.env['ROOMS_SECRET'] ?? 'for this example only, never in use');
const shared = {
  registry: createRooms(join(data, 'rooms.sqlite')),
  serverInfo: { name: 'meeting-rooms', version: '1.0.0' },
  stateSecret: secret,
  ...storage,
};

async function overStdio(): Promise<void> {
  const key = process.env['ROOMS_API_KEY'];
  const credential = await toolkit.credentialFromApiKey(storage.apiKeys, key);
  await toolkit.serveStdio({ ...shared, credential }).closed;
}

async function overHttp(url: string): Promise<void> {
  const ada = { id: 'ada', displayName: 'Ada', tenant: 'acme', scopes: Object.keys(SCOPES) };
  await storage.authorization.users.upsert({ ...ada, isDisabled: false });
  const authorization = await createAuthorizationServer({
    issuer: url,
    stores: storage.authorization,
    masterSecret: secret,
    resources: [{ resource: `${url}/mcp`, scopes: SCOPES, defaultScopes: ['rooms:read'] }],
    signIn: { kind: 'demo' },
  });
  const { mcpUrl } = await toolkit.serveHttp({
    ...shared,
    port: Number(port),
    publicUrl: url,
    authentication: { trustedIssuers: [toolkit.trustInProcess(authorization)], ...storage },
    authorizationServers: [url],
    scopes: { supported: ['rooms:read'], default: ['rooms:read'] },
    handlers: [(request, response) => authorization.handle(request, response)],
  });
  const owner = { issuer: toolkit.LOCAL_ISSUER, subject: ada.id, name: 'example', ...ada };
  const { key } = await toolkit.createApiKey(storage.apiKeys, owner);
  console.log(JSON.stringify({ mcp: mcpUrl, apiKey: key }));
}

await (transport === 'stdio' ? overStdio() : overHttp(`http://localhost:${port}`));
