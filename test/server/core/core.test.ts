import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  API_KEY_PREFIX,
  createApiKey,
  parseApiKeyId,
  verifyApiKey,
} from '../../../src/server/core/api-key.js';
import { requiredScopes } from '../../../src/server/core/policy.js';
import { createRegistry, findResource } from '../../../src/server/core/registry.js';
import { compileUriTemplate } from '../../../src/server/core/uri-template.js';
import { createSqliteApiKeyStore } from '../../../src/storage/sqlite/api-key-store.js';
import { openSqlite } from '../../../src/storage/sqlite/database.js';
import { migrate } from '../../../src/storage/sqlite/migrate.js';
import { notesRegistry, testClock } from '../support/test-server.js';

function open() {
  const database = openSqlite(':memory:');
  migrate(database);
  return { database, store: createSqliteApiKeyStore(database), clock: testClock() };
}

describe('an API key', () => {
  const owner = { name: 'k', issuer: 'local', subject: 'ada', tenant: 'acme', scopes: ['a:b'] };

  it('is made once, kept as a hash, and makes its owner the principal', async () => {
    const { database, store, clock } = open();
    const { key, record } = await createApiKey(store, { ...owner, ttlSeconds: 60 }, clock);
    expect(key.startsWith(API_KEY_PREFIX)).toBe(true);
    expect(parseApiKeyId(key)).toBe(record.id);
    expect(JSON.stringify(database.all('SELECT * FROM api_key'))).not.toContain(key.slice(-43));
    expect(await verifyApiKey(store, key, clock)).toEqual({
      ok: true,
      value: {
        issuer: 'local',
        subject: 'ada',
        tenant: 'acme',
        scopes: ['a:b'],
        clientId: `api-key:${record.id}`,
        credentialId: `api-key:${record.id}`,
        method: 'api-key',
        expiresAt: record.expiresAt,
      },
    });
    expect((await store.list())[0]?.lastUsedAt).toBe(clock.nowMs() / 1000);
  });

  it('is refused when malformed, unknown, expired or revoked', async () => {
    const { store, clock } = open();
    const { key, record } = await createApiKey(store, { ...owner, ttlSeconds: 60 }, clock);
    const check = async (text: string) => {
      const checked = await verifyApiKey(store, text, clock);
      return checked.ok ? 'ok' : checked.error;
    };
    expect(await check('')).toBe('malformed');
    expect(await check(key.slice(0, -1))).toBe('malformed');
    expect(await check(key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A'))).toBe('unknown');
    clock.advance(60);
    expect(await check(key)).toBe('expired');
    await store.revoke(record.id, 1);
    expect(await check(key)).toBe('revoked');
  });

  it.each([0, -1, 1.5, Number.NaN])('cannot be made with a lifetime of %s', async (ttlSeconds) => {
    const { store, clock } = open();
    await expect(createApiKey(store, { ...owner, ttlSeconds }, clock)).rejects.toThrow(RangeError);
  });
});

describe('a URI template (RFC 6570)', () => {
  it.each([
    ['course://{id}', 'course://42', { id: '42' }],
    ['course://{id}', 'course://a%2Fb', { id: 'a/b' }],
    ['course://{id}', 'course://a/b', undefined],
    ['course://{id}', 'course://', undefined],
    ['course://{id}', 'xcourse://1', undefined],
    ['course://{id}', 'course://%ZZ', undefined],
    ['a://{x}/b/{y}', 'a://1/b/2', { x: '1', y: '2' }],
    ['file://{+path}', 'file://a/b.txt', { path: 'a/b.txt' }],
    ['a.b://{x}', 'aXb://1', undefined],
  ])('%s and %s give %j', (template, uri, expected) => {
    expect(compileUriTemplate(template).match(uri)).toEqual(expected);
  });

  it.each(['a://{x}{y}', 'a://{x}/{x}', 'a://{?q}', 'a://{x', 'a://{x,y}', 'a://{x*}'])(
    'refuses %s, which it would misread',
    (template) => {
      expect(() => compileUriTemplate(template)).toThrow(TypeError);
    },
  );

  it('gives back what was put in', () => {
    const template = compileUriTemplate('a://{x}/b');
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme' }), (x) => {
        expect(template.match(`a://${encodeURIComponent(x)}/b`)).toEqual({ x });
      }),
      { seed: 6570 },
    );
  });
});

describe('a registry', () => {
  const tool = { name: 'a', description: 'x', scopes: [], handler: () => ({}) };

  it('refuses names outside the grammar, and names given twice', () => {
    expect(() => createRegistry({ tools: [{ ...tool, name: 'a b' }] })).toThrow(TypeError);
    expect(() => createRegistry({ tools: [tool, tool] })).toThrow(/given twice/);
  });

  it('refuses a template it could not match', () => {
    const template = { uriTemplate: 'a://{?q}', name: 'x', scopes: [], read: async () => [] };
    expect(() => createRegistry({ resourceTemplates: [template] })).toThrow(TypeError);
  });

  it('finds an exact resource before a template', () => {
    const registry = notesRegistry();
    expect(findResource(registry, 'notes://motd')?.kind).toBe('resource');
    expect(findResource(registry, 'notes://a/text')?.kind).toBe('template');
    expect(findResource(registry, 'notes://a/b/text')).toBeUndefined();
  });
});

describe('the scopes an operation needs', () => {
  it.each([
    ['tools/call', { name: 'write_note' }, ['notes:read', 'notes:write']],
    ['tools/call', { name: 'unknown' }, []],
    ['tools/list', {}, []],
    ['prompts/get', { name: 'summarise' }, ['notes:read']],
    ['resources/read', { uri: 'notes://7/text' }, ['notes:read']],
    ['resources/subscribe', { uri: 'notes://motd' }, ['notes:read']],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'summarise' } }, ['notes:read']],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', uri: 'notes://{id}/text' } },
      ['notes:read'],
    ],
    [
      'subscriptions/listen',
      { notifications: { resourceSubscriptions: ['notes://motd'] } },
      ['notes:read'],
    ],
    ['subscriptions/listen', { notifications: { toolsListChanged: true } }, []],
    ['tools/call', undefined, []],
    ['tools/call', { name: { toString: 'x' } }, []],
  ])('%s %j: %j', (method, params, expected) => {
    expect(requiredScopes(notesRegistry(), { method, params })).toEqual(expected);
  });
});
