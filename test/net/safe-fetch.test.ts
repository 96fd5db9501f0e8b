import { type Server, createServer } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyAddress } from '../../src/net/address-policy.js';
import { createFilteringLookup } from '../../src/net/filtering-lookup.js';
import { createSafeFetch } from '../../src/net/safe-fetch.js';

// Nothing in this file may reach a network: names resolve to what the test says.
const resolveTo =
  (...addresses: string[]) =>
  (
    _name: string,
    callback: (error: null, found: { address: string; family: number }[]) => void,
  ): void =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

const lookUp = (lookup: LookupFunction, name: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, found) =>
      error === null ? resolve(found) : reject(error),
    );
  });

describe('classifyAddress', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'special'],
    ['10.1.2.3', 'special'],
    ['100.64.0.1', 'special'],
    ['169.254.169.254', 'special'],
    ['172.16.0.1', 'special'],
    ['172.31.255.255', 'special'],
    ['192.168.1.1', 'special'],
    ['198.18.0.1', 'special'],
    ['224.0.0.1', 'special'],
    ['255.255.255.255', 'special'],
    ['::', 'special'],
    ['::ffff:127.0.0.1', 'special'],
    ['::ffff:169.254.169.254', 'special'],
    ['::ffff:8.8.8.8', 'special'],
    ['::7f00:1', 'special'],
    ['64:ff9b::7f00:1', 'special'],
    ['2002:7f00:1::', 'special'],
    ['fc00::1', 'special'],
    ['fd12:3456::1', 'special'],
    ['fe80::1', 'special'],
    ['fe80::1%eth0', 'special'],
    ['ff02::1', 'special'],
    ['2001:db8::1', 'special'],
    ['not an address', 'special'],
    ['8.8.8.8', 'public'],
    ['172.32.0.1', 'public'],
    ['2606:4700::1111', 'public'],
  ])('takes %s for %s', (address, kind) => {
    expect(classifyAddress(address)).toBe(kind);
  });
});

