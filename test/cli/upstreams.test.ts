import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientAddressOf } from '../../src/cli/catalog-server/client-address.js';
import { ConfigurationError, resolveConfig } from '../../src/cli/catalog-server/config.js';
import { type UpstreamsParts, openUpstreams } from '../../src/cli/catalog-server/upstreams.js';
import { err } from '../../src/shared/result.js';
import { temporaryFolder } from '../support/processes.js';

const API = ['https://api.example.com'];
const ENDPOINT = { tokenEndpoint: 'https://as.example.com/token', clientId: 'catalog' };
const authorization = { upstreamToken: async () => err('none' as const) };
const external = { role: 'mcp', issuer: 'https://idp.example.com' };

function open(document: unknown, changes: Partial<UpstreamsParts> & { raw?: object } = {}) {
  const { raw = {}, ...parts } = changes;
  return openUpstreams(JSON.stringify(document), {
    config: resolveConfig(raw, {}),
    env: { SECRET: 'secret-value' },
    ...parts,
  });
}

const one = (credential: object, more: object = {}) => ({
  upstreams: [{ name: 'api', origins: API, credential, ...more }],
});
const fixed = { kind: 'static', secretEnv: 'SECRET' };
const stored = { kind: 'stored', provider: 'university' };

describe('--upstreams', () => {
  it('opens every kind of credential, with secrets of the environment and of files', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const client = { ...ENDPOINT, clientSecretEnv: 'SECRET' };
    const subject = {
      kind: 'assertion',
      issuer: 'https://catalog.example.com',
      audience: ENDPOINT.tokenEndpoint,
      algorithm: 'ES256',
      privateKeyFile: 'key.pem',
    };
    const credentials = [
      fixed,
      stored,
      { kind: 'client-credentials', ...client, scopes: ['a'] },
      { kind: 'token-exchange', ...client, subject },
      { kind: 'token-exchange', ...client, subject: { kind: 'provider', provider: 'university' } },
    ];
    const file = join(folder, 'upstreams.json');
    const upstreams = credentials.map((credential, at) => ({
      name: `a${at}`,
      origins: API,
      credential,
    }));
    writeFileSync(file, JSON.stringify({ upstreams }));
    const opened = openUpstreams(file, {
      config: resolveConfig({}, {}),
      env: { SECRET: 'secret-value' },
      authorization,
      keptProviders: ['university'],
    });
    expect(opened.upstreams.names).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
    expect(opened.inboundTokens).toBeUndefined();
  });

  it('keeps tokens that come in only where they are exchanged at their issuer', () => {
    const authorizationServer = { clientId: 'mcp', clientSecretEnv: 'SECRET' };
    const raw = { role: 'mcp' };
    expect(open(one(fixed), { raw }).inboundTokens).toBeUndefined();
    expect(open({ authorizationServer, ...one(stored) }, { raw }).inboundTokens).toBeDefined();
  });

  const mcp = { raw: { role: 'mcp' } };
  const own = { authorization, keptProviders: ['university'] };
  it.each([
    [{}, {}, 'upstreams: '],
    [{ upstreams: [] }, {}, 'upstreams: '],
    [one({ kind: 'magic' }), {}, 'upstreams[0].credential.kind: '],
    [one(fixed, { name: 'a b' }), {}, 'upstreams[0].name: has to be letters'],
    [
      one(fixed, { origins: ['http://api.example.com'] }),
      {},
      'upstreams[0].origins[0]: has to be an https URL',
    ],
    [one(fixed, { origins: ['https://api.example.com/v1'] }), {}, '"https://api.example.com/v1"'],
    [
      one({ kind: 'static', secret: 'hunter2' }),
      {},
      'upstreams[0].credential.secret must not be in this file',
    ],
    [
      one({ kind: 'static' }),
      {},
      'upstreams[0].credential has neither of "secretEnv" and "secretFile"',
    ],
    [one({ ...fixed, secretFile: 'x' }), {}, 'has both of "secretEnv" and "secretFile"'],
    [
      one({ kind: 'static', secretEnv: 'NONE' }),
      {},
      '"secretEnv" names NONE, which is not set: put the secret there',
    ],
    [one({ kind: 'static', secretFile: 'gone' }), {}, 'cannot be read (ENOENT)'],
    [
      one({ kind: 'client-credentials', ...ENDPOINT, clientSecret: 'hunter2' }),
      {},
      'clientSecretEnv',
    ],
    [one({ kind: 'client-credentials', ...ENDPOINT }), {}, 'neither of "clientSecretEnv"'],
    [
      { upstreams: [...one(fixed).upstreams, ...one(fixed).upstreams] },
      {},
      'upstreams[1].name "api" is used twice',
    ],
    [
      one(stored),
      { authorization },
      'provider "university" is no identity provider with "keepTokens": true',
    ],
    [
      { authorizationServer: { clientId: 'm', clientSecretEnv: 'SECRET' }, ...one(fixed) },
      own,
      'authorizationServer is for --role=mcp',
    ],
    [one(stored), mcp, 'upstreams[0].credential needs "authorizationServer"'],
    [
      { authorizationServer: { clientId: 'm' }, ...one(stored) },
      mcp,
      'authorizationServer has neither of "clientSecretEnv"',
    ],
    [one(stored), { raw: external }, 'none of its tokens come in with --issuer'],
    [one(stored), { raw: { transport: 'stdio' } }, 'none of its tokens come in over stdio'],
  ])('refuses %j with %j, naming the field', (document, parts, message) => {
    const attempt = (): unknown => open(document, parts);
    expect(attempt).toThrow(ConfigurationError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(/^CATALOG_UPSTREAMS: /);
    expect(attempt).not.toThrow('hunter2');
  });

  it('refuses a key that cannot be read, without repeating it', () => {
    const subject = {
      kind: 'assertion',
      issuer: 'a',
      audience: 'b',
      algorithm: 'ES256',
      privateKeyEnv: 'SECRET',
    };
    const document = one({
      kind: 'token-exchange',
      ...ENDPOINT,
      clientSecretEnv: 'SECRET',
      subject,
    });
    expect(() => open(document)).toThrow('the private key cannot be read');
    expect(() => open(document)).not.toThrow('secret-value');
  });

  it('is refused for the authorization server alone', () => {
    expect(() => resolveConfig({ role: 'auth', upstreams: 'x.json' }, {})).toThrow('--upstreams');
  });
});

describe('--trusted-proxies', () => {
  it('takes a number, addresses and networks, and trusts nobody by default', () => {
    expect(clientAddressOf(undefined)).toBeUndefined();
    expect(clientAddressOf('1')).toBeTypeOf('function');
    expect(clientAddressOf('10.0.0.0/8, ::1')).toBeTypeOf('function');
  });

  it.each(['0', 'proxy.example.com', '10.0.0.0/64', ''])('refuses %j, naming the flag', (value) => {
    expect(() => clientAddressOf(value)).toThrow(ConfigurationError);
    expect(() => clientAddressOf(value)).toThrow('--trusted-proxies: ');
  });
});
