import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Revision, requiredScenarios, runClientScenario } from './suite.js';

const expected = JSON.parse(
  readFileSync(new URL('expected-failures.json', import.meta.url), 'utf8'),
) as { client: Record<Revision, string[]> };

const CLIENT = 'node --import tsx test/conformance/everything-client.ts';

describe("the conformance suite against the project's own client", () => {
  describe.each(['2025-11-25', '2026-07-28'] as const)('%s', async (revision) => {
    const names = await requiredScenarios('client', revision);

    it('lists every required scenario', () => {
      expect(names.length).toBe(revision === '2025-11-25' ? 18 : 32);
    });

    it.each(names)('%s', async (scenario) => {
      const verdict = await runClientScenario(CLIENT, scenario, revision);
      const isKnown = expected.client[revision].includes(scenario);
      // A known failure that passes has to leave the list.
      expect(verdict).toMatchObject({ scenario, isClean: !isKnown });
    });
  });
});
