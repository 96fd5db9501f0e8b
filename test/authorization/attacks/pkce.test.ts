import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedBrowser } from '../../support/scripted-browser.js';
import {
  type Fixture,
  type TestClient,
  authorizationUrl,
  getCode,
  newVerifier,
  redeem,
  registerClient,
  startFixture,
} from '../fixture.js';

let fixture: Fixture;
let clients: Readonly<Record<'public' | 'confidential', TestClient>>;
beforeAll(async () => {
  fixture = await startFixture();
  clients = {
    public: await registerClient(fixture),
    confidential: await registerClient(fixture, {
      token_endpoint_auth_method: 'client_secret_post',
    }),
  };
});
afterAll(() => fixture.close());

const kinds = ['public', 'confidential'] as const;
const secretOf = (client: TestClient) => ({ client_secret: client.clientSecret });

async function authorizeError(client: TestClient, changes: Record<string, string | undefined>) {
  const url = authorizationUrl(fixture, client, newVerifier(), changes);
  const { headers } = await new ScriptedBrowser().request(url);
  return new URL(headers.get('location') ?? 'about:blank').searchParams;
}

describe.each(kinds)('a downgrade of PKCE for a %s client', (kind) => {
  test.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a method without a challenge', { code_challenge: undefined }],
    ['the method plain', { code_challenge_method: 'plain' }],
    ['no method, which means plain', { code_challenge_method: undefined }],
    ['the method s256 in small letters', { code_challenge_method: 's256' }],
    ['an unknown method', { code_challenge_method: 'none' }],
    ['an empty challenge', { code_challenge: '' }],
    ['a challenge that is too short', { code_challenge: 'x'.repeat(42) }],
    ['a challenge that is too long', { code_challenge: 'x'.repeat(129) }],
    ['a challenge with other characters', { code_challenge: `${'x'.repeat(42)}=` }],
  ])('is refused before anybody is asked: %s', async (_name, changes) => {
    const answer = await authorizeError(clients[kind], changes);
    expect(answer.get('error')).toBe('invalid_request');
    expect(answer.get('state')).toBe('the-state');
    expect(answer.getAll('iss')).toEqual([fixture.issuer]);
    expect(answer.get('code')).toBeNull();
  });

  test.each([
    ['none', () => undefined],
    ['an empty one', () => ''],
    ['a wrong one', () => newVerifier()],
    ['one that is too short', () => 'x'.repeat(42)],
    ['one that is too long', () => 'x'.repeat(129)],
    ['the challenge, as for plain', (challenge: string) => challenge],
  ])('is refused at the token endpoint: verifier is %s', async (_name, verifierOf) => {
    const client = clients[kind];
    const login = await getCode(fixture, { client });
    const challenge = new URL(authorizationUrl(fixture, client, login.verifier)).searchParams;
    const verifier = verifierOf(challenge.get('code_challenge') ?? '');
    const answer = await redeem(fixture, login, { ...secretOf(client), code_verifier: verifier });
    expect(answer.status).toBe(400);
    expect(['invalid_grant', 'invalid_request']).toContain(answer.json['error']);
    expect((await redeem(fixture, login, secretOf(client))).status).toBe(200);
  });

  test('is no way around by a verifier for a request that had no challenge: there is no such code', async () => {
    const client = clients[kind];
    const browser = new ScriptedBrowser({ isFinal: (url) => url.port === '9696' });
    const { url } = await browser.open(
      authorizationUrl(fixture, client, newVerifier(), {
        code_challenge: undefined,
        code_challenge_method: undefined,
      }),
    );
    expect(new URL(url).searchParams.get('code')).toBeNull();
    const answer = await redeem(
      fixture,
      { client, code: new URL(url).searchParams.get('code') ?? 'none', verifier: newVerifier() },
      secretOf(client),
    );
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });
});

describe('code injection', () => {
  test('a code of the attacker does not fit into the session of the victim, nor the other way round', async () => {
    const client = clients.public;
    const attacker = await getCode(fixture, { client, person: 'ben' });
    const victim = await getCode(fixture, { client, person: 'ada' });
    for (const [taken, into] of [
      [attacker, victim],
      [victim, attacker],
    ] as const) {
      const answer = await redeem(fixture, { ...taken, verifier: into.verifier });
      expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    }
    expect((await redeem(fixture, victim)).status).toBe(200);
  });

  test('a code is for one client: another one with the verifier gets nothing', async () => {
    const login = await getCode(fixture, { client: clients.public });
    const other = await registerClient(fixture);
    const answer = await redeem(fixture, { ...login, client: other });
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
    const confidential = clients.confidential;
    const withSecret = await redeem(
      fixture,
      { ...login, client: confidential },
      secretOf(confidential),
    );
    expect(withSecret).toMatchObject({ status: 400, json: { error: 'invalid_grant' } });
  });
});
