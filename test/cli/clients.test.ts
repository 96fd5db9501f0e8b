import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCatalogServer } from '../../src/cli/catalog-server/program.js';
import { resolveConfig } from '../../src/cli/catalog-server/config.js';
import { clientOptionsOf } from '../../src/cli/catalog-server/client-options.js';
import { temporaryFolder } from '../support/processes.js';

async function run(data: string, ...argv: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runCatalogServer(['clients', ...argv, '--data', data], {
    env: {},
    stdin: process.stdin,
    stdout: { write: (text: string) => ((stdout += text), true) },
    stderr: { write: (text: string) => ((stderr += text), true) },
  } as never);
  return { code, stdout, stderr };
}

describe('catalog-server clients', () => {
  it('adds a machine and shows its secret once, never again', async () => {
    const data = temporaryFolder();
    const added = await run(
      data,
      'add',
      'Importer',
      '--id',
      'importer',
      '--tenant',
      'north',
      '--json',
    );
    const { clientSecret } = JSON.parse(added.stdout) as { clientSecret: string };
    const later = [
      await run(data, 'list'),
      await run(data, 'list', '--json'),
      await run(data, 'show', 'importer'),
      await run(data, 'show', 'importer', '--json'),
    ];

    expect(added.code).toBe(0);
    expect(clientSecret).toMatch(/^[\w-]{43}$/);
    for (const { code, stdout, stderr } of later) {
      expect(code).toBe(0);
      expect(stdout).toContain('importer');
      expect(stdout + stderr).not.toContain(clientSecret);
    }
    expect(JSON.parse(later[3]?.stdout ?? '')).toMatchObject({
      clientId: 'importer',
      source: 'operator',
      metadata: { grant_types: ['client_credentials'], tenant: 'north' },
    });
  });

  it('revokes a client and says what it does not know', async () => {
    const data = temporaryFolder();
    await run(data, 'add', 'Web', '--id', 'web', '--redirect-uri', 'https://app.example/cb');
    const revoked = await run(data, 'revoke', 'web', '--json');
    const again = await run(data, 'revoke', 'web');
    const shown = await run(data, 'show', 'web');

    expect(JSON.parse(revoked.stdout)).toEqual({ clientId: 'web', isRevoked: true });
    expect([again.code, shown.code]).toEqual([1, 1]);
    expect(again.stderr).toContain('clients list');
  });

  it('takes public keys in place of a secret, and refuses private ones', async () => {
    const data = temporaryFolder();
    const file = join(data, 'jwks.json');
    const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
    writeFileSync(file, JSON.stringify({ keys: [key] }));
    const good = await run(data, 'add', 'Signer', '--tenant', 'north', '--jwks', file, '--json');
    writeFileSync(file, JSON.stringify({ keys: [{ ...key, d: 'secret' }] }));
    const bad = await run(data, 'add', 'Signer', '--tenant', 'north', '--jwks', file);

    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).not.toHaveProperty('clientSecret');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('private key');
  });

  const wrong = [
    { name: 'a machine without a tenant', argv: ['add', 'M'], says: 'tenant' },
    {
      name: 'an unknown grant',
      argv: ['add', 'M', '--grant', 'password'],
      says: '--grant "password"',
    },
    { name: 'an unknown scope', argv: ['add', 'M', '--scope', 'x:y'], says: '--scope "x:y"' },
    {
      name: 'a redirect URI that is not usable',
      argv: ['add', 'M', '--redirect-uri', 'http://evil.example'],
      says: 'redirect URI',
    },
  ];
  it.each(wrong)('refuses $name with exit code 1', async ({ argv, says }) => {
    const { code, stderr } = await run(temporaryFolder(), ...argv);

    expect(code).toBe(1);
    expect(stderr).toContain(says);
  });

  it('does not give a machine the id of a person, nor an id twice', async () => {
    const data = temporaryFolder();
    const add = () => run(data, 'add', 'M', '--id', 'm', '--tenant', 'north');
    const [first, second] = [await add(), await add()];

    expect([first.code, second.code]).toEqual([0, 1]);
    expect(second.stderr).toContain('is taken');
  });
});

describe('the settings about clients', () => {
  it('let documents, dynamic registration and devices in by default', async () => {
    const { registration } = resolveConfig({}, {});

    expect(await clientOptionsOf(registration, {})).toEqual({
      clients: [],
      registration: {
        isEnabled: true,
        allowsPrivateUseSchemes: true,
        documents: { isEnabled: true, dangerouslyAllowLoopback: false },
      },
      grants: { device: true },
      signingAlgorithms: ['ES256'],
    });
  });

  it('can switch each of them off', async () => {
    const { registration } = resolveConfig(
      {
        clientRegistration: 'none',
        deviceSignIn: 'off',
        appSchemes: 'off',
        tokenAlgorithm: 'RS256',
      },
      {},
    );

    expect(await clientOptionsOf(registration, {})).toMatchObject({
      registration: {
        isEnabled: false,
        allowsPrivateUseSchemes: false,
        documents: { isEnabled: false },
      },
      grants: { device: false },
      signingAlgorithms: ['RS256'],
    });
  });

  it('read clients from a file, their secrets from the environment', async () => {
    const file = join(temporaryFolder(), 'clients.json');
    writeFileSync(
      file,
      JSON.stringify({
        clients: [
          {
            clientId: 'm',
            clientName: 'M',
            clientSecretEnv: 'M_SECRET',
            grantTypes: ['client_credentials'],
            tenant: 'north',
          },
        ],
      }),
    );
    const { registration } = resolveConfig({ clients: file }, {});
    const M_SECRET = 'secret-from-the-environment';

    expect((await clientOptionsOf(registration, { M_SECRET })).clients).toMatchObject([
      { clientId: 'm', clientSecret: M_SECRET },
    ]);
    await expect(clientOptionsOf(registration, {})).rejects.toThrow(/M_SECRET, which is not set/);
  });

  it.each([
    [{ clientRegistration: 'foo' }, '--client-registration "foo"'],
    [{ clientHosts: 'https://claude.ai' }, '--client-hosts'],
    [{ clientHosts: 'claude.ai', clientRegistration: 'dynamic' }, '--client-hosts'],
  ])('refuse %j', (raw, says) => {
    expect(() => resolveConfig(raw, {})).toThrow(says);
  });

  it.each(['/nowhere/clients.json', '{"clients":[{}]}', '{'])(
    'refuse clients %j',
    async (value) => {
      const { registration } = resolveConfig({ clients: value }, {});

      await expect(clientOptionsOf(registration, {})).rejects.toThrow(/clients|CATALOG_CLIENTS/);
    },
  );
});
