import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { resolveIssuers } from '../../src/cli/catalog-server/issuer-settings.js';
import { openIssuers } from '../../src/cli/catalog-server/issuers.js';
import { createAccessTokenVerifier } from '../../src/oauth/access-token.js';
import { systemClock } from '../../src/shared/clock.js';
import { silentLogger } from '../../src/shared/logger.js';
import { type MockIssuer, startMockIssuer } from '../support/mock-issuer.js';
import { ROOT, temporaryFolder } from '../support/processes.js';

const RESOURCE = 'https://catalog.example/mcp';
const APP = '11111111-2222-3333-4444-555555555555';
const TID = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

type Entry = { issuer: string } & Record<string, unknown>;

/** The file that docs/issuers.md shows for a server. */
function documented(name: string): Entry[] {
  const text = readFileSync(join(ROOT, 'docs/issuers.md'), 'utf8');
  const section = text.split(`\n### ${name}\n`)[1] ?? '';
  return JSON.parse(/```json\n([\s\S]*?)```/.exec(section)?.[1] ?? '') as Entry[];
}

async function mock(path: string): Promise<MockIssuer> {
  const issuer = await startMockIssuer(path);
  opened.push(() => issuer.close());
  return issuer;
}

/** The documented file, with the emulations in place of the servers. */
async function serve(name: string, issuers: readonly string[]) {
  const file = join(temporaryFolder(), 'issuers.json');
  const entries = documented(name).map((entry, index) => ({ ...entry, issuer: issuers[index] }));
  writeFileSync(file, JSON.stringify(entries));
  const externalIssuers = resolveIssuers({ issuers: file }, 'mcp');
  const remote = await openIssuers({
    config: { issuer: externalIssuers[0]?.issuer ?? '', externalIssuers },
    resource: RESOURCE,
    env: {},
    logger: silentLogger,
  });
  opened.push(() => remote.forEach((one) => one.close()));
  return createAccessTokenVerifier({
    trustedIssuers: remote.map(({ trusted }) => trusted),
    resource: RESOURCE,
    clock: systemClock,
  });
}

const AS_JWT = { typ: 'JWT' };

describe('Keycloak (emulated)', () => {
  const person = {
    typ: 'Bearer',
    jti: 'onrtac:1',
    sub: '5d0c2f5e',
    azp: 'claude',
    sid: 'session',
    acr: '1',
    'allowed-origins': ['https://app.example'],
    realm_access: { roles: ['offline_access', 'learner:write'] },
    resource_access: { account: { roles: ['manage-account'] } },
    scope: 'openid catalog:read profile',
    preferred_username: 'ada',
  };
  const set = async () => {
    const keycloak = await mock('/realms/staff');
    return { keycloak, verify: await serve('Keycloak', [keycloak.issuer]) };
  };

  test('gives our resource as audience with resource indicators, its mapper name without', async () => {
    const { keycloak, verify } = await set();
    const withIndicators = await verify(await keycloak.sign({ ...person, aud: RESOURCE }, AS_JWT));
    const withMapper = await verify(
      await keycloak.sign({ ...person, aud: ['catalog', 'account'] }, AS_JWT),
    );

    for (const outcome of [withIndicators, withMapper]) {
      expect(outcome).toMatchObject({
        ok: true,
        value: { subject: '5d0c2f5e', clientId: 'claude', tenant: 'staff', isMachine: false },
      });
      // What the person may do at all adds nothing to what this token is for.
      expect(outcome.ok && outcome.value.scopes).toEqual(['openid', 'catalog:read', 'profile']);
    }
  });

  test('is refused with its default audience, and with its ID and refresh tokens', async () => {
    const { keycloak, verify } = await set();
    const refused = async (claims: object) =>
      verify(await keycloak.sign({ ...person, aud: 'catalog', ...claims }, AS_JWT));

    expect(await refused({ aud: 'account' })).toEqual({ ok: false, error: 'wrong_audience' });
    expect(await refused({ typ: 'ID' })).toEqual({ ok: false, error: 'wrong_type' });
    expect(await refused({ typ: 'Refresh' })).toEqual({ ok: false, error: 'wrong_type' });
    expect(await refused({ typ: 'Offline' })).toEqual({ ok: false, error: 'wrong_type' });
  });

  test('marks the service account that the file names as a machine', async () => {
    const { keycloak, verify } = await set();
    const machine = { ...person, preferred_username: 'service-account-importer', azp: 'importer' };
    const outcome = await verify(await keycloak.sign({ ...machine, aud: RESOURCE }, AS_JWT));

    expect(outcome).toMatchObject({ ok: true, value: { isMachine: true } });
  });
});

