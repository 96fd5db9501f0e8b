import { describe, expect, it } from 'vitest';
import { type Revision, requiredScenarios, runClientScenario } from './suite.js';

// The host speaks the era of the revision, so that the same messages have to come through.
const ERAS = { '2025-11-25': 'legacy', '2026-07-28': 'modern' } as const satisfies Record<
  Revision,
  string
>;

describe('the conformance suite against catalog-client proxy, driven by a host on stdio', () => {
  describe.each(['2025-11-25', '2026-07-28'] as const)('%s', async (revision) => {
    const names = await requiredScenarios('client', revision);
    const host = `node --import tsx test/conformance/proxy-host.ts ${ERAS[revision]}`;

    it('lists every required scenario', () => {
      expect(names.length).toBe(revision === '2025-11-25' ? 18 : 32);
    });

    it.each(names)('%s', async (scenario) => {
      const verdict = await runClientScenario(host, scenario, revision);
      expect(verdict).toEqual({ scenario, isClean: true, problems: [] });
    });
  });
});
