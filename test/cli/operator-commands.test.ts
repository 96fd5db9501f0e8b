import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCatalogServer } from '../../src/cli/catalog-server/program.js';
import { openSqliteStorage } from '../../src/storage/index.js';
import { temporaryFolder } from '../support/processes.js';

const OLD = 'the-old-master-secret-of-enough-length';
const NEW = 'the-new-master-secret-of-enough-length';

async function run(data: string, argv: readonly string[], env: Record<string, string> = {}) {
  let stdout = '';
  let stderr = '';
  const code = await runCatalogServer([...argv, '--data', data], {
    env,
    stdin: process.stdin,
    stdout: { write: (text: string) => ((stdout += text), true) },
    stderr: { write: (text: string) => ((stderr += text), true) },
  } as never);
  return { code, stdout, stderr, json: () => JSON.parse(stdout) as Record<string, unknown> };
}

async function auditOf(data: string) {
  const { json } = await run(data, ['audit', 'list', '--json']);
  return (json()['rows'] as Record<string, unknown>[]).map(({ operation, target, reason }) => ({
    operation,
    target,
    reason,
  }));
}

describe('catalog-server signing-keys', () => {
  it('makes a key, lists it and removes it, each on record', async () => {
    const data = temporaryFolder();
    const made = await run(data, ['signing-keys', 'rotate', '--json']);
    const kid = String(made.json()['kid']);
    const table = await run(data, ['signing-keys', 'list']);
    const unsure = await run(data, ['signing-keys', 'remove', kid]);
    const removed = await run(data, ['signing-keys', 'remove', kid, '--now', '--json']);
    const again = await run(data, ['signing-keys', 'remove', kid, '--now']);
    const list = await run(data, ['signing-keys', 'list', '--json']);

    expect(made.json()).toMatchObject({ algorithm: 'ES256', phase: 'signs', isNew: true });
    expect(table.stdout).toMatch(/^key +algorithm +now/);
    expect(table.stdout).toContain(kid);
    expect(unsure).toMatchObject({ code: 1, stdout: '' });
    expect(unsure.stderr).toContain('--now');
    expect(removed.json()).toMatchObject({ kid, isRemoved: true });
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain('signing-keys list');
    const phases = (list.json()['keys'] as { kid: string; phase: string }[]).map(
      (key) => [key.kid, key.phase] as const,
    );
    expect(Object.fromEntries(phases)).toEqual({
      [kid]: 'removed',
      [String(removed.json()['successor'])]: 'signs',
    });
    expect(made.stdout + table.stdout + list.stdout).not.toMatch(/privateJwk|"d"/);
    expect(await auditOf(data)).toEqual([
      { operation: 'signing-keys/remove', target: kid, reason: undefined },
      { operation: 'signing-keys/rotate', target: kid, reason: undefined },
    ]);
  });

  it('lets a second key wait for its turn, and makes no third', async () => {
    const data = temporaryFolder();
    await run(data, ['signing-keys', 'rotate']);
    const second = await run(data, ['signing-keys', 'rotate', '--json']);
    const third = await run(data, ['signing-keys', 'rotate', '--json']);

    expect(second.json()).toMatchObject({ phase: 'published', isNew: true });
    expect(third.json()).toMatchObject({ kid: second.json()['kid'], isNew: false });
  });

  it.each([
    ['--signing-key-rotation', '1d', 'at least twice --signing-key-lead'],
    ['--signing-key-rotation', 'soon', 'not a duration'],
    ['--signing-key-lead', '0h', 'not a duration'],
  ])('refuses %s %s', async (flag, value, message) => {
    const refused = await run(temporaryFolder(), ['signing-keys', 'list', flag, value]);

    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(message);
    expect(refused.stderr).toContain(flag);
  });
});

