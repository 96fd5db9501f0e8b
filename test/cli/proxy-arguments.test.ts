import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseProxyArguments } from '../../src/cli/catalog-client/proxy-arguments.js';
import { ClientUsageError } from '../../src/cli/catalog-client/errors.js';
import { temporaryFolder } from '../support/processes.js';

const URL = 'https://mcp.example/mcp';

function parse(args: readonly string[], env: Record<string, string> = {}) {
  const parsed = parseProxyArguments(args, env);
  if (parsed === 'help') throw new Error('help');
  return parsed;
}

describe('the command line of mcp-remote', () => {
  it("is taken as it stands in hosts' configurations", () => {
    const parsed = parse(
      [
        URL,
        '9696',
        '--transport',
        'http-only',
        '--header',
        'X-Tenant:${TENANT}',
        '--host',
        'localhost',
        '--debug',
      ]
        .concat(['--ignore-tool', 'delete*', '--ignore-tool', '*account', '--auth-timeout', '60'])
        .concat([
          '--resource',
          'https://tenant.example/',
          '--silent',
          '--enable-proxy',
          '--keep-alive',
          '--ipv4',
        ]),
      { TENANT: 'north' },
    );
    expect(parsed).toMatchObject({
      serverUrl: URL,
      headers: { 'x-tenant': 'north' },
      denyTools: ['delete*', '*account'],
      isVerbose: true,
      ipv4: true,
      login: {
        port: 9696,
        callbackHost: 'localhost',
        timeoutSeconds: 60,
        resource: 'https://tenant.example/',
      },
      warnings: [],
    });
  });

  it('gives a client of an operator, whose redirect address is fixed then', () => {
    const info = '{"client_id":"abc","client_secret":"${SECRET}"}';
    const args = [URL, '3334', '--static-oauth-client-info', info];
    const metadata = ['--static-oauth-client-metadata', '{"scope":"a b"}'];
    const parsed = parse([...args, ...metadata], { SECRET: 'hidden-value' });
    expect(parsed.login).toMatchObject({
      clientId: 'abc',
      clientSecret: 'hidden-value',
      scopes: ['a', 'b'],
      isPortFixed: true,
    });
    expect(parsed.warnings).toEqual([]);
  });

  it('reads headers and client information from files', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'headers'), '# a comment\nAuthorization: Bearer secret-value\n\n');
    writeFileSync(join(folder, 'info'), '{"client_id":"abc","client_secret":"hidden-value"}');
    const parsed = parse([
      URL,
      '--header-file',
      join(folder, 'headers'),
      '--static-oauth-client-info',
      `@${join(folder, 'info')}`,
    ]);
    expect(parsed.headers).toEqual({ authorization: 'Bearer secret-value' });
    expect(parsed.login.clientSecret).toBe('hidden-value');
    expect(parsed.warnings).toEqual([]);
  });

  it.each([
    ['--header', 'Authorization: Bearer secret-value', 'AUTHORIZATION'],
    ['--header', 'X-API-KEY:secret-value', 'X_API_KEY'],
    [
      '--static-oauth-client-info',
      '{"client_id":"a","client_secret":"secret-value"}',
      'CATALOG_CLIENT_SECRET',
    ],
  ])('takes a secret in %s, and says where it belongs', (option, value, variable) => {
    const { warnings } = parse([URL, option, value]);
    expect(warnings.join()).toContain(variable);
    expect(warnings.join()).not.toContain('secret-value');
  });
});

describe('a command line that cannot be used', () => {
  it.each([
    [[], 'needs the URL'],
    [['not-a-url'], 'not-a-url'],
    [[URL, '9696', 'more'], '"more" is one too many'],
    [[URL, '99999'], 'the callback port is "99999", expected 0 to 65535'],
    [[URL, '--strict-tool'], 'The nearest is --strict-tools'],
    [[URL, '--alow-http'], 'The nearest is --allow-http'],
    [[URL, '--device-code'], '--device-code of mcp-remote is not supported here'],
    [[URL, '--header'], '--header needs a value'],
    [[URL, '--strict-tools=yes'], '--strict-tools takes no value'],
    [[URL, '--transport', 'sse-only'], 'sse-only'],
    [[URL, '--host', '0.0.0.0'], 'expected 127.0.0.1 or localhost'],
    [[URL, '--header', 'X-Key: ${NOT_SET}'], 'NOT_SET, which is not set'],
    [[URL, '--static-oauth-client-info', 'nonsense'], 'is not a JSON object'],
    [[URL, '--header-file', '/nonexistent/file'], 'cannot read'],
    [['http://mcp.example/mcp'], 'plain http to another machine'],
  ])('%j is refused: %s', (args, message) => {
    expect(() => parse(args)).toThrow(ClientUsageError);
    expect(() => parse(args)).toThrow(message);
  });

  it('never repeats a header that cannot be read: it may be a secret', () => {
    expect(() => parse([URL, '--header', 'secret-value'])).toThrow(
      expect.not.objectContaining({
        message: expect.stringContaining('secret-value') as string,
      }) as Error,
    );
  });
});

it('uses CATALOG_API_KEY where no credentials are given', () => {
  expect(parse([URL], { CATALOG_API_KEY: 'key-value' }).headers).toEqual({
    'x-api-key': 'key-value',
  });
  const given = parse([URL, '--header', 'Authorization:${T}'], {
    T: 'Bearer x',
    CATALOG_API_KEY: 'key-value',
  });
  expect(given.headers).toEqual({ authorization: 'Bearer x' });
});
