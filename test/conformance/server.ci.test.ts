import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../support/processes.js';
import {
  type Revision,
  requiredScenarios,
  runServerScenario,
  runServerSet,
  startTokenRelay,
} from './suite.js';

const expected = JSON.parse(
  readFileSync(new URL('expected-failures.json', import.meta.url), 'utf8'),
) as { server: Record<Revision, string[]> };

const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
// The suite's own list of the extension is not to be had: a scenario that it does not know fails here.
const TASK_SCENARIOS = [
  'lifecycle',
  'capability-negotiation',
  'wire-fields',
  'request-state-removal',
  'mrtr-input',
  'request-headers',
  'dispatch-and-envelope',
  'required-task-error',
  'mrtr-composition',
] as const;
const FIXTURE = ['--import', 'tsx', 'test/conformance/everything-server.ts', '--port', '0'];

/** The list of known failures may only shrink: what passes has to leave it, what fails must not enter it. */
function expectOnly(
  verdicts: Awaited<ReturnType<typeof runServerSet>>,
  known: readonly string[],
): void {
  const failing = [...verdicts.values()].filter((verdict) => !verdict.isClean);
  const unexpected = failing.filter((verdict) => !known.includes(verdict.scenario));
  expect(unexpected).toEqual([]);
  expect(known.filter((name) => verdicts.get(name)?.isClean !== false)).toEqual([]);
  expect(verdicts.size).toBeGreaterThanOrEqual(30);
}

describe.each([
  ['without authentication', []],
  ['behind the bearer gate', ['--bearer']],
] as const)('the conformance suite against the fixture server %s', (_name, flags) => {
  let server: Awaited<ReturnType<typeof startServer<{ url: string; token: string | null }>>>;
  let url: string;
  let close: () => Promise<void> = () => Promise.resolve();

  beforeAll(async () => {
    server = await startServer([...FIXTURE, ...flags]);
    url = server.ready.url;
    if (server.ready.token !== null)
      ({ url, close } = await startTokenRelay(url, server.ready.token));
  });

  afterAll(async () => {
    await close();
    await server.stop();
  });

  it.each(REVISIONS)('passes every required scenario of %s', async (revision) => {
    const required = await runServerSet(url, revision);
    expectOnly(await requiredOnly(required, revision), expected.server[revision]);
  });

  it('passes every scenario of the tasks extension (SEP-2663), one of which the suite always skips', async () => {
    const verdicts = await Promise.all(
      TASK_SCENARIOS.map((name) => runServerScenario(url, `tasks-${name}`)),
    );
    const clean = { isClean: true, problems: [] };
    expect(verdicts).toEqual(
      TASK_SCENARIOS.map((name) => ({ scenario: `tasks-${name}`, ...clean })),
    );
    expect(await runServerScenario(url, 'tasks-status-notifications')).toBe('always skipped');
  });
});

async function requiredOnly(
  verdicts: Awaited<ReturnType<typeof runServerSet>>,
  revision: Revision,
): Promise<Awaited<ReturnType<typeof runServerSet>>> {
  const names = new Set(await requiredScenarios('server', revision));
  return new Map([...verdicts].filter(([name]) => names.has(name)));
}