describe('catalog-server grants', () => {
  /** Grants as the engine writes them, unsealed parts left out. */
  async function withGrants(...grants: readonly (readonly [string, string, string])[]) {
    const data = temporaryFolder();
    const storage = openSqliteStorage(join(data, 'catalog.sqlite'));
    for (const [index, [idHash, accountId, clientId]] of grants.entries()) {
      await storage.authorization.artifacts.commit([
        {
          kind: 'upsert',
          record: {
            model: 'Grant',
            idHash,
            payload: 'sealed',
            grantHash: undefined,
            uidHash: undefined,
            userCodeHash: undefined,
            clientId,
            accountId,
            consumedAt: undefined,
            expiresAt: 4_000_000_000,
            createdAt: 1_700_000_000 + index,
          },
        },
      ]);
    }
    storage.close();
    return data;
  }

  const idsIn = async (data: string, ...flags: string[]) => {
    const { json } = await run(data, ['grants', 'list', '--json', ...flags]);
    return (json()['grants'] as { id: string }[]).map(({ id }) => id);
  };

  it('lists by person and client, the newest first', async () => {
    const data = await withGrants(['a', 'ada', 'web'], ['b', 'ben', 'web'], ['c', 'ada', 'tv']);

    expect(await idsIn(data)).toEqual(['grant-c', 'grant-b', 'grant-a']);
    expect(await idsIn(data, '--user', 'ada')).toEqual(['grant-c', 'grant-a']);
    expect(await idsIn(data, '--user', 'ada', '--client', 'web')).toEqual(['grant-a']);
    expect(await idsIn(data, '--limit', '1')).toEqual(['grant-c']);
    const table = await run(data, ['grants', 'list']);
    expect(table.stdout).toMatch(/^grant +person +client/);
    expect(table.stdout).toContain('grant-b  ben');
  });

  it('shows one, and says what it does not know', async () => {
    const data = await withGrants(['a', 'ada', 'web']);
    const shown = await run(data, ['grants', 'show', 'grant-a', '--json']);
    const unknown = await run(data, ['grants', 'show', 'a']);

    expect(shown.json()).toMatchObject({ id: 'grant-a', userId: 'ada', refreshTokens: 0 });
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain('grants list');
  });

  it('ends one, or all of a person or a client, on record; never all without a word', async () => {
    const data = await withGrants(
      ['a', 'ada', 'web'],
      ['b', 'ben', 'web'],
      ['c', 'ada', 'tv'],
      ['d', 'ada', 'tv'],
    );
    const bare = await run(data, ['grants', 'revoke']);
    const both = await run(data, ['grants', 'revoke', 'grant-a', '--user', 'ada']);
    const one = await run(data, ['grants', 'revoke', 'grant-a', '--json']);
    const again = await run(data, ['grants', 'revoke', 'grant-a']);
    const many = await run(data, ['grants', 'revoke', '--user', 'ada', '--json']);

    expect([bare.code, both.code, again.code]).toEqual([1, 1, 1]);
    expect(one.json()).toEqual({ revoked: ['grant-a'] });
    expect(many.json()).toEqual({ revoked: ['grant-d', 'grant-c'] });
    expect(await idsIn(data)).toEqual(['grant-b']);
    expect(await auditOf(data)).toEqual([
      { operation: 'grants/revoke', target: 'ada', reason: '2 ended' },
      { operation: 'grants/revoke', target: 'grant-a', reason: '1 ended' },
    ]);
  });

  it('goes through all of a client that has more than a page', async () => {
    const grants = Array.from({ length: 250 }, (_, n) => [`g${n}`, `person-${n}`, 'web'] as const);
    const data = await withGrants(...grants, ['other', 'ada', 'tv']);
    const { json } = await run(data, ['grants', 'revoke', '--client', 'web', '--json']);

    expect(json()['revoked']).toHaveLength(250);
    expect(await idsIn(data)).toEqual(['grant-other']);
  });
});

describe('catalog-server master-secret rotate', () => {
  it('seals everything under the new secret, which then opens it alone', async () => {
    const data = temporaryFolder();
    const old = { CATALOG_MASTER_SECRET: OLD };
    await run(data, ['signing-keys', 'rotate'], old);
    await run(data, ['clients', 'add', 'Web', '--id', 'web', '--tenant', 'demo'], old);
    const lost = await run(data, ['master-secret', 'rotate', '--json'], {
      CATALOG_MASTER_SECRET: NEW,
    });
    const rotated = await run(data, ['master-secret', 'rotate', '--json'], {
      CATALOG_MASTER_SECRET: NEW,
      CATALOG_MASTER_SECRET_PREVIOUS: `${'x'.repeat(40)} ${OLD}`,
    });
    const shown = await run(data, ['clients', 'show', 'web', '--json'], {
      CATALOG_MASTER_SECRET: NEW,
    });

    expect(lost.code).toBe(1);
    expect(lost.stderr).toContain('CATALOG_MASTER_SECRET_PREVIOUS');
    expect(lost.json()).toMatchObject({ client: { total: 1, resealed: 0, unreadable: 1 } });
    expect(rotated.code).toBe(0);
    expect(rotated.json()).toMatchObject({
      'signing-key': { total: 1, resealed: 1, unreadable: 0 },
      client: { total: 1, resealed: 1, unreadable: 0 },
    });
    expect(shown.json()).toMatchObject({ clientName: 'Web' });
    const [last] = await auditOf(data);
    expect(last).toMatchObject({
      operation: 'master-secret/rotate',
      reason: '2 sealed anew, 0 unreadable',
    });
    expect(rotated.stdout + rotated.stderr).not.toContain(OLD);
  });

  it('refuses a previous secret that is too short, without repeating it', async () => {
    const refused = await run(temporaryFolder(), ['master-secret', 'rotate'], {
      CATALOG_MASTER_SECRET_PREVIOUS: 'much-too-short',
    });

    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('CATALOG_MASTER_SECRET_PREVIOUS has 14 characters');
    expect(refused.stderr).not.toContain('much-too-short');
  });

  it('is masked in the settings that are shown', async () => {
    const shown = await run(temporaryFolder(), ['--print-config'], {
      CATALOG_MASTER_SECRET: NEW,
      CATALOG_MASTER_SECRET_PREVIOUS: OLD,
    });

    expect(shown.stdout).toContain('"previousMasterSecrets"');
    expect(shown.stdout).not.toContain(OLD);
  });
});
