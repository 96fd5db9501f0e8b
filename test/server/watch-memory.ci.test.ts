import { expect, it } from 'vitest';
import { runNode, temporaryFolder } from '../support/processes.js';

const RELOADS = 200;
const HELD_BYTES = 400_000;

it('lets go of the code it replaced: 200 reloads leave less than the size of 10 versions behind', async () => {
  const script = ['--expose-gc', '--import', 'tsx', 'test/server/watch-memory.child.ts'];
  const run = await runNode([...script, temporaryFolder(), String(RELOADS)], {
    timeoutMs: 120_000,
  });
  expect(run.stderr).toBe('');
  const { before, after, description } = JSON.parse(run.stdout) as Record<string, number>;
  expect(description).toBe(`Version ${RELOADS + 30}.`);
  const grown = Number(after) - Number(before);
  console.log(`heap after ${RELOADS} reloads: ${(grown / 1e6).toFixed(1)} MB more`);
  expect(grown).toBeLessThan(10 * HELD_BYTES);
});
