import { afterEach, describe, expect, it } from 'vitest';
import { createFailureGate } from '../../../src/server/http/failure-gate.js';
import { type TestServer, startTestServer, testClock } from '../support/test-server.js';
import { modernRequest } from '../support/wire.js';

describe('addresses that show invalid credentials', () => {
  const gateOf = (limit = {}) => {
    const clock = testClock();
    return { clock, gate: createFailureGate({ perMinute: 6, burst: 3, ...limit }, clock) };
  };

  it('have to wait when the limit is reached, and no other address', () => {
    const { gate, clock } = gateOf();
    for (let n = 0; n < 3; n += 1) {
      expect(gate.waitSeconds('192.0.2.1')).toBeUndefined();
      gate.failed('192.0.2.1');
    }
    expect(gate.waitSeconds('192.0.2.1')).toBe(10);
    expect(gate.waitSeconds('::ffff:192.0.2.1')).toBe(10);
    expect(gate.waitSeconds('192.0.2.2')).toBeUndefined();
    clock.advance(10);
    expect(gate.waitSeconds('192.0.2.1')).toBeUndefined();
    gate.failed('192.0.2.1');
    expect(gate.waitSeconds('192.0.2.1')).toBe(10);
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
    ['2001:db8::1', '2001:db8:0:0:5::', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ])('count as one by their /64: %s and %s are one: %s', (one, other, isOne) => {
    const { gate } = gateOf({ burst: 1 });
    gate.failed(one);
    expect(gate.waitSeconds(other) !== undefined).toBe(isOne);
  });

  it('are not counted on loopback, unless that is asked for', () => {
    const { gate } = gateOf({ burst: 1 });
    const all = gateOf({ burst: 1, includesLoopback: true }).gate;
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', undefined]) {
      gate.failed(address);
      all.failed(address);
      expect(gate.waitSeconds(address)).toBeUndefined();
      expect(all.waitSeconds(address)).toBe(address === undefined ? undefined : 10);
    }
  });

  it('are bounded in number', () => {
    const { gate } = gateOf({ burst: 1 });
    for (let n = 0; n < 25_000; n += 1) gate.failed(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    expect(gate.waitSeconds('10.0.0.1')).toBeUndefined();
    expect(gate.waitSeconds(`10.0.${24_999 >> 8}.${24_999 & 255}`)).toBe(10);
  });
});

describe('a server with a limit on failures', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  it('turns an address away unseen with 429 and Retry-After; a missing credential is no failure', async () => {
    server = await startTestServer({
      limits: { drainMs: 100, failures: { perMinute: 6, burst: 2, includesLoopback: true } },
    });
    const { mcpUrl } = server;
    const status = async (options: { token?: string; apiKey?: string }) => {
      const answer = await fetch(mcpUrl, modernRequest('tools/list', {}, options));
      await answer.text();
      return [answer.status, answer.headers.get('retry-after')];
    };
    const token = await server.token();
    expect(await status({})).toEqual([401, null]);
    expect(await status({ apiKey: 'cmcp_nothing' })).toEqual([401, null]);
    expect(await status({ token })).toEqual([200, null]);
    expect(await status({ token: 'nothing' })).toEqual([401, null]);
    expect(await status({ token })).toEqual([429, '10']);
    server.clock.advance(10);
    expect(await status({ token })).toEqual([200, null]);
  });
});
