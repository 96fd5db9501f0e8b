import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createClientAddress } from '../../../src/server/index.js';
import { type TestServer, startTestServer } from '../support/test-server.js';
import { modernRequest } from '../support/wire.js';

function request(remoteAddress: string | undefined, forwarded?: string): IncomingMessage {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

describe('the address of a client behind proxies', () => {
  it.each([
    ['no header', 1, undefined, '10.0.0.1'],
    ['one proxy', 1, '192.0.2.1', '192.0.2.1'],
    ['what a client put there itself', 1, '203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['two proxies', 2, '203.0.113.9, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['fewer entries than proxies', 3, '192.0.2.1', '192.0.2.1'],
    ['a port', 1, '192.0.2.1:4711', '192.0.2.1'],
    ['IPv6 in brackets', 1, '[2001:db8::1]:4711', '2001:db8::1'],
    ['IPv6', 1, '2001:db8::1', '2001:db8::1'],
    ['an IPv4 address in IPv6', 1, '::ffff:192.0.2.1', '192.0.2.1'],
    ['a name', 1, 'unknown', '10.0.0.1'],
    ['nothing after a comma', 1, '192.0.2.1,', '10.0.0.1'],
    ['a name before a good one', 2, 'unknown, 192.0.2.1', '192.0.2.1'],
  ])(
    'is read from the right, as far as there are proxies: %s (%d)',
    (_, hops, header, expected) => {
      expect(createClientAddress({ hops })(request('10.0.0.1', header))).toBe(expected);
    },
  );

  it.each([
    ['a stranger who sends the header', '203.0.113.9', '192.0.2.1', '203.0.113.9'],
    ['a known proxy', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['a known proxy, as a socket shows it', '::ffff:10.0.0.1', '192.0.2.1', '192.0.2.1'],
    ['two known proxies', '10.0.0.1', '203.0.113.9, 192.0.2.1, fd00::7', '192.0.2.1'],
    ['an unknown one between', '10.0.0.1', '192.0.2.1, 198.51.100.1', '198.51.100.1'],
    ['nothing but proxies', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ])('is the first that no trusted proxy has: %s', (_, remote, header, expected) => {
    const addressOf = createClientAddress({ addresses: ['10.0.0.0/8', 'fd00::/8', '::1'] });
    expect(addressOf(request(remote, header))).toBe(expected);
  });

  it.each([
    [{ hops: 0 }, '0'],
    [{ hops: 33 }, '33'],
    [{ addresses: ['10.0.0.0/33'] }, '"10.0.0.0/33"'],
    [{ addresses: ['10.0.0.0/8/8'] }, '"10.0.0.0/8/8"'],
    [{ addresses: ['proxy.example.com'] }, '"proxy.example.com"'],
    [{ addresses: ['fe80::1%eth0'] }, '"fe80::1%eth0"'],
    [{ addresses: [''] }, '""'],
  ])('cannot be found with %j', (trusted, named) => {
    expect(() => createClientAddress(trusted)).toThrow(TypeError);
    expect(() => createClientAddress(trusted)).toThrow(named);
  });

  it('is an address or that of the connection, whatever a client sends', () => {
    const addressOf = createClientAddress({ hops: 2 });
    const parts = fc.array(
      fc.constantFrom('1.2.3.4', '::1', ',', ' ', '[', ']', ':', '%', 'x', '::'),
    );
    fc.assert(
      fc.property(parts, (given) => {
        expect(addressOf(request('10.0.0.1', given.join('')))).toMatch(/^[\d.]+$|^[\da-f:]+$/);
      }),
      { seed: 7 },
    );
  });
});

describe('a server behind a proxy', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  it('counts failures by the address that the proxy names, and takes no Host from it', async () => {
    server = await startTestServer({
      clientAddress: createClientAddress({ addresses: ['127.0.0.1', '::1'] }),
      limits: { failures: { perMinute: 1, burst: 1 } },
    });
    const { mcpUrl } = server;
    const knock = async (address: string, headers: Record<string, string> = {}) => {
      const all = { 'x-forwarded-for': `198.51.100.1, ${address}`, ...headers };
      const answer = await fetch(
        mcpUrl,
        modernRequest('tools/list', {}, { token: 'bad', headers: all }),
      );
      await answer.text();
      return answer.status;
    };
    expect(await knock('192.0.2.1')).toBe(401);
    expect(await knock('192.0.2.1')).toBe(429);
    expect(await knock('192.0.2.2')).toBe(401);
    const token = await server.token();
    const elsewhere = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const headers = { 'x-forwarded-for': '192.0.2.9', ...elsewhere };
    const answer = await fetch(mcpUrl, modernRequest('tools/list', {}, { token, headers }));
    expect(answer.status).toBe(200);
    const challenge = await fetch(mcpUrl, modernRequest('tools/list', {}, { headers }));
    expect(challenge.headers.get('www-authenticate')).not.toContain('evil.example');
  });
});
