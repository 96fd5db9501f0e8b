import { writeFileSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLIENT, SERVER, browserCommand, startCatalog } from '../support/catalog-server.js';
import { type RunOutcome, runNode, temporaryFolder } from '../support/processes.js';

const HEADER =
  'id,title,summary,provider,subject,level,language,duration_min,price,teaches,prerequisites';

/** Twenty courses of a bakery's own catalog. */
function ownCatalog(): string {
  const rows = Array.from({ length: 20 }, (_, at) => {
    const id = `baking-${at + 1}`;
    const level = at < 7 ? 'beginner' : at < 14 ? 'intermediate' : 'advanced';
    const title = `"Baking ${at + 1}: sourdough, part ${at + 1}"`;
    const needs = at === 0 || at > 3 ? '' : `baking-${at}`;
    return `${id},${title},How dough behaves,Hearth School,baking,${level},en,${60 * (at + 1)},0,baking:${Math.min(5, 1 + Math.floor(at / 4))},${needs}`;
  });
  return `${HEADER}\n${rows.join('\n')}\n`;
}

function importFile(file: string, data: string, ...flags: string[]): Promise<RunOutcome> {
  return runNode([SERVER, 'import', file, '--data', data, ...flags]);
}

describe('catalog-server import', () => {
  it('takes an own catalog to searches and recommendations in five commands', async () => {
    const data = temporaryFolder();
    const file = join(temporaryFolder(), 'bakery.csv');
    writeFileSync(file, ownCatalog());
    // 1 npm ci, 2 import, 3 start, 4 login, 5 call
    const imported = await importFile(file, data, '--json');
    expect(imported).toMatchObject({ code: 0 });
    expect(JSON.parse(imported.stdout)).toMatchObject({ read: 20, created: 20, rejected: 0 });
    const server = await startCatalog([], { data });
    const env = { CATALOG_CLIENT_HOME: temporaryFolder(), BROWSER: browserCommand('Nora') };
    const client = (...args: string[]) => runNode([CLIENT, ...args, '--json'], { env });
    expect(await client('login', server.ready.mcp)).toMatchObject({ code: 0 });
    const found = await client('call', 'search_courses', '{"query":"sourdough"}');
    expect(found.stdout).toContain('baking-1');
    const advice = await client('call', 'recommend_courses', '{"goal":"baking"}');
    expect(advice).toMatchObject({ code: 0 });
    expect(advice.stdout).toContain('baking-1');
    // Nothing of the sample is mixed in.
    const other = await client('call', 'search_courses', '{"query":"sql"}');
    expect(other.stdout).not.toContain('sql-basics');
    await server.stop();
  });

  it('changes nothing at the second run, and only what changed at the third', async () => {
    const data = temporaryFolder();
    const file = join(temporaryFolder(), 'bakery.csv');
    writeFileSync(file, ownCatalog());
    await importFile(file, data);
    const again = await importFile(file, data, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ created: 0, updated: 0, unchanged: 20 });
    writeFileSync(file, ownCatalog().replace('part 5"', 'part five"'));
    const changed = await importFile(file, data, '--json');
    expect(JSON.parse(changed.stdout)).toMatchObject({ created: 0, updated: 1, unchanged: 19 });
  });

  const broken = `${HEADER}
good-1,Good,,P,s,beginner,en,60,0,,
bad-level,Bad,,P,s,easy,en,60,0,,
bad-price,Bad,,P,s,beginner,en,60,free,,
good-1,Twice,,P,s,beginner,en,60,0,,
bad-needs,Bad,,P,s,beginner,en,60,0,,no-such-course
needs-bad,Bad,,P,s,beginner,en,60,0,,bad-needs
good-2,Good,,P,s,beginner,en,60,0,,good-1
`;

  it('imports nothing when a row is bad, and names row, field, value and reason', async () => {
    const data = temporaryFolder();
    const file = join(temporaryFolder(), 'broken.csv');
    writeFileSync(file, broken);
    const run = await importFile(file, data);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('row 3, level = "easy"');
    expect(run.stdout).toContain('row 4, price = "free"');
    expect(run.stdout).toContain('row 5, id = "good-1": row 2 has the same id');
    expect(run.stdout).toContain('row 6, prerequisites = "no-such-course"');
    expect(run.stdout).toContain('row 7, prerequisites = "bad-needs"');
    expect(run.stdout).toContain('nothing was imported');
    const after = await importFile(file, data, '--skip-bad', '--json');
    expect(JSON.parse(after.stdout)).toMatchObject({ created: 2 });
  });

  it('imports the good rows with --skip-bad and writes every bad one to --rejects', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'broken.csv');
    const rejects = join(folder, 'rejects.ndjson');
    writeFileSync(file, broken);
    const run = await importFile(file, temporaryFolder(), '--skip-bad', '--rejects', rejects);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('2 new');
    const rows = readFileSync(rejects, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { row: number; problems: unknown[] });
    expect(rows.map(({ row }) => row)).toEqual([3, 4, 5, 6, 7]);
    expect(rows[0]?.problems).toEqual([
      { field: 'level', value: 'easy', reason: expect.any(String) },
    ]);
  });

  it.each([
    ['nowhere.csv', 'cannot be read'],
    ['catalog.txt', '--format'],
  ])('refuses %s with exit code 1', async (name, message) => {
    const folder = temporaryFolder();
    if (name !== 'nowhere.csv') writeFileSync(join(folder, name), 'x');
    const run = await importFile(join(folder, name), folder);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(message);
  });
});
