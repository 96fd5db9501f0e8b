import { Agent, request as httpRequest } from 'node:http';
import { expect, test } from 'vitest';
import { type Fixture, getCode, logIn, redeem, refresh, startFixture } from './fixture.js';

const POSTS = 10_000;
const CONCURRENCY = 16;
const MAX_CLIENTS = 500;

const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });

/** One registration from an address of its own choice. @returns the status */
function post(at: Fixture, address: string, name: string): Promise<number> {
  const body = JSON.stringify({
    client_name: name,
    redirect_uris: ['https://flood.example/cb'],
    token_endpoint_auth_method: 'none',
  });
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      `${at.issuer}/register`,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'x-test-address': address },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

test('ten thousand registrations leave the store bounded, and real clients do not notice', async () => {
  const own = await startFixture({
    options: {
      registration: { maxClients: MAX_CLIENTS },
      clientAddress: ({ headers }) => String(headers['x-test-address'] ?? '198.51.100.1'),
    },
  });
  const inUse = await logIn(own);
  const signingIn = await getCode(own);
  const statuses = new Map<number, number>();
  let largest = 0;
  let next = 0;
  // Half of it from one address, which is cut off; half of it from thousands, two each.
  const flood = async () => {
    for (let i = next++; i < POSTS; i = next++) {
      const address = i % 2 === 0 ? '203.0.113.9' : `2001:db8:${(i >> 2).toString(16)}::1`;
      const status = await post(own, address, `flood ${i}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (i % 500 === 0) largest = Math.max(largest, await own.stores.clients.count());
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, flood));
  const refreshed = await refresh(own, inUse.client, inUse.refreshToken);
  const redeemed = await redeem(own, signingIn);
  const fresh = await logIn(own);
  const count = await own.stores.clients.count();
  agent.destroy();
  await own.close();

  expect(statuses.get(201)).toBe(POSTS / 2 + 120);
  expect(statuses.get(429)).toBe(POSTS / 2 - 120);
  expect(Math.max(largest, count)).toBeLessThanOrEqual(MAX_CLIENTS);
  expect([refreshed.status, redeemed.status]).toEqual([200, 200]);
  expect(fresh.accessToken).not.toBe('');
});