describe('Auth0 (emulated)', () => {
  const set = async () => {
    const server = await mock('');
    const issuer = `${server.issuer}/`;
    server.metadata = { issuer, jwks_uri: `${server.issuer}/keys` };
    const verify = await serve('Auth0', [issuer]);
    const person = {
      iss: issuer,
      sub: 'auth0|123',
      azp: 'desktop-client',
      aud: ['https://catalog.acme.example', `${issuer}userinfo`],
      scope: 'openid catalog:read',
      permissions: ['catalog:read', 'enrollment:write'],
      'https://acme.example/org': 'acme',
    };
    return { server, issuer, verify, person };
  };

  test('takes tokens of either profile, with scopes from scope and not from permissions', async () => {
    const { server, verify, person } = await set();
    const { azp, ...rest } = person;
    const plain = await verify(await server.sign(person, AS_JWT));
    const profile9068 = await verify(await server.sign({ ...rest, client_id: azp }));

    for (const outcome of [plain, profile9068]) {
      expect(outcome).toMatchObject({
        ok: true,
        value: { tenant: 'acme', clientId: 'desktop-client', scopes: ['openid', 'catalog:read'] },
      });
    }
  });

  test('has an issuer whose slash counts', async () => {
    const { server, verify, person } = await set();

    const outcome = await verify(await server.sign({ ...person, iss: server.issuer }, AS_JWT));
    expect(outcome.ok).toBe(false);
    await expect(serve('Auth0', [server.issuer])).rejects.toThrow(`"${server.issuer}/"`);
  });

  test('marks machines by gty, and refuses ID tokens and tokens of another API', async () => {
    const { server, verify, person } = await set();
    const machine = { ...person, sub: 'desktop-client@clients', gty: 'client-credentials' };

    expect(await verify(await server.sign(machine, AS_JWT))).toMatchObject({
      ok: true,
      value: { isMachine: true },
    });
    expect(await verify(await server.sign({ ...person, nonce: 'n' }, AS_JWT))).toEqual({
      ok: false,
      error: 'wrong_type',
    });
    expect(await verify(await server.sign({ ...person, aud: 'https://other' }, AS_JWT))).toEqual({
      ok: false,
      error: 'wrong_audience',
    });
  });
});

describe('Entra (emulated)', () => {
  const set = async () => {
    const v2 = await mock(`/${TID}/v2.0`);
    // Its documents are under the issuer's own path, without the slash.
    const v1 = await mock(`/${TID}`);
    v1.metadata = { issuer: `${v1.issuer}/` };
    const verify = await serve('Entra', [v2.issuer, `${v1.issuer}/`]);
    return { v2, v1, verify };
  };
  const v2Person = {
    ver: '2.0',
    aud: APP,
    azp: 'client-app',
    oid: 'object-of-ada',
    sub: 'pairwise',
    tid: TID,
    scp: 'catalog:read learner:read',
    name: 'Ada',
    uti: 'x',
    rh: 'y',
  };

  test('takes v2 tokens, with the person by oid and the tenant by tid', async () => {
    const { v2, verify } = await set();

    expect(await verify(await v2.sign(v2Person, AS_JWT))).toMatchObject({
      ok: true,
      value: {
        subject: 'object-of-ada',
        tenant: TID,
        clientId: 'client-app',
        scopes: ['catalog:read', 'learner:read'],
        isMachine: false,
      },
    });
  });

  test('takes v1 tokens under their other issuer and audience, and neither in the place of the other', async () => {
    const { v1, v2, verify } = await set();
    const { azp, ...rest } = v2Person;
    const v1Person = { ...rest, ver: '1.0', appid: azp, aud: `api://${APP}`, iss: `${v1.issuer}/` };

    expect(await verify(await v1.sign(v1Person, AS_JWT))).toMatchObject({
      ok: true,
      value: { clientId: 'client-app', subject: 'object-of-ada' },
    });
    const swapped = await v2.sign({ ...v1Person, iss: v2.issuer }, AS_JWT);
    expect(await verify(swapped)).toEqual({ ok: false, error: 'wrong_audience' });
  });

  test('marks applications by idtyp, with their roles as scopes', async () => {
    const { v2, verify } = await set();
    const { scp: _none, ...rest } = v2Person;
    const app = { ...rest, oid: 'object-of-app', idtyp: 'app', roles: ['catalog:read'] };

    expect(await verify(await v2.sign(app, AS_JWT))).toMatchObject({
      ok: true,
      value: { isMachine: true, scopes: ['catalog:read'] },
    });
  });

  test('is refused at the start as "common", whose metadata names a template', async () => {
    const common = await mock('/common/v2.0');
    common.metadata = { issuer: common.issuer.replace('common', '{tenantid}') };

    await expect(serve('Entra', [common.issuer, 'http://localhost:9/x'])).rejects.toThrow(
      '{tenantid}',
    );
  });
});

describe('Ory Hydra (emulated)', () => {
  const set = async () => {
    const hydra = await mock('');
    const issuer = `${hydra.issuer}/`;
    // Introspection is at the admin port, which nobody names.
    hydra.metadata = { issuer, introspection_endpoint: undefined };
    const verify = await serve('Hydra', [issuer]);
    const person = {
      iss: issuer,
      sub: 'ada',
      client_id: 'desktop',
      aud: [RESOURCE],
      scp: ['openid', 'catalog:read'],
      ext: { tenant: 'north' },
    };
    return { hydra, verify, person };
  };

  test('takes its JWTs, with scopes from an array and the tenant from the session', async () => {
    const { hydra, verify, person } = await set();

    expect(await verify(await hydra.sign(person, AS_JWT))).toMatchObject({
      ok: true,
      value: {
        subject: 'ada',
        clientId: 'desktop',
        tenant: 'north',
        scopes: ['openid', 'catalog:read'],
      },
    });
  });

  test('refuses what was asked for without an audience, and opaque tokens', async () => {
    const { hydra, verify, person } = await set();

    expect(await verify(await hydra.sign({ ...person, aud: [] }, AS_JWT))).toEqual({
      ok: false,
      error: 'wrong_audience',
    });
    expect((await verify('ory_at_opaque.token')).ok).toBe(false);
  });

  test('marks machines by their subject', async () => {
    const { hydra, verify, person } = await set();

    expect(await verify(await hydra.sign({ ...person, sub: 'desktop' }, AS_JWT))).toMatchObject({
      ok: true,
      value: { isMachine: true },
    });
  });
});
