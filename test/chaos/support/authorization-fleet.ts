import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashPassword } from '../../../src/authorization/index.js';
import { openPostgresStorage } from '../../../src/storage/index.js';
import type { Served } from '../../authorization/fixture.js';
import {
  IDP_CLIENT_ID,
  IDP_SECRET,
  type LoopbackIdp,
  startLoopbackIdp,
} from '../../support/loopback-idp.js';
import { temporaryFolder } from '../../support/processes.js';
import { type Fleet, startCatalogFleet } from './fleet.js';

export const CLIENT_SECRET = 'secret-of-the-machines-1';
export const LOCAL_USER = { userName: 'anna', password: 'correct horse battery staple' };
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Two servers with every way to sign in and every grant, behind the round robin. */
export interface AuthorizationFleet {
  readonly fleet: Fleet;
  /** What clients see: the proxy. */
  readonly served: Served;
  readonly idp: LoopbackIdp;
  stop(): Promise<void>;
}

export async function startAuthorizationFleet(): Promise<AuthorizationFleet> {
  const idp = await startLoopbackIdp();
  const folder = temporaryFolder();
  const write = (name: string, content: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  write('client-secret', CLIENT_SECRET);
  write('idp-secret', IDP_SECRET);
  const providers = write('providers.json', {
    providers: [
      {
        id: 'university',
        profile: 'openid',
        label: 'University login',
        issuer: idp.issuer,
        clientId: IDP_CLIENT_ID,
        clientSecretFile: 'idp-secret',
        keepTokens: true,
        allow: [{ domain: 'north.example', tenant: 'north' }],
      },
    ],
  });
  const clientsAt = (origin: string): string => {
    const secret = { clientSecretFile: join(folder, 'client-secret') };
    return write('clients.json', {
      clients: [
        {
          clientId: 'nightly-import',
          clientName: 'Nightly import',
          ...secret,
          grantTypes: ['client_credentials'],
          scopes: ['catalog:read'],
          tenant: 'north',
        },
        {
          clientId: 'resource-server',
          clientName: 'Resource server',
          ...secret,
          grantTypes: [TOKEN_EXCHANGE],
          introspects: [`${origin}/mcp`],
        },
      ],
    });
  };
  const fleet = await startCatalogFleet((origin) => [
    '--sign-in=demo,local,idp',
    `--idp=${providers}`,
    `--clients=${clientsAt(origin)}`,
  ]);
  await fleet.start();
  await addLocalUser(fleet.database);
  const issuer = fleet.proxy.origin;
  return {
    fleet,
    served: { issuer, resource: `${issuer}/mcp` },
    idp,
    async stop() {
      await fleet.stop();
      await idp.close();
    },
  };
}

async function addLocalUser(database: string): Promise<void> {
  const storage = await openPostgresStorage(database, { poolSize: 1 });
  const { userName, password } = LOCAL_USER;
  await storage.authorization.passwords.create(
    {
      id: 'local-anna',
      displayName: 'Anna Weber',
      tenant: 'north',
      scopes: ['catalog:read'],
      isDisabled: false,
    },
    { userName, userId: 'local-anna', passwordHash: await hashPassword(password), changedAt: 1 },
  );
  await storage.close();
}
