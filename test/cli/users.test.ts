import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCatalogServer } from '../../src/cli/catalog-server/program.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { temporaryFolder } from '../support/processes.js';

const PASSWORD = 'correct horse battery staple';

async function run(data: string, argv: readonly string[], input = '', env = {}) {
  let stdout = '';
  let stderr = '';
  const code = await runCatalogServer([...argv, '--data', data], {
    env,
    stdin: Readable.from([input]),
    stdout: { write: (text: string) => ((stdout += text), true) },
    stderr: { write: (text: string) => ((stderr += text), true) },
  } as never);
  return { code, stdout, stderr };
}

function operations(data: string): string[] {
  const database = openSqlite(join(data, 'catalog.sqlite'));
  const rows = database.all<{ operation: string }>(
    'SELECT operation FROM audit_row ORDER BY row_no',
  );
  database.close();
  return rows.map(({ operation }) => operation);
}

async function listed(data: string, userName: string) {
  const { stdout } = await run(data, ['users', 'list', '--json']);
  const { users } = JSON.parse(stdout) as { users: Record<string, unknown>[] };
  return users.find((user) => user['userName'] === userName);
}

describe('catalog-server users', () => {
  it('adds, disables, enables, gives a new password and removes, and says so in the audit log', async () => {
    const data = temporaryFolder();
    const added = await run(
      data,
      [
        'users',
        'add',
        'Anna',
        '--display-name',
        'Anna Weber',
        '--tenant',
        'north',
        '--scope',
        'catalog:read',
        '--json',
      ],
      `${PASSWORD}\n`,
    );
    expect(added.code).toBe(0);
    expect(JSON.parse(added.stdout)).toMatchObject({
      userName: 'anna',
      displayName: 'Anna Weber',
      tenant: 'north',
      scopes: ['catalog:read'],
    });
    expect((await run(data, ['users', 'disable', 'ANNA'])).code).toBe(0);
    expect(await listed(data, 'anna')).toMatchObject({ isDisabled: true });
    expect((await run(data, ['users', 'enable', 'anna'])).code).toBe(0);
    expect(
      (await run(data, ['users', 'set-password', 'anna'], 'another long password\n')).code,
    ).toBe(0);
    expect((await run(data, ['users', 'remove', 'anna'])).code).toBe(0);
    expect(await listed(data, 'anna')).toBeUndefined();
    expect(operations(data)).toEqual([
      'users/add',
      'users/disable',
      'users/enable',
      'users/set-password',
      'users/remove',
    ]);
  });

  const refused: readonly [string, readonly string[], string, RegExp][] = [
    ['a short password', ['add', 'otto'], 'short\n', /fewer than 12 characters/],
    ['no password', ['add', 'otto'], '', /there is no password: type it at the prompt/],
    ['a password like the name', ['add', 'ottokar'], 'ottokar-ottokar\n', /contains the user name/],
    [
      'a name with spaces',
      ['add', 'otto k'],
      `${PASSWORD}\n`,
      /has to be 1 to 128 characters without spaces/,
    ],
    [
      'a tenant of the system',
      ['add', 'otto', '--tenant', '@shared'],
      `${PASSWORD}\n`,
      /--tenant "@shared" has to be letters/,
    ],
    [
      'an unknown scope',
      ['add', 'otto', '--scope', 'x:y'],
      `${PASSWORD}\n`,
      /--scope "x:y" is not one of catalog:read/,
    ],
    ['nobody', ['disable', 'otto'], '', /there is nobody "otto"/],
    [
      'a person without a password',
      ['set-password', 'demo-nora'],
      `${PASSWORD}\n`,
      /with a password here/,
    ],
  ];
  it.each(refused)('refuses %s', async (_name, argv, input, message) => {
    const outcome = await run(temporaryFolder(), ['users', ...argv], input);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stdout + outcome.stderr).not.toContain(PASSWORD);
  });

  it('takes a user name once', async () => {
    const data = temporaryFolder();
    await run(data, ['users', 'add', 'anna'], `${PASSWORD}\n`);
    const again = await run(data, ['users', 'add', 'ANNA'], `${PASSWORD}\n`);
    expect(again.stderr).toContain('is taken: "catalog-server users set-password"');
  });
});

describe('the settings of sign-in', () => {
  afterEach(() => vi.unstubAllEnvs());

  const refused: readonly [string, readonly string[], Record<string, string>, RegExp][] = [
    [
      'an unknown way',
      ['--sign-in', 'ldap'],
      {},
      /--sign-in "ldap" is not known: give one or more of demo, local, idp/,
    ],
    ['idp without providers', ['--sign-in', 'idp'], {}, /--sign-in idp needs --idp/],
    [
      'providers that nobody uses',
      ['--sign-in', 'local', '--idp', 'x.json'],
      {},
      /does not use it: add "idp"/,
    ],
    [
      'a file that is not there',
      ['--idp', '/nowhere.json'],
      {},
      /--idp "\/nowhere.json" cannot be read \(ENOENT\)/,
    ],
    ['JSON that is none', [], { CATALOG_IDP: '{"providers":' }, /CATALOG_IDP is no JSON/],
    [
      'a secret in the JSON',
      [],
      {
        CATALOG_IDP:
          '{"providers":[{"id":"g","profile":"google","clientId":"c","clientSecret":"hunter2"}]}',
      },
      /CATALOG_IDP: providers\[0\]\.clientSecret must not be in this file/,
    ],
    [
      'a secret variable that is not set',
      [],
      {
        CATALOG_IDP:
          '{"providers":[{"id":"g","profile":"google","clientId":"c","clientSecretEnv":"GOOGLE"}]}',
      },
      /providers\[0\]: "clientSecretEnv" names GOOGLE, which is not set/,
    ],
  ];
  it.each(refused)('refuse %s', async (_name, argv, env, message) => {
    // The argument parser reads the variables of the process itself.
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const outcome = await run(temporaryFolder(), ['--port', '0', ...argv], '', env);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain('hunter2');
  });

  it('refuse a secret file that is empty, named relative to the configuration', async () => {
    const data = temporaryFolder();
    const path = join(data, 'idp.json');
    const provider = { id: 'g', profile: 'google', clientId: 'c', clientSecretFile: 'secret' };
    writeFileSync(path, JSON.stringify({ providers: [provider] }));
    writeFileSync(join(data, 'secret'), '\n');
    const outcome = await run(data, ['--port', '0', '--idp', path]);
    expect(outcome.stderr).toContain(`"clientSecretFile" "${join(data, 'secret')}" is empty`);
  });
});