describe('createSafeFetch, targets', () => {
  it.each([
    ['plain http elsewhere', 'http://example.com/', 'ERR_URL_NOT_ALLOWED'],
    ['a file', 'file:///etc/passwd', 'ERR_URL_NOT_ALLOWED'],
    ['data', 'data:text/plain,hello', 'ERR_URL_NOT_ALLOWED'],
    ['script', 'javascript:alert(1)', 'ERR_URL_NOT_ALLOWED'],
    ['no URL', 'mcp', 'ERR_URL_NOT_ALLOWED'],
    ['user info that hides the host', 'https://example.com@127.0.0.1/', 'ERR_URL_NOT_ALLOWED'],
    ['user info', 'https://user:secret@example.com/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback', 'https://127.0.0.1/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, decimal', 'https://2130706433/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, octal', 'https://0177.0.0.1/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, hex', 'https://0x7f.0.0.1/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, short', 'https://127.1/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, full width', 'https://１２７.０.０.１/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, IPv6', 'https://[::1]/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, IPv6 written out', 'https://[0:0:0:0:0:0:0:1]/', 'ERR_URL_NOT_ALLOWED'],
    ['loopback, IPv4-mapped', 'https://[::ffff:127.0.0.1]/', 'ERR_ADDRESS_BLOCKED'],
    ['loopback, IPv4-mapped hex', 'https://[::ffff:7f00:1]/', 'ERR_ADDRESS_BLOCKED'],
    ['any address', 'https://0.0.0.0/', 'ERR_ADDRESS_BLOCKED'],
    ['any address, short', 'https://0/', 'ERR_ADDRESS_BLOCKED'],
    ['cloud metadata', 'https://169.254.169.254/latest', 'ERR_ADDRESS_BLOCKED'],
    ['cloud metadata, decimal', 'https://2852039166/', 'ERR_ADDRESS_BLOCKED'],
    ['cloud metadata, hex', 'https://0xa9fea9fe/', 'ERR_ADDRESS_BLOCKED'],
    ['cloud metadata, IPv6', 'https://[fd00:ec2::254]/', 'ERR_ADDRESS_BLOCKED'],
    ['a private network', 'https://192.168.0.1/', 'ERR_ADDRESS_BLOCKED'],
    ['a link-local address', 'https://[fe80::1]/', 'ERR_ADDRESS_BLOCKED'],
  ])('refuses %s before anything is sent', async (_name, url, code) => {
    await expect(createSafeFetch()(url)).rejects.toMatchObject({ code });
  });

  it.each([
    ['loopback', '127.0.0.1'],
    ['a private address', '10.0.0.5'],
    ['the metadata address', '169.254.169.254'],
    ['a mapped address', '::ffff:10.0.0.1'],
  ])('refuses a name that resolves to %s', async (_name, address) => {
    const lookup = createFilteringLookup(() => ['public'], resolveTo(address));
    await expect(lookUp(lookup, 'rebind.example')).rejects.toMatchObject({
      code: 'ERR_ADDRESS_BLOCKED',
      address,
    });
  });

  it('hands out only the allowed ones of several addresses', async () => {
    const lookup = createFilteringLookup(() => ['public'], resolveTo('10.0.0.5', '8.8.8.8', '::1'));
    expect(await lookUp(lookup, 'mixed.example')).toEqual([{ address: '8.8.8.8', family: 4 }]);
  });

  it('refuses localhost that resolves elsewhere', async () => {
    const fetch = createSafeFetch({ resolve: resolveTo('10.0.0.5'), allowLoopback: true });
    await expect(fetch('http://localhost:1234/')).rejects.toMatchObject({
      code: 'ERR_ADDRESS_BLOCKED',
    });
  });

  it('keeps paths, queries and passwords out of its errors', async () => {
    for (const url of ['http://example.com/a?token=canary', 'https://u:canary@example.com/']) {
      const failure = await createSafeFetch()(url).catch((error: unknown) => error as Error);
      expect((failure as Error).message).not.toContain('canary');
    }
  });
});

