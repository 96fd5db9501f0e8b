import { type Server, createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CLIENT, SERVER, startCatalog } from '../support/catalog-server.js';
import { providersFile, signIn } from '../support/federated-sign-in.js';
import { freePort } from '../support/free-port.js';
import { IDP_SECRET, type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { runNode, temporaryFolder } from '../support/processes.js';
import { StdioPeer } from '../support/stdio-peer.js';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const SECRETS = {
  UNIVERSITY_SECRET: IDP_SECRET,
  ROOMS_SECRET: 'secret-of-the-rooms-client',
  MAPS_KEY: 'key-of-the-maps-api',
  CATALOG_MCP_SECRET: 'secret-of-the-mcp-server-as-a-client',
};
const TOOL = `export default ({ defineTool, z }) =>
  defineTool({
    name: 'call_api',
    description: 'Calls one of the APIs that the server may call, and says what it answered.',
    scopes: ['catalog:read'],
    input: z.object({ api: z.string() }),
    async handler({ api }, context) {
      const answer = await context.upstream(api).fetch('/who');
      return { content: [{ type: 'text', text: await answer.text() }] };
    },
  });
`;

interface Arrival {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** An API and a token endpoint in one, which keep everything that arrives. */
async function startApi(): Promise<{ origin: string; arrived: Arrival[]; server: Server }> {
  const arrived: Arrival[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      arrived.push({ path: request.url ?? '', headers: request.headers, body });
      const grant = new URLSearchParams(body).get('grant_type');
      const answer =
        request.url === '/token'
          ? {
              access_token: grant === EXCHANGE ? 'exchanged-token' : 'service-token',
              token_type: 'Bearer',
              expires_in: 300,
            }
          : { called: true };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, arrived, server };
}

function upstreamsFile(origin: string, more: object = {}, kinds?: readonly string[]): string {
  const client = { tokenEndpoint: `${origin}/token`, clientId: 'catalog' };
  const upstreams = [
    { name: 'grades', credential: { kind: 'stored', provider: 'university' } },
    {
      name: 'rooms',
      credential: { kind: 'client-credentials', ...client, clientSecretEnv: 'ROOMS_SECRET' },
    },
    {
      name: 'calendar',
      credential: {
        kind: 'token-exchange',
        ...client,
        clientSecretEnv: 'ROOMS_SECRET',
        subject: { kind: 'provider', provider: 'university' },
      },
    },
    {
      name: 'maps',
      credential: { kind: 'static', secretEnv: 'MAPS_KEY' },
      header: { name: 'X-Maps-Key' },
    },
  ].filter(({ credential }) => kinds?.includes(credential.kind) ?? true);
  const path = join(temporaryFolder(), 'upstreams.json');
  const whole = upstreams.map((upstream) => ({ ...upstream, origins: [origin] }));
  writeFileSync(path, JSON.stringify({ ...more, upstreams: whole }));
  return path;
}

function toolsFolder(): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'call-api.js'), TOOL);
  return folder;
}

function clientsFile(resource: string): string {
  const path = join(temporaryFolder(), 'clients.json');
  const client = {
    clientId: 'catalog-mcp',
    clientName: 'The MCP server',
    clientSecretEnv: 'CATALOG_MCP_SECRET',
    grantTypes: [EXCHANGE],
    introspects: [resource],
  };
  writeFileSync(path, JSON.stringify({ clients: [client] }));
  return path;
}

/** The issuers of all signed tokens in what arrived, whoever they are from. */
function issuersIn(arrived: readonly Arrival[]): unknown[] {
  const tokens = JSON.stringify(arrived).match(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g) ?? [];
  return tokens.map((token) => decodeJwt(token).iss);
}

let api: Awaited<ReturnType<typeof startApi>>;
let idp: LoopbackIdp;
const tools = toolsFolder();
beforeAll(async () => {
  [api, idp] = await Promise.all([startApi(), startLoopbackIdp()]);
});
afterAll(async () => {
  await idp.close();
  await new Promise((resolve) => api.server.close(resolve));
});
beforeEach(() => void api.arrived.splice(0));

/** The person behind a token, as the identity provider that issued it says. */
async function personOf(authorization: unknown): Promise<unknown> {
  const response = await fetch(`${idp.issuer}/me`, {
    headers: { authorization: String(authorization) },
  });
  return ((await response.json()) as { sub?: unknown }).sub;
}

