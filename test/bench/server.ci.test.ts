import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, runNode } from '../support/processes.js';

const run = async (script: string, ...args: string[]): Promise<Record<string, unknown>> => {
  const file = join(ROOT, 'bench/server', script);
  const { stdout, stderr, code } = await runNode([file, ...args], { timeoutMs: 200_000 });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

describe('the memory of a server', () => {
  it('is below 300 MB with 1,000 listen streams and 1,000 sessions that wait', async () => {
    const { streams, idleMiB } = await run('idle.mjs');
    expect(streams).toBe(2000);
    expect((Number(idleMiB) * 1024 * 1024) / 1e6).toBeLessThan(300);
  });

  it('does not grow under calls of both eras and sessions that come and go', async () => {
    const { requests, used } = await run('soak.mjs', '--minutes', '1');
    expect(requests).toBeGreaterThan(1000);
    expect((used as { growth: number }).growth).toBeLessThan(0.1);
  });
});
