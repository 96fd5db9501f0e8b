import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, runNode, temporaryFolder } from '../support/processes.js';

interface Row {
  readonly label: string;
  readonly timesBare: number;
  readonly cpuUs: number;
}
interface Scenario {
  readonly name: string;
  readonly bar: number;
  readonly rows: readonly Row[];
}

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

// CPU time and pairs of runs, never the clock alone; twice the bar, for machines that have other work to do.
describe('the cost of a server', () => {
  const measure = async (...args: string[]): Promise<readonly Scenario[]> => {
    const folder = temporaryFolder();
    try {
      const json = join(folder, 'report.json');
      const file = join(ROOT, 'bench/server/run.mjs');
      const { code, stderr } = await runNode([file, '--json', json, ...args], {
        timeoutMs: 200_000,
      });
      if (code !== 0) throw new Error(stderr);
      return (JSON.parse(readFileSync(json, 'utf8')) as { scenarios: readonly Scenario[] })
        .scenarios;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const rowOf = ({ rows }: Scenario, text: string): Row => {
    const found = rows.find(({ label }) => label.includes(text));
    if (found === undefined) throw new Error(`no row ${text}`);
    return found;
  };

  it('stays within twice its bars, and far below that of the SDK path', async () => {
    const rows = 'catalog-mcp,SDK path';
    const scenarios = await measure('--only', 'tools/', '--rows', rows, '--rounds', '5');
    expect(scenarios.map(({ name }) => name)).toHaveLength(3);
    for (const scenario of scenarios) {
      expect(rowOf(scenario, 'catalog-mcp').timesBare).toBeLessThan(2 * scenario.bar);
    }
    const [call] = scenarios;
    if (call === undefined) throw new Error('no scenario');
    expect(rowOf(call, 'catalog-mcp').cpuUs).toBeLessThan(0.75 * rowOf(call, 'SDK path').cpuUs);
  });

  it('starts over stdio within twice its bar', async () => {
    const [scenario] = await measure('--only', 'stdio', '--rounds', '5');
    if (scenario === undefined) throw new Error('no scenario');
    expect(rowOf(scenario, 'key checked').timesBare).toBeLessThan(2 * scenario.bar);
  });
});
