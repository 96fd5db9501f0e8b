import { describe, expect, test } from 'vitest';
import {
  authorizationServerMetadataCandidates,
  protectedResourceMetadataCandidates,
  protectedResourceMetadataUrl,
} from '../../src/oauth/metadata-url.js';

describe('protected resource metadata (RFC 9728 §3.1)', () => {
  const vectors: readonly [string, string][] = [
    ['https://mcp.example', 'https://mcp.example/.well-known/oauth-protected-resource'],
    ['https://mcp.example/', 'https://mcp.example/.well-known/oauth-protected-resource'],
    ['https://mcp.example/mcp', 'https://mcp.example/.well-known/oauth-protected-resource/mcp'],
    ['https://mcp.example/a/b/', 'https://mcp.example/.well-known/oauth-protected-resource/a/b/'],
    [
      'https://mcp.example/mcp?t=1',
      'https://mcp.example/.well-known/oauth-protected-resource/mcp?t=1',
    ],
    ['http://[::1]:3000/mcp', 'http://[::1]:3000/.well-known/oauth-protected-resource/mcp'],
  ];
  test.each(vectors)('of %s is at %s', (resource, expected) => {
    expect(protectedResourceMetadataUrl(resource)).toBe(expected);
  });

  test('is looked for at the path form, then at the root', () => {
    expect(protectedResourceMetadataCandidates('https://mcp.example/mcp')).toEqual([
      'https://mcp.example/.well-known/oauth-protected-resource/mcp',
      'https://mcp.example/.well-known/oauth-protected-resource',
    ]);
    expect(protectedResourceMetadataCandidates('https://mcp.example')).toHaveLength(1);
  });
});

describe('authorization server metadata (RFC 8414 §3.1, OpenID Discovery §4)', () => {
  test('of an issuer at the root is at two places', () => {
    for (const issuer of ['https://as.example', 'https://as.example/']) {
      expect(authorizationServerMetadataCandidates(issuer)).toEqual([
        'https://as.example/.well-known/oauth-authorization-server',
        'https://as.example/.well-known/openid-configuration',
      ]);
    }
  });

  test('of an issuer with a path is at three places: inserted twice, appended once', () => {
    for (const issuer of ['https://as.example/t/1', 'https://as.example/t/1/']) {
      expect(authorizationServerMetadataCandidates(issuer)).toEqual([
        'https://as.example/.well-known/oauth-authorization-server/t/1',
        'https://as.example/.well-known/openid-configuration/t/1',
        'https://as.example/t/1/.well-known/openid-configuration',
      ]);
    }
  });
});
