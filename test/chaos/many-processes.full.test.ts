import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, startCatalogFleet } from './support/fleet.js';
import { runMixedCalls } from './support/mixed-calls.js';

describe('two catalog servers on one database behind a round robin', () => {
  let fleet: Fleet & { readonly apiKey: string };

  beforeAll(async () => {
    fleet = await startCatalogFleet();
    await fleet.start();
  });
  afterAll(() => fleet.stop());

  it('answer 100,000 mixed calls of both eras without an error', async () => {
    const { mcpUrl: url, apiKey } = fleet;
    const report = await runMixedCalls({
      url,
      apiKey,
      count: 100_000,
      clients: 32,
      seed: 20_261_121,
      onProgress: (done) => {
        if (done % 10_000 === 0) process.stderr.write(`${done} calls\n`);
      },
    });
    const { errors, ...figures } = report;
    process.stderr.write(`${JSON.stringify(figures)}\n`);
    expect(errors).toEqual([]);
    expect(report.done).toBe(100_000);
    expect(fleet.proxy.failures).toEqual([]);
  });
});
