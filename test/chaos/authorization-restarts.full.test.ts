import { afterAll, beforeAll, expect, it } from 'vitest';
import { restartUnderLogins } from './authorization-restarts.js';
import { type AuthorizationFleet, startAuthorizationFleet } from './support/authorization-fleet.js';

let running: AuthorizationFleet;
beforeAll(async () => {
  running = await startAuthorizationFleet();
});
afterAll(() => running.stop());

it('a rolling restart every 10 s for five minutes under logins loses no client, code, consent or grant', async () => {
  const member = await running.fleet.start();
  const restarts = 30;
  const report = await restartUnderLogins(running, {
    member,
    restarts,
    everyMs: 10_000,
    workers: 3,
    person: 'Sam',
  });
  expect(report).toMatchObject({ errors: [], losses: [], failures: [] });
  expect(report.exitCodes).toEqual(Array.from({ length: restarts }, () => 0));
  expect(report.logins).toBeGreaterThan(500);
  expect(report.acrossRestarts).toBeGreaterThan(20);
});
