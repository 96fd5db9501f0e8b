import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalResource, isSameResource } from '../../src/oauth/resource.js';

describe('canonicalResource (RFC 8707 §2)', () => {
  const vectors: readonly [string, string][] = [
    ['https://mcp.example', 'https://mcp.example'],
    ['https://mcp.example/', 'https://mcp.example'],
    ['HTTPS://MCP.Example/MCP', 'https://mcp.example/MCP'],
    ['https://mcp.example:443/mcp', 'https://mcp.example/mcp'],
    ['https://mcp.example:8443/mcp', 'https://mcp.example:8443/mcp'],
    ['https://mcp.example/mcp/', 'https://mcp.example/mcp/'],
    ['https://mcp.example/mcp?tenant=a', 'https://mcp.example/mcp?tenant=a'],
    ['http://[::1]:3000/mcp', 'http://[::1]:3000/mcp'],
  ];
  test.each(vectors)('writes %s as %s', (resource, canonical) => {
    expect(canonicalResource(resource)).toBe(canonical);
  });

  test.each([
    '',
    'mcp.example',
    '/mcp',
    'ftp://mcp.example',
    'urn:example:mcp',
    'https://mcp.example/mcp#x',
    'https://mcp.example/mcp#',
    'https://user@mcp.example/mcp',
    'https://user:pass@mcp.example/mcp',
  ])('throws on %j', (resource) => {
    expect(() => canonicalResource(resource)).toThrow(TypeError);
  });

  test('is the same when it is applied again', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        const once = canonicalResource(url);
        expect(canonicalResource(once)).toBe(once);
        expect(isSameResource(once, url)).toBe(true);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

describe('isSameResource', () => {
  const loopback = 'http://localhost:3000/mcp';
  const same: readonly [string, string][] = [
    [loopback, loopback],
    [loopback, 'http://127.0.0.1:3000/mcp'],
    [loopback, 'http://[::1]:3000/mcp'],
    [loopback, 'http://LOCALHOST:3000/mcp'],
    ['http://localhost:3000', 'http://127.0.0.1:3000/'],
    ['https://mcp.example/mcp', 'https://MCP.example:443/mcp'],
  ];
  test.each(same)('%s is %s', (canonical, requested) => {
    expect(isSameResource(canonical, requested)).toBe(true);
  });

  const other: readonly [string, string][] = [
    [loopback, 'http://localhost:3001/mcp'],
    [loopback, 'http://localhost:3000/mcp/'],
    [loopback, 'http://localhost:3000/mcp/x'],
    [loopback, 'http://localhost:3000/MCP'],
    [loopback, 'http://localhost:3000/mcp?x=1'],
    [loopback, 'http://localhost:3000/mcp#'],
    [loopback, 'https://localhost:3000/mcp'],
    [loopback, 'http://127.0.0.2:3000/mcp'],
    [loopback, 'http://user@localhost:3000/mcp'],
    [loopback, 'http://localhost:3000@evil.example/mcp'],
    [loopback, 'http://localhost.evil.example:3000/mcp'],
    ['https://mcp.example/mcp', 'http://localhost/mcp'],
    ['https://mcp.example/mcp', 'https://mcp.example'],
    [loopback, ''],
    [loopback, 'mcp'],
  ];
  test.each(other)('%s is not %s', (canonical, requested) => {
    expect(isSameResource(canonical, requested)).toBe(false);
  });

  test('never throws, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.string(), (requested) => {
        expect(isSameResource(loopback, requested)).toBe(false);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
