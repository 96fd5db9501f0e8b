import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSafeFetch } from '../../../src/net/safe-fetch.js';
import { randomId } from '../../../src/shared/ids.js';
import { ScriptedBrowser } from '../../support/scripted-browser.js';
import {
  type Fixture,
  authorizationUrl,
  newVerifier,
  post,
  register,
  startFixture,
} from '../fixture.js';

const REDIRECT = 'http://127.0.0.1:9696/cb';
const REBOUND = '169.254.169.254';

let fixture: Fixture;
/** Stands for everything in the network of the server: nothing may ever connect to it. */
let inside: ReturnType<typeof createServer>;
let port = 0;
const seen: string[] = [];
beforeAll(async () => {
  inside = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end('{"keys":[]}');
  });
  inside.on('connection', () => seen.push('connection'));
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  ({ port } = inside.address() as AddressInfo);
  const fetch = createSafeFetch({
    resolve: (name, callback) => {
      const address = name.startsWith('rebound') ? REBOUND : '127.0.0.1';
      callback(null, [{ address, family: 4 }]);
    },
  });
  fixture = await startFixture({ options: { registration: { documents: { fetch } } } });
});
beforeEach(() => {
  seen.length = 0;
  // All of these come from one address: past the minute that its limits count.
  fixture.clock.advanceSeconds(61);
});
afterAll(async () => {
  await fixture.close();
  await new Promise((resolve) => inside.close(resolve));
});

const hosts = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '0',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '2852039166',
  '224.0.0.1',
  '255.255.255.255',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'sub.localhost',
  'ⓛocalhost',
  '１２７.0.0.1',
  '127。0。0。1',
  'rebound.example',
  'intranet',
  'printer.local',
];

async function assertionOf(clientId: string): Promise<Record<string, string>> {
  const { privateKey } = await generateKeyPair('ES256');
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({ jti: randomId() })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(fixture.issuer)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(privateKey),
  };
}

/** What a client gets that names its keys at `jwksUri`, and then signs. */
async function signWithKeysAt(jwksUri: string): Promise<unknown> {
  const registered = await register(fixture, {
    redirect_uris: [REDIRECT],
    software_id: randomId(),
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks_uri: jwksUri,
  });
  const body = (await registered.json()) as Record<string, unknown>;
  if (registered.status !== 201) return { status: registered.status, error: body['error'] };
  const { status, json } = await post(`${fixture.issuer}/token`, {
    grant_type: 'refresh_token',
    refresh_token: 'x',
    ...(await assertionOf(String(body['client_id']))),
  });
  return { status, ...json };
}

describe('keys of clients (jwks_uri)', () => {
  test.each(hosts)(
    'are never fetched from %s, in whatever way a client registered',
    async (host) => {
      for (const url of [`https://${host}:${port}/keys`, `http://${host}:${port}/keys`]) {
        const answer = (await signWithKeysAt(url)) as Record<string, unknown>;
        expect([400, 401]).toContain(answer['status']);
        expect(['invalid_client', 'invalid_client_metadata']).toContain(answer['error']);
        // Whether something is there, and what, must not show.
        expect(JSON.stringify(answer)).not.toMatch(
          /refused|ECONN|special|loopback|address|timeout/i,
        );
      }
      expect(seen).toEqual([]);
    },
  );

  test.each([
    'file:///etc/passwd',
    'ftp://files.example/keys',
    'data:application/json,{"keys":[]}',
  ])('are never read from %s', async (url) => {
    const answer = (await signWithKeysAt(url)) as Record<string, unknown>;
    expect([400, 401]).toContain(answer['status']);
    expect(seen).toEqual([]);
  });

  test('look the same from outside whether there is something at the address or not', async () => {
    const [there, nothing, rebound] = await Promise.all(
      [`https://127.0.0.1:${port}/`, 'https://127.0.0.1:1/', 'https://rebound.example/'].map(
        signWithKeysAt,
      ),
    );
    expect(there).toMatchObject({ status: 401, error: 'invalid_client' });
    expect(nothing).toEqual(there);
    expect(rebound).toEqual(there);
  });
});

describe('other URLs of a client', () => {
  test('are neither fetched nor shown: logo, pages, policies, sector, request objects', async () => {
    const url = `http://127.0.0.1:${port}/`;
    const registered = await register(fixture, {
      redirect_uris: [REDIRECT],
      client_name: 'Prober',
      software_id: randomId(),
      token_endpoint_auth_method: 'none',
      logo_uri: `https://127.0.0.1:${port}/logo.png`,
      client_uri: `https://127.0.0.1:${port}/home`,
      policy_uri: `https://127.0.0.1:${port}/policy`,
      tos_uri: `https://127.0.0.1:${port}/tos`,
      sector_identifier_uri: url,
      request_uris: [url],
      initiate_login_uri: url,
      backchannel_logout_uri: url,
      jwks_uri: url,
    });
    const { client_id: clientId } = (await registered.json()) as { client_id: string };
    const client = { clientId, redirectUri: REDIRECT };
    const browser = new ScriptedBrowser({ isFinal: (at) => at.port === '9696' });
    const page = await browser.open(authorizationUrl(fixture, client, newVerifier()));
    const asked = authorizationUrl(fixture, client, newVerifier(), { request_uri: url });
    const refused = await browser.open(asked);

    expect(registered.status).toBe(201);
    expect(page.status).toBe(200);
    expect(page.body).not.toContain(`:${port}/logo`);
    expect(new URL(refused.url).searchParams.get('code')).toBeNull();
    expect(seen).toEqual([]);
  });
});