describe('createSafeFetch, against a server', () => {
  let server: Server;
  let origin: string;
  let port: number;
  const seen: { url: string; authorization: string | undefined }[] = [];

  beforeAll(async () => {
    server = createServer((req, res) => {
      seen.push({ url: req.url ?? '', authorization: req.headers.authorization });
      const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
      switch (pathname) {
        case '/redirect':
          return res.writeHead(302, { location: searchParams.get('to') ?? '/' }).end();
        case '/loop':
          return res.writeHead(302, { location: '/loop' }).end();
        case '/big':
          return res.writeHead(200, { 'content-length': '5000' }).end('x'.repeat(5000));
        case '/big-chunked':
          res.write('x'.repeat(4000));
          return res.end('x'.repeat(4000));
        case '/stream':
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          return res.end(`data: ${'x'.repeat(8000)}\n\n`);
        case '/silent':
          return undefined;
        case '/stalls':
          return res.write('{');
        case '/breaks':
          res.write('{');
          return setImmediate(() => res.destroy());
        case '/empty':
          return res.writeHead(204).end();
        default:
          return res.end('fine');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    origin = `http://127.0.0.1:${port}`;
  });

  afterAll(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );

  it('reaches this machine where that is allowed, by every spelling of it', async () => {
    const fetch = createSafeFetch({ allowLoopback: true });
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1']) {
      const response = await fetch(`http://${host}:${port}/`);
      expect(response).toBeInstanceOf(Response);
      expect(await response.text()).toBe('fine');
    }
  });

  it('connects to the address that was checked, not to what the name says later', async () => {
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    const fetch = createSafeFetch({
      allowLoopback: true,
      resolve: (name, callback) => resolveTo(...(answers.shift() ?? []))(name, callback),
    });
    expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe('fine');
    expect(answers).toHaveLength(1);
  });

  it.each(['/big', '/big-chunked'])('stops %s at the byte limit', async (path) => {
    const fetch = createSafeFetch({ allowLoopback: true, maxBytes: 4500 });
    const read = fetch(`${origin}${path}`).then((response) => response.text());
    await expect(read).rejects.toMatchObject({
      code: 'ERR_RESPONSE_TOO_LARGE',
      maxBytes: 4500,
      origin,
    });
  });

  it('lets an event stream be longer than the byte limit', async () => {
    const fetch = createSafeFetch({ allowLoopback: true, maxBytes: 100 });
    expect((await (await fetch(`${origin}/stream`)).text()).length).toBeGreaterThan(8000);
  });

  it.each(['/silent', '/stalls'])('ends %s at the time limit', async (path) => {
    const fetch = createSafeFetch({ allowLoopback: true, timeoutMs: 60 });
    const read = fetch(`${origin}${path}`).then((response) => response.text());
    await expect(read).rejects.toMatchObject({ code: 'ERR_REQUEST_TIMEOUT', timeoutMs: 60 });
  });

  it('reports a connection that breaks as sent, and one that is refused as not sent', async () => {
    const fetch = createSafeFetch({ allowLoopback: true });
    const broken = fetch(`${origin}/breaks`).then((response) => response.text());
    await expect(broken).rejects.toMatchObject({ code: 'ERR_NETWORK', wasSent: true });
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const freePort = (closed.address() as AddressInfo).port;
    await new Promise((resolve) => closed.close(resolve));
    const refused = fetch(`http://127.0.0.1:${freePort}/`);
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_NETWORK',
      reason: 'ECONNREFUSED',
      wasSent: false,
    });
  });

  it('passes an abort of the caller on as it is', async () => {
    const reason = new Error('changed my mind');
    const fetch = createSafeFetch({ allowLoopback: true });
    await expect(fetch(`${origin}/silent`, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });

  it('follows no redirect by default', async () => {
    const fetch = createSafeFetch({ allowLoopback: true });
    await expect(fetch(`${origin}/redirect?to=/`)).rejects.toMatchObject({
      code: 'ERR_REDIRECT_REFUSED',
    });
  });

  it('hands a redirect over when the caller asks for that', async () => {
    const fetch = createSafeFetch({ allowLoopback: true });
    const response = await fetch(`${origin}/redirect?to=/`, { redirect: 'manual' });
    expect(response.status).toBe(302);
  });

  it('follows redirects of the same origin where that is chosen, a bounded number of times', async () => {
    const fetch = createSafeFetch({ allowLoopback: true, redirects: 'same-origin' });
    expect(await (await fetch(`${origin}/redirect?to=/`)).text()).toBe('fine');
    const loop = fetch(`${origin}/redirect?to=/loop`);
    await expect(loop).rejects.toMatchObject({ code: 'ERR_REDIRECT_REFUSED' });
  });

  it('never takes credentials to another origin', async () => {
    const fetch = createSafeFetch({ allowLoopback: true, redirects: 'same-origin' });
    seen.length = 0;
    const to = `http://localhost:${port}/stolen`;
    await expect(
      fetch(`${origin}/redirect?to=${to}`, { headers: { authorization: 'Bearer canary' } }),
    ).rejects.toMatchObject({ code: 'ERR_REDIRECT_REFUSED' });
    expect(seen.map(({ url }) => url)).not.toContain('/stolen');
  });

  it('repeats no POST at another address', async () => {
    const fetch = createSafeFetch({ allowLoopback: true, redirects: 'same-origin' });
    await expect(
      fetch(`${origin}/redirect?to=/`, { method: 'POST', body: 'secret' }),
    ).rejects.toMatchObject({ code: 'ERR_REDIRECT_REFUSED' });
  });

  it('takes a Request, and answers without a body', async () => {
    const fetch = createSafeFetch({ allowLoopback: true });
    const request = new Request(`${origin}/empty`, { method: 'POST', body: 'text' });
    const response = await fetch(request);
    expect([response.status, response.body]).toEqual([204, null]);
  });
});
