import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, startCatalog } from '../support/catalog-server.js';
import { freePort } from '../support/free-port.js';
import { providersFile, signIn } from '../support/federated-sign-in.js';
import { IDP_SECRET, type LoopbackIdp, startLoopbackIdp } from '../support/loopback-idp.js';
import { ROOT, runNode, temporaryFolder } from '../support/processes.js';
import { readForm } from '../support/scripted-browser.js';

const OPERATOR = join(ROOT, 'dist/bin/catalog-server.js');

type Catalog = Awaited<ReturnType<typeof startCatalog>>;

describe.each(['embedded', 'on its own port'] as const)(
  'the authorization server, %s, with an identity provider',
  (layout) => {
    let idp: LoopbackIdp;
    let servers: Catalog[];
    let mcp: string;

    beforeAll(async () => {
      idp = await startLoopbackIdp();
      const env = { UNIVERSITY_SECRET: IDP_SECRET };
      const idpArgs = ['--idp', providersFile(idp)];
      if (layout === 'embedded') {
        servers = [await startCatalog(idpArgs, { env })];
      } else {
        const data = temporaryFolder();
        const [mcpPort, authPort] = [await freePort(), await freePort()];
        servers = [
          await startCatalog(
            ['--role=mcp', '--port', `${mcpPort}`, '--auth-url', `http://localhost:${authPort}`],
            { data },
          ),
          await startCatalog(
            [
              '--role=auth',
              '--port',
              `${authPort}`,
              '--mcp-url',
              `http://localhost:${mcpPort}`,
              ...idpArgs,
            ],
            { data, env },
          ),
        ];
      }
      mcp = servers[0]?.ready.mcp ?? '';
    });

    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()));
      await idp.close();
    });

    it('signs a person in, consent first, and serves them as who they are there', async () => {
      const home = temporaryFolder();
      const { page, last, run } = await signIn(mcp, home);
      expect(page.body).toContain('Allow and continue with University login');
      expect(page.body).not.toContain('Demo sign-in');
      expect(last.status).toBe(200);
      expect(await run.promise).toMatchObject({ code: 0 });
      const client = (...args: string[]) =>
        runNode([CLIENT, ...args, '--json'], { env: { CATALOG_CLIENT_HOME: home } });
      const whoami = await client('call', 'get_learner', '{}');
      expect(whoami).toMatchObject({ code: 0 });

      const server = servers.at(-1);
      if (server === undefined) throw new Error('no server');
      const operate = (...args: string[]) =>
        runNode([OPERATOR, 'users', ...args, '--data', server.data, '--json']);
      const list = await operate('list');
      const { users } = JSON.parse(list.stdout) as {
        users: { displayName: string; tenant: string; identities: string[]; id: string }[];
      };
      const ines = users.find(({ displayName }) => displayName === 'Ines Duarte');
      expect(ines).toMatchObject({ tenant: 'north', identities: [`${idp.issuer} ines`] });

      // The operator ends it, from another process: the client is out within 5 seconds, and nobody gets in again.
      expect(await operate('disable', ines?.id ?? '')).toMatchObject({ code: 0 });
      await expect
        .poll(async () => (await client('call', 'get_learner', '{}')).code, { timeout: 10_000 })
        .toBe(4);
      const again = await signIn(mcp, temporaryFolder());
      expect(again.last.status).toBe(403);
      expect(again.last.body).toContain(
        'The account of Ines Duarte is switched off on this server.',
      );
      await again.browser.submit(again.last, { ...readForm(again.last).fields, decision: 'deny' });
      expect(await again.run.promise).toMatchObject({ code: 4 });
    });
  },
);
