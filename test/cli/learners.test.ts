import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { CatalogStore } from '../../src/catalog/domain/ports.js';
import type { CourseId, LearnerScope } from '../../src/catalog/domain/scope.js';
import { runCatalogServer } from '../../src/cli/catalog-server/program.js';
import { createSqliteCatalogStore } from '../../src/storage/sqlite/catalog-store.js';
import { openSqlite } from '../../src/storage/sqlite/database.js';
import { temporaryFolder } from '../support/processes.js';

const ann: LearnerScope = { tenant: 'north', issuer: 'local', subject: 'ann' };

async function run(data: string, argv: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runCatalogServer([...argv, '--data', data], {
    env: {},
    stdin: Readable.from(['']),
    stdout: { write: (text: string) => ((stdout += text), true) },
    stderr: { write: (text: string) => ((stderr += text), true) },
  } as never);
  return { code, stdout, stderr };
}

/** A data folder in which ann, bob and cid of one tenant took the same two courses. */
async function furnished(): Promise<string> {
  const data = temporaryFolder();
  await run(data, ['learners', 'list', '--tenant', 'north']);
  await inStore(data, async (store) => {
    for (const subject of ['ann', 'bob', 'cid']) {
      for (const course of ['a', 'b'] as CourseId[]) {
        await store.learners.enroll({ ...ann, subject }, { course, mustHaveCompleted: [], at: 1 });
      }
    }
  });
  return data;
}

async function inStore<T>(data: string, work: (store: CatalogStore) => Promise<T>): Promise<T> {
  const database = openSqlite(join(data, 'catalog.sqlite'));
  try {
    return await work(createSqliteCatalogStore(database));
  } finally {
    database.close();
  }
}

describe('catalog-server learners', () => {
  it('lists people, hands out everything about one, and erases that one with what was learned', async () => {
    const data = await furnished();
    const list = await run(data, ['learners', 'list', '--tenant', 'north', '--json']);
    const { learners } = JSON.parse(list.stdout) as { learners: { subject: string }[] };
    expect(learners.map(({ subject }) => subject)).toEqual(['ann', 'bob', 'cid']);
    const person = ['ann', '--tenant', 'north'];
    const out = await run(data, ['learners', 'export', ...person]);
    expect(JSON.parse(out.stdout)).toMatchObject({
      subject: 'ann',
      enrollments: [{ course: 'a' }, { course: 'b' }],
      activities: [{ verb: 'enrolled' }, { verb: 'enrolled' }],
    });

    const asked = await run(data, ['learners', 'erase', ...person]);
    expect(asked.code).not.toBe(0);
    expect(asked.stderr).toContain('repeat it with --yes');
    const edges = (): Promise<number[]> =>
      inStore(data, async (store) =>
        (await store.transitions.transitionsFrom(ann, ['a' as CourseId], 1)).map(
          ({ learners: behind }) => behind,
        ),
      );
    expect(await edges()).toEqual([3]);
    const erased = await run(data, ['learners', 'erase', ...person, '--yes']);
    expect(erased).toMatchObject({ code: 0, stderr: '' });
    expect(await edges()).toEqual([2]);

    const database = openSqlite(join(data, 'catalog.sqlite'));
    const rows = database.all<{ operation: string; target: string }>(
      'SELECT operation, target FROM audit_row ORDER BY row_no',
    );
    database.close();
    expect(rows.map(({ operation }) => operation)).toEqual(['learners/export', 'learners/erase']);
    expect(rows.map(({ target }) => target).join()).not.toContain('ann');
  });

  it('says which learners there are when one is unknown, and refuses tenants without people', async () => {
    const data = await furnished();
    const unknown = await run(data, ['learners', 'export', 'zoe', '--tenant', 'north']);
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain('no learner "zoe" of issuer "local"');
    expect(unknown.stderr).toContain('learners list --tenant north');
    const shared = await run(data, ['learners', 'list', '--tenant', '@shared']);
    expect(shared.stderr).toContain('has no learners');
  });

  it('takes no fewer than two learners for what may be told about learners', async () => {
    const { code, stderr } = await run(temporaryFolder(), [
      '--print-config',
      '--minimum-learners',
      '1',
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('--minimum-learners "1" is not a whole number from 2 to 1000');
  });
});
