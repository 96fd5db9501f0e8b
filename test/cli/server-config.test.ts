import { describe, expect, it } from 'vitest';
import {
  ConfigurationError,
  describeConfig,
  mcpResource,
  resolveConfig,
  withPort,
} from '../../src/cli/catalog-server/config.js';

const SECRET = 's'.repeat(32);

describe('resolveConfig', () => {
  it('needs no setting at all', () => {
    const config = resolveConfig({}, { XDG_DATA_HOME: '/data' });
    expect(config).toMatchObject({
      transport: 'http',
      role: 'all',
      host: 'localhost',
      port: 3000,
      publicUrl: 'http://localhost:3000',
      issuer: 'http://localhost:3000',
      externalIssuers: [],
    });
    expect(mcpResource(config, {})).toBe('http://localhost:3000/mcp');
  });

  it('gives the two roles ports and URLs that find each other', () => {
    const auth = resolveConfig({ role: 'auth' }, {});
    const mcp = resolveConfig({ role: 'mcp' }, {});
    expect(auth).toMatchObject({ port: 4000, issuer: 'http://localhost:4000' });
    expect(mcp).toMatchObject({
      port: 3000,
      issuer: 'http://localhost:4000',
      externalIssuers: [],
    });
    expect(mcpResource(auth, {})).toBe(mcpResource(mcp, {}));
  });

  it('follows the port that was really taken', () => {
    const config = resolveConfig({ port: '0' }, {});
    expect(withPort(config, { port: '0' }, 4711)).toMatchObject({
      publicUrl: 'http://localhost:4711',
      issuer: 'http://localhost:4711',
    });
  });

  it('puts our own issuer under a path, and finds it there from the other role', () => {
    const port = { port: '0', issuerPath: '/auth' };
    expect(withPort(resolveConfig(port, {}), port, 4711)).toMatchObject({
      publicUrl: 'http://localhost:4711',
      issuer: 'http://localhost:4711/auth',
    });
    for (const authUrl of [
      'http://localhost:4000/tenants/t1',
      'http://localhost:4000/tenants/t1/',
    ]) {
      expect(resolveConfig({ role: 'mcp', authUrl }, {}).issuer).toBe(
        'http://localhost:4000/tenants/t1',
      );
    }
  });

  it.each(['auth', '/auth/', '//evil.example', '/a/../b', '/a?b', '/a b', '/%2e'])(
    'refuses the path %j for our own issuer, naming it',
    (issuerPath) => {
      expect(() => resolveConfig({ issuerPath }, {})).toThrow(ConfigurationError);
      expect(() => resolveConfig({ issuerPath }, {})).toThrow(`--issuer-path "${issuerPath}"`);
    },
  );

  it('takes a PostgreSQL URL with a password from the environment alone, and masks it', () => {
    const url = 'postgres://u:hunter2@h/d';
    const config = resolveConfig({ database: url }, { CATALOG_DATABASE: url });
    expect(config.database).toEqual({ kind: 'postgres', url });
    expect(JSON.stringify(describeConfig(config))).not.toContain('hunter2');
  });

  it('keeps an external issuer to the byte', () => {
    const raw = { role: 'mcp', issuer: 'https://idp.example.com/tenant/' };
    expect(resolveConfig(raw, {})).toMatchObject({
      issuer: raw.issuer,
      externalIssuers: [{ issuer: raw.issuer }],
    });
  });

  it.each([
    [{ port: '65536' }, {}, '--port "65536"'],
    [{ port: '-1' }, {}, '--port "-1"'],
    [{ publicUrl: 'http://catalog.example.com' }, {}, 'has to be https'],
    [{ publicUrl: 'https://catalog.example.com/path' }, {}, 'https://catalog.example.com"'],
    [{ publicUrl: 'ftp://localhost' }, {}, '--public-url'],
    [{ publicUrl: 'https://catalog.example.com' }, {}, 'CATALOG_MASTER_SECRET'],
    [{ host: '0.0.0.0', publicUrl: 'https://c.example.com' }, {}, 'CATALOG_MASTER_SECRET'],
    [{}, { CATALOG_MASTER_SECRET: 'short' }, '5 characters'],
    [{ issuer: 'https://idp.example.com' }, {}, '--role=mcp'],
    [{ database: 'mysql://u@h/d' }, {}, 'mysql'],
    [{ database: 'postgres://u:p@h/d' }, {}, 'CATALOG_DATABASE'],
  ] as const)('refuses %j with %j', (raw, env, message) => {
    expect(() => resolveConfig(raw, env)).toThrow(ConfigurationError);
    expect(() => resolveConfig(raw, env)).toThrow(message);
  });

  it('never repeats a secret or the password of a database URL', () => {
    const env = { CATALOG_MASTER_SECRET: SECRET };
    expect(JSON.stringify(describeConfig(resolveConfig({}, env)))).not.toContain(SECRET);
    expect.assertions(2);
    try {
      resolveConfig({ database: 'postgres://u:hunter2@h/d' }, {});
    } catch (error) {
      expect(String(error)).not.toContain('hunter2');
    }
  });
});
