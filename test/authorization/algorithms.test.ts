import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Fixture,
  getCode,
  post,
  readToken,
  redeem,
  registerClient,
  startFixture,
} from './fixture.js';

const SCOPES = { 'catalog:read': 'Read' };
let fixture: Fixture;
beforeAll(async () => {
  fixture = await startFixture({
    options: {
      signingAlgorithms: ['RS256'],
      resources: [
        { resource: 'https://old.example/mcp', scopes: SCOPES, accessTokenAlgorithm: 'RS256' },
        { resource: 'https://new.example/mcp', scopes: SCOPES },
      ],
    },
  });
});
afterAll(() => fixture.close());

async function tokensFor(resource: string, metadata: Record<string, unknown> = {}) {
  const client = await registerClient(fixture, metadata);
  const login = await getCode(fixture, {
    client,
    changes: { resource, scope: 'openid catalog:read' },
  });
  const { json } = await redeem(fixture, login, { resource });
  return { client, accessToken: String(json['access_token']), idToken: String(json['id_token']) };
}

function algorithmsOf({ as }: Fixture): Set<string | undefined> {
  return new Set(as.jwks().keys.map(({ alg }) => alg));
}

async function algorithmOf(token: string): Promise<string> {
  const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(fixture.as.jwks()));
  return protectedHeader.alg;
}

describe('signing algorithms', () => {
  test('are ES256 unless a resource or a client insists on RS256', async () => {
    const old = await tokensFor('https://old.example/mcp');
    const modern = await tokensFor('https://new.example/mcp', {
      id_token_signed_response_alg: 'RS256',
    });

    expect(await algorithmOf(old.accessToken)).toBe('RS256');
    expect(await algorithmOf(old.idToken)).toBe('ES256');
    expect(await algorithmOf(modern.accessToken)).toBe('ES256');
    expect(await algorithmOf(modern.idToken)).toBe('RS256');
    expect(fixture.as.metadata()['id_token_signing_alg_values_supported']).toEqual([
      'ES256',
      'RS256',
    ]);
    expect(algorithmsOf(fixture)).toEqual(new Set(['ES256', 'RS256']));
  });

  test('change nothing about introspection and revocation', async () => {
    const { client, accessToken } = await tokensFor('https://old.example/mcp');
    const at = async (path: string) =>
      post(`${fixture.issuer}${path}`, { token: accessToken, client_id: client.clientId });
    const before = await at('/introspect');
    await at('/revoke');

    expect(before.json).toMatchObject({ active: true, aud: 'https://old.example/mcp' });
    expect((await at('/introspect')).json).toEqual({ active: false });
  });

  test('are ES256 alone by default, whatever a client asks for', async () => {
    const plain = await startFixture();
    const client = await registerClient(plain, { id_token_signed_response_alg: 'RS256' });
    const { json } = await redeem(
      plain,
      await getCode(plain, { client, changes: { scope: 'openid catalog:read' } }),
    );
    const { protectedHeader } = await readToken(plain, String(json['access_token']));
    await plain.close();

    expect(protectedHeader.alg).toBe('ES256');
    expect(plain.as.jwks().keys).toHaveLength(1);
    expect(plain.as.metadata()['id_token_signing_alg_values_supported']).toEqual(['ES256']);
  });

  test('have to be on for the resource that wants them', async () => {
    const resources = [
      { resource: 'https://old.example/mcp', scopes: SCOPES, accessTokenAlgorithm: 'RS256' },
    ] as const;

    await expect(startFixture({ options: { resources } })).rejects.toThrow(/signingAlgorithms/);
  });

  test('get their key when they are switched on over an existing database', async () => {
    const before = await startFixture();
    const after = await startFixture({
      database: before.database,
      options: { signingAlgorithms: ['RS256'] },
    });
    const [kept] = before.as.jwks().keys;
    await after.close();
    await before.close();

    expect(algorithmsOf(after)).toEqual(new Set(['ES256', 'RS256']));
    expect(after.as.jwks().keys).toContainEqual(kept);
  });
});
