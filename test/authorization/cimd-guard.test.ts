import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientTrustPolicy } from '../../src/authorization/index.js';
import { createSafeFetch } from '../../src/net/safe-fetch.js';
import { ScriptedBrowser } from '../support/scripted-browser.js';
import { DocumentHost } from './documents-fixture.js';
import {
  type Fixture,
  authorizationUrl,
  logIn,
  newVerifier,
  post,
  startFixture,
} from './fixture.js';

let host: DocumentHost;
let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({
    options: {
      registration: { documents: { fetch: (input, init) => host.fetch(input, init) } },
    },
  });
});
beforeEach(() => {
  host = new DocumentHost();
  // All of these come from one address: past the minute that its limit counts.
  fixture.clock.advanceSeconds(61);
});
afterAll(() => fixture.close());

function clientOf(clientId: string, redirectUri = 'http://127.0.0.1:51234/callback') {
  return { clientId, redirectUri };
}

async function open(clientId: string, redirectUri?: string, at = fixture) {
  const url = authorizationUrl(at, clientOf(clientId, redirectUri), newVerifier());
  return new ScriptedBrowser().request(url);
}

const spellings = [
  'http://app.example/client',
  'https://app.example',
  'https://app.example/',
  'https://app.example/a/../client',
  'https://app.example/a/%2e%2e/client',
  'https://app.example/client#x',
  'https://user@app.example/client',
  'https://user:pass@app.example/client',
  'https://APP.example/client',
  'https://app.example:443/client',
  'https://app.example\\@10.0.0.1/client',
  'https://app.example/cli ent',
  'https://localhost/client',
  'https://127.0.0.1/client',
  'https://127.1/client',
  'https://2130706433/client',
  'https://0x7f000001/client',
  'https://0177.0.0.1/client',
  'https://[::1]/client',
  'https://[::ffff:127.0.0.1]/client',
  'https://[fe80::1]/client',
  'https://10.0.0.1/client',
  'https://169.254.169.254/latest/meta-data',
  'https://[fd00:ec2::254]/latest',
  'https://93.184.216.34/client',
  'https://intranet/client',
  'http://localhost:1/client',
];

describe('the guard of the fetch', () => {
  test.each(spellings)('does not even look at %j', async (clientId) => {
    const page = await open(clientId);

    expect(page.status).toBe(400);
    expect(page.headers.get('location')).toBeNull();
    expect(host.requests).toEqual([]);
  });

  const addresses = [
    '127.0.0.1',
    '10.0.0.7',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
  ];
  test.each(addresses)('connects to nothing when a name leads to %s', async (address) => {
    let connections = 0;
    const listener = createServer(() => undefined);
    listener.on('connection', () => connections++);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const guarded = await startFixture({
      options: {
        registration: {
          documents: {
            fetch: createSafeFetch({
              resolve: (_name, callback) =>
                callback(null, [{ address, family: address.includes(':') ? 6 : 4 }]),
            }),
          },
        },
      },
    });
    const page = await open(`https://rebound.example:${port}/client`, undefined, guarded);
    await guarded.close();
    await new Promise((resolve) => listener.close(resolve));

    expect(page.status).toBe(400);
    expect(connections).toBe(0);
  });

  test('takes documents of this machine only when a switch says so', async () => {
    const documents = createServer((request, response) => {
      if (request.url === '/moved') {
        response.writeHead(302, { location: '/client' }).end();
        return;
      }
      const clientId = `http://${request.headers.host ?? ''}/client`;
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          client_id: clientId,
          client_name: 'Local',
          redirect_uris: ['http://127.0.0.1/callback'],
        }),
      );
    });
    await new Promise<void>((resolve) => documents.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(documents.address() as AddressInfo).port}`;
    const local = await startFixture({
      options: { registration: { documents: { dangerouslyAllowLoopback: true } } },
    });
    const strict = await startFixture();
    const statuses = [
      (await open(`${origin}/client`, undefined, local)).status,
      (await open(`${origin}/moved`, undefined, local)).status,
      (await open(`${origin}/client`, undefined, strict)).status,
    ];
    await Promise.all([local.close(), strict.close()]);
    documents.closeAllConnections();
    await new Promise((resolve) => documents.close(resolve));

    expect(statuses).toEqual([303, 400, 400]);
  });
});

describe('the trust policy', () => {
  const trust: ClientTrustPolicy = ({ clientId, origin }) => {
    if (clientId.includes('denied')) return 'deny';
    return origin === 'document' ? 'warn' : 'allow';
  };

  test('denies, warns on the page, or lets a client in', async () => {
    const judged = await startFixture({
      options: { registration: { trust, documents: { fetch: (input) => host.fetch(input) } } },
    });
    const denied = await open(host.publish('https://denied.example/c'), undefined, judged);
    const url = authorizationUrl(
      judged,
      clientOf(host.publish('https://warned.example/c')),
      newVerifier(),
    );
    const warned = await new ScriptedBrowser().open(url);
    const token = await post(`${judged.issuer}/token`, {
      grant_type: 'refresh_token',
      client_id: 'https://denied.example/c',
      refresh_token: 'x',
    });
    const allowed = await logIn(judged);
    await judged.close();

    expect(denied.status).toBe(400);
    expect(token).toMatchObject({ status: 400, json: { error: 'invalid_client' } });
    expect(warned.body).toContain('do not vouch for this app');
    expect(allowed.accessToken).not.toBe('');
  });

  test('takes documents of the named hosts alone', async () => {
    const picky = await startFixture({
      options: {
        registration: {
          documents: { hosts: ['good.example'], fetch: (input) => host.fetch(input) },
        },
      },
    });
    const good = await open(host.publish('https://good.example/c'), undefined, picky);
    const bad = await open(host.publish('https://bad.example/c'), undefined, picky);
    await picky.close();

    expect([good.status, bad.status]).toEqual([303, 400]);
    expect(host.requests).toEqual(['https://good.example/c']);
  });
});
