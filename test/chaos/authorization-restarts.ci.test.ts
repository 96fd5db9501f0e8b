import { afterAll, beforeAll, expect, it } from 'vitest';
import { restartUnderLogins } from './authorization-restarts.js';
import { type AuthorizationFleet, startAuthorizationFleet } from './support/authorization-fleet.js';

let running: AuthorizationFleet;
beforeAll(async () => {
  running = await startAuthorizationFleet();
});
afterAll(() => running.stop());

it('a rolling restart under logins loses no client, code, consent or grant', async () => {
  const member = await running.fleet.start();
  const report = await restartUnderLogins(running, {
    member,
    restarts: 4,
    everyMs: 3000,
    workers: 3,
    person: 'Sam',
  });
  expect(report).toMatchObject({ errors: [], losses: [], failures: [], exitCodes: [0, 0, 0, 0] });
  expect(report.logins).toBeGreaterThan(20);
  expect(report.acrossRestarts).toBeGreaterThan(1);
});
