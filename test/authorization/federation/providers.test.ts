import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseProviders } from '../../../src/authorization/federation/parse-providers.js';
import { PROFILES, PROFILE_NAMES } from '../../../src/authorization/federation/profiles/index.js';
import { type AllowRule, applyRules } from '../../../src/authorization/federation/provider.js';
import { ROOT } from '../../support/processes.js';
import { PROFILE_CASES } from './support/profiles.js';

const SCOPES = ['catalog:read', 'learner:read'];

function parse(...providers: unknown[]) {
  return parseProviders(
    { providers },
    (from) => {
      if ('env' in from && from.env === 'SECRET') return 'the-secret';
      throw new Error(
        `"clientSecretEnv" names ${'env' in from ? from.env : from.file}, which is not set`,
      );
    },
    SCOPES,
  );
}

const google = { id: 'google', profile: 'google', clientId: 'c', clientSecretEnv: 'SECRET' };

describe('the configuration of identity providers', () => {
  it('is taken with the secret from where it is named', () => {
    const parsed = parse({ ...google, allow: [{ domain: 'north.example', tenant: 'north' }] });
    expect(parsed).toMatchObject({
      ok: true,
      value: [{ id: 'google', clientSecret: 'the-secret' }],
    });
  });

  const refused: readonly [string, unknown[], RegExp][] = [
    [
      'a secret in the file',
      [{ ...google, clientSecret: 's3cret' }],
      /^providers\[0\]\.clientSecret must not be in this file/,
    ],
    [
      'an unknown profile',
      [{ ...google, profile: 'goggle' }],
      /^providers\[0\]\.profile \("goggle"\)/,
    ],
    ['a missing client id', [{ ...google, clientId: undefined }], /^providers\[0\]\.clientId: /],
    [
      'an id with capitals',
      [{ ...google, id: 'Google' }],
      /^providers\[0\]\.id \("Google"\): has to be lower case/,
    ],
    ['two with one id', [google, google], /^providers\[1\]\.id "google" is used twice/],
    [
      'two with one issuer',
      [google, { ...google, id: 'other' }],
      /^providers\[1\]\.issuer "https:\/\/accounts\.google\.com" is also that of "google"/,
    ],
    [
      'http off loopback',
      [{ ...google, issuer: 'http://id.example' }],
      /^providers\[0\]\.issuer \("http:\/\/id\.example"\): has to be an https URL/,
    ],
    [
      'an issuer that is missing',
      [{ ...google, profile: 'okta' }],
      /"issuer" is missing: give it exactly, like https:\/\/example\.okta\.com/,
    ],
    [
      'an Auth0 issuer without slash',
      [{ ...google, profile: 'auth0', issuer: 'https://x.auth0.com' }],
      /has to end in a slash/,
    ],
    [
      'an Entra issuer of version 1',
      [{ ...google, profile: 'entra', issuer: 'https://sts.windows.net/t/' }],
      /has to end in "\/v2\.0"/,
    ],
    [
      'a secret that is not there',
      [{ ...google, clientSecretEnv: 'NOPE' }],
      /^providers\[0\]: "clientSecretEnv" names NOPE/,
    ],
    [
      'a rule without condition',
      [{ ...google, allow: [{ tenant: 'north' }] }],
      /^providers\[0\]\.allow\[0\]: needs a condition/,
    ],
    [
      'a rule without tenant',
      [{ ...google, allow: [{ everyone: true }] }],
      /^providers\[0\]\.allow\[0\]: needs "tenant"/,
    ],
    [
      'a tenant that is none',
      [{ ...google, allow: [{ everyone: true, tenant: '@shared' }] }],
      /^providers\[0\]\.allow\[0\]\.tenant \("@shared"\)/,
    ],
    [
      'a scope that nobody knows',
      [{ ...google, allow: [{ everyone: true, tenant: 'n', scopes: ['x:y'] }] }],
      /gives the scope "x:y": it has to be one of catalog:read/,
    ],
    [
      'a parameter of ours',
      [{ ...google, parameters: { redirect_uri: 'https://evil' } }],
      /^providers\[0\]\.parameters\.redirect_uri is set by this server/,
    ],
    ['an unknown field', [{ ...google, allowed: [] }], /^providers\[0\]: .*allowed/],
    ['no provider', [], /^providers: /],
  ];
  it.each(refused)('is refused with %s, naming the field', (_name, providers, message) => {
    const parsed = parse(...providers);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) {
      expect(parsed.error).toMatch(message);
      expect(parsed.error).not.toContain('s3cret');
    }
  });
});

