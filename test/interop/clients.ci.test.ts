import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modernCall, startCatalog } from '../support/catalog-server.js';
import { freePort } from '../support/free-port.js';
import { ROOT, runNode, temporaryFolder } from '../support/processes.js';
import { type Peers, installPeers } from './peers.js';
import { type SecureSite, startSecureSite } from './support.js';
import { CLIENTS, type ThirdPartyClient } from './third-party-clients.js';

/** One for each login. */
interface Grant {
  readonly id: string;
  readonly clientId: string;
  /** Epoch seconds. */
  readonly lastUsedAt: number;
}

const INSTALL_LIMIT_MS = 300_000;
const EXPIRY_LIMIT_MS = 60_000;
const POLL_MS = 500;

let peers: Peers;
let site: SecureSite;

beforeAll(async () => {
  peers = await installPeers();
  site = await startSecureSite(peers);
}, INSTALL_LIMIT_MS);
afterAll(() => site?.close());

/** A server that takes the documents of this machine's web site. */
function start(
  args: readonly string[],
  data: string = temporaryFolder(),
): ReturnType<typeof startCatalog> {
  const env = { NODE_EXTRA_CA_CERTS: site.certificateFile };
  return startCatalog([...args, '--local-documents', 'on'], { data, env });
}

describe('clients of others, unmodified', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;
  const signedIn = new Map<string, { readonly client: ThirdPartyClient; readonly grant: Grant }>();

  beforeAll(async () => {
    server = await start(['--access-token-ttl', '2']);
  });

  afterAll(async () => {
    for (const { client } of signedIn.values()) await client.close?.();
    await server?.stop();
  });

  async function listGrants(): Promise<readonly Grant[]> {
    const args = ['grants', 'list', '--json', '--data', server.data];
    const run = await runNode([join(ROOT, 'dist/bin/catalog-server.js'), ...args]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return (JSON.parse(run.stdout) as { grants: Grant[] }).grants;
  }

  describe.each(CLIENTS)('%s', (name, startClient) => {
    it('signs in once and calls a tool', async () => {
      const client = await startClient({ mcp: server.ready.mcp, peers, site });
      expect(await client.callTool()).toContain('sql-basics');
      const known = new Set([...signedIn.values()].map(({ grant }) => grant.id));
      const made = (await listGrants()).filter(({ id }) => !known.has(id));
      expect(made).toHaveLength(1);
      expect(made[0]?.clientId).toMatch(client.clientId ?? /^app-/);
      expect(client.browser.timesOpened()).toBe(client.openings);
      const [grant] = made;
      if (grant !== undefined) signedIn.set(name, { client, grant });
    });
  });

  describe('after their access tokens have expired', () => {
    // The server allows for clocks that differ: a token is over when it is refused, not when its time is up.
    beforeAll(async () => {
      const youngest = [...signedIn.values()].at(-1)?.client.accessToken?.() ?? '';
      expect(youngest).not.toBe('');
      const until = performance.now() + EXPIRY_LIMIT_MS;
      let status = 200;
      while (status !== 401 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        const headers = { authorization: `Bearer ${youngest}` };
        ({ status } = await modernCall(server.ready.mcp, 'tools/list', {}, headers));
      }
      expect(status).toBe(401);
    });

    it.each(CLIENTS)('%s calls a tool again without a login', async (name) => {
      const { client, grant } = signedIn.get(name) ?? {};
      if (client === undefined || grant === undefined) throw new Error(`${name} is not signed in`);

      // In the process that stayed, where there is one, then in a new one.
      if (client.callToolAgain !== undefined) {
        expect(await client.callToolAgain()).toContain('sql-basics');
      }
      expect(await client.callTool()).toContain('sql-basics');

      const after = await listGrants();
      const logins = [...signedIn.values()].map((each) => each.grant.id);
      expect(after.map(({ id }) => id).toSorted()).toEqual(logins.toSorted());
      expect(client.browser.timesOpened()).toBe(client.openings);
      // What was used for it is the refresh token of that one login.
      const lastUsedAt = after.find(({ id }) => id === grant.id)?.lastUsedAt;
      expect(lastUsedAt).toBeGreaterThan(grant.lastUsedAt);
    });
  });
});

describe('clients of others at an authorization server under a path, on a port of its own', () => {
  const servers: Awaited<ReturnType<typeof startCatalog>>[] = [];
  let mcp: string;

  beforeAll(async () => {
    const data = temporaryFolder();
    const [mcpPort, authPort] = [`${await freePort()}`, `${await freePort()}`];
    const origin = `http://localhost:${authPort}`;
    const forAuth = ['--port', authPort, '--issuer-path', '/tenants/t1'];
    servers.push(
      await start(['--role=mcp', '--port', mcpPort, '--auth-url', `${origin}/tenants/t1`], data),
      await start(['--role=auth', ...forAuth, '--mcp-url', `http://localhost:${mcpPort}`], data),
    );
    mcp = `http://localhost:${mcpPort}/mcp`;
  });

  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  it.each(CLIENTS)('%s signs in and calls a tool', async (_name, startClient) => {
    const client = await startClient({ mcp, peers, site });
    try {
      expect(await client.callTool()).toContain('sql-basics');
    } finally {
      await client.close?.();
    }
  });
});
