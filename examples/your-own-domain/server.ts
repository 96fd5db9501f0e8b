// node --import tsx examples/your-own-domain/server.ts http|stdio DATA_FOLDER [PORT]
import { join } from 'node:path';
import { createAuthorizationServer } from 'catalog-mcp/authorization';
import * as toolkit from 'catalog-mcp/server';
import { openSqlite, openSqliteStorage } from 'catalog-mcp/storage';
import * as rooms from './rooms.ts';

const [transport, data = 'rooms-data', port = '3100'] = process.argv.slice(2);
const storage = openSqliteStorage(join(data, 'mcp.sqlite'));
const database = openSqlite(join(data, 'rooms.sqlite'));
// Save rooms.ts, and connected clients have the new tools. In production: registry = createRooms(database).
const changes = toolkit.createChanges();
const load = (module: typeof rooms) => module.createRooms(database);
const from = { entry: new URL('rooms.ts', import.meta.url), load };
const { registry } = await toolkit.watchTools({ from, changes, onError: console.error });
const secret = Buffer.from(process.env['ROOMS_SECRET'] ?? 'for this example only, never in use');
const serverInfo = { name: 'meeting-rooms', version: '1.0.0' };
const shared = { registry, changes, serverInfo, stateSecret: secret, ...storage };

async function overStdio(): Promise<void> {
  const key = process.env['ROOMS_API_KEY'];
  const credential = await toolkit.credentialFromApiKey(storage.apiKeys, key);
  await toolkit.serveStdio({ ...shared, credential }).closed;
}

async function overHttp(url: string): Promise<void> {
  const ada = { id: 'ada', displayName: 'Ada', tenant: 'acme', scopes: Object.keys(rooms.SCOPES) };
  await storage.authorization.users.upsert({ ...ada, isDisabled: false });
  const authorization = await createAuthorizationServer({
    issuer: url,
    stores: storage.authorization,
    masterSecret: secret,
    resources: [{ resource: `${url}/mcp`, scopes: rooms.SCOPES, defaultScopes: ['rooms:read'] }],
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