describe('allow rules', () => {
  const person = {
    subject: 's-1',
    domain: 'north.example',
    groups: ['staff', 'readers'],
    claims: { tid: 't-1', roles: ['a', 'b'], level: 3, org: 'north', evil: '@shared' },
  };
  const table: readonly [string, AllowRule[], string | undefined][] = [
    ['the domain', [{ domain: 'north.example', tenant: 'n' }], 'n'],
    ['the domain in capitals', [{ domain: 'North.Example', tenant: 'n' }], 'n'],
    ['a domain above it', [{ domain: 'example', tenant: 'n' }], undefined],
    ['a domain that ends like it', [{ domain: 'orth.example', tenant: 'n' }], undefined],
    ['a group', [{ group: 'readers', tenant: 'n' }], 'n'],
    ['another group', [{ group: 'read', tenant: 'n' }], undefined],
    ['a claim', [{ claim: { name: 'tid', value: 't-1' }, tenant: 'n' }], 'n'],
    ['a claim of another type', [{ claim: { name: 'level', value: '3' }, tenant: 'n' }], undefined],
    ['a value in a list claim', [{ claim: { name: 'roles', value: 'b' }, tenant: 'n' }], 'n'],
    ['the subject', [{ subject: 's-1', tenant: 'n' }], 'n'],
    [
      'all conditions of a rule',
      [{ group: 'staff', domain: 'south.example', tenant: 'n' }],
      undefined,
    ],
    [
      'the first rule that fits',
      [
        { group: 'x', tenant: 'a' },
        { group: 'staff', tenant: 'b' },
        { everyone: true, tenant: 'c' },
      ],
      'b',
    ],
    ['everyone', [{ everyone: true, tenant: 'n' }], 'n'],
    ['the tenant of a claim', [{ everyone: true, tenantClaim: 'org' }], 'north'],
    [
      'the tenant where the claim is missing',
      [{ everyone: true, tenantClaim: 'nope', tenant: 'n' }],
      'n',
    ],
    ['a claim that is no name of a tenant', [{ everyone: true, tenantClaim: 'evil' }], undefined],
    ['no condition at all', [{ tenant: 'n' }], undefined],
    ['no rule', [], undefined],
  ];
  it.each(table)('decide by %s', (_name, allow, tenant) => {
    const decided = applyRules({ allow }, person, { openToAll: true, scopes: SCOPES });
    expect(decided?.tenant).toBe(tenant);
  });

  it('that are not there let everybody in on loopback and nobody elsewhere', () => {
    const decide = (openToAll: boolean) => applyRules({}, person, { openToAll, scopes: SCOPES });
    expect(decide(true)).toEqual({ tenant: 'default', scopes: SCOPES });
    expect(decide(false)).toBeUndefined();
  });
});

describe('docs/identity-providers.md', () => {
  const document = readFileSync(join(ROOT, 'docs/identity-providers.md'), 'utf8');

  it.each(PROFILE_NAMES)(
    'has the quirks of %s with their sources, and says that they are emulated',
    (name) => {
      const row = document.split('\n').find((line) => line.startsWith(`| \`${name}\``));
      expect(row).toContain('*emulated*');
      for (const { source } of PROFILES[name].quirks) expect(row).toContain(source);
      expect(PROFILE_CASES.some(({ profile }) => profile === name)).toBe(true);
    },
  );
});