describe.each(['in one process', 'apart from its authorization server'])(
  'a server %s',
  (layout) => {
    const servers: Awaited<ReturnType<typeof startCatalog>>[] = [];
    const data = temporaryFolder();
    const home = temporaryFolder();
    let mcp: string;

    beforeAll(async () => {
      const idpArgs = ['--idp', providersFile(idp)];
      const mcpArgs = ['--tools', tools, '--upstreams'];
      if (layout === 'in one process') {
        const args = [...idpArgs, ...mcpArgs, upstreamsFile(api.origin)];
        servers.push(await startCatalog(args, { data, env: SECRETS }));
      } else {
        const [mcpPort, authPort] = [await freePort(), await freePort()];
        const own = { clientId: 'catalog-mcp', clientSecretEnv: 'CATALOG_MCP_SECRET' };
        const file = upstreamsFile(api.origin, { authorizationServer: own });
        const at = ['--port', `${mcpPort}`, '--auth-url', `http://localhost:${authPort}`];
        servers.push(
          await startCatalog(['--role=mcp', ...at, ...mcpArgs, file], { data, env: SECRETS }),
          await startCatalog(
            [
              '--role=auth',
              '--port',
              `${authPort}`,
              '--mcp-url',
              `http://localhost:${mcpPort}`,
              '--clients',
              clientsFile(`http://localhost:${mcpPort}/mcp`),
              ...idpArgs,
            ],
            { data, env: SECRETS },
          ),
        );
      }
      mcp = servers[0]?.ready.mcp ?? '';
      const { run } = await signIn(mcp, home);
      expect(await run.promise).toMatchObject({ code: 0 });
    });
    afterAll(() => Promise.all(servers.map((server) => server.stop())));

    const call = (name: string, env: Record<string, string> = { CATALOG_CLIENT_HOME: home }) =>
      runNode([CLIENT, 'call', mcp, 'call_api', JSON.stringify({ api: name })], { env });

    it("calls an API with the person's own token of the identity provider", async () => {
      expect(await call('grades')).toMatchObject({ code: 0, stdout: '{"called":true}\n' });
      expect(api.arrived.map(({ path }) => path)).toEqual(['/who']);
      expect(await personOf(api.arrived[0]?.headers['authorization'])).toBe('ines');
      expect(issuersIn(api.arrived)).toEqual([]);
    });

    it("exchanges the person's token of the identity provider for one of the API", async () => {
      expect(await call('calendar')).toMatchObject({ code: 0 });
      const [exchange, who] = api.arrived;
      const form = new URLSearchParams(exchange?.body);
      expect(form.get('grant_type')).toBe(EXCHANGE);
      expect(await personOf(`Bearer ${form.get('subject_token')}`)).toBe('ines');
      expect(who?.headers['authorization']).toBe('Bearer exchanged-token');
      expect(issuersIn(api.arrived)).toEqual([]);
    });

    it('gets a token of its own, once for many calls', async () => {
      expect(await call('rooms')).toMatchObject({ code: 0 });
      expect(await call('rooms')).toMatchObject({ code: 0 });
      expect(api.arrived.map(({ path }) => path)).toEqual(['/token', '/who', '/who']);
      expect(api.arrived[2]?.headers['authorization']).toBe('Bearer service-token');
      expect(issuersIn(api.arrived)).toEqual([]);
    });

    it('sends a fixed key in the header that the API wants, and none besides', async () => {
      expect(await call('maps')).toMatchObject({ code: 0 });
      const [{ headers } = { headers: {} as Arrival['headers'] }] = api.arrived;
      expect(headers['x-maps-key']).toBe(SECRETS.MAPS_KEY);
      expect(headers['authorization']).toBeUndefined();
    });

    it('has no token of a person who came with an API key and never signed in at the provider', async () => {
      const made = await runNode([SERVER, 'api-keys', 'create', '--data', data, '--json']);
      const { key } = JSON.parse(made.stdout) as { key: string };
      const env = { CATALOG_CLIENT_HOME: temporaryFolder(), CATALOG_API_KEY: key };
      const refused = await call('grades', env);
      expect(refused).toMatchObject({ code: 2 });
      expect(refused.stdout + refused.stderr).toContain('the person has to sign in there first');
      expect(api.arrived).toEqual([]);
      expect(await call('maps', env)).toMatchObject({ code: 0 });
      expect(JSON.stringify(api.arrived)).not.toContain(key);
    });
  },
);

describe('over stdio', () => {
  it("calls APIs with the server's own credentials", async () => {
    const data = temporaryFolder();
    const made = await runNode([SERVER, 'api-keys', 'create', '--data', data, '--json']);
    const { key } = JSON.parse(made.stdout) as { key: string };
    const file = upstreamsFile(api.origin, {}, ['client-credentials', 'static']);
    const peer = new StdioPeer(
      [SERVER, '--transport=stdio', '--data', data, '--tools', tools, '--upstreams', file],
      { env: { ...SECRETS, CATALOG_API_KEY: key } },
    );
    await peer.initialize();
    for (const name of ['rooms', 'maps']) {
      const { result } = await peer.request('tools/call', {
        name: 'call_api',
        arguments: { api: name },
      });
      expect(result).toMatchObject({ content: [{ text: '{"called":true}' }] });
    }
    expect(api.arrived.map(({ path }) => path)).toEqual(['/token', '/who', '/who']);
    expect(JSON.stringify(api.arrived)).not.toContain(key);
    await peer.close();
  });
});
