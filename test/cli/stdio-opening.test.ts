import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkedKey, isPlainStart } from '../../src/cli/stdio-opening/checked-key.js';
import { converse } from '../../src/cli/stdio-opening/converse.js';
import { type Answerer, createAnswerer } from '../../src/cli/stdio-opening/known-answers.js';
import { createApiKey } from '../../src/server/core/api-key.js';
import { openSqliteStorage } from '../../src/storage/index.js';

const ANSWERS = {
  '2026-07-28': { 'tools/list': '{"result":{"era":"modern"},"jsonrpc":"2.0","id":' },
  '2025-11-25': {
    initialize: '{"result":{"era":"legacy"},"jsonrpc":"2.0","id":',
    'tools/list': '{"result":{"tools":[]},"jsonrpc":"2.0","id":',
  },
};
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const CLIENT = { name: 'host', version: '1.0.0' };
const OPENING = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT };

const line = (message: object): string => JSON.stringify({ jsonrpc: '2.0', id: 1, ...message });
const modern = (meta: object = {}, more: object = {}): string =>
  line({ method: 'tools/list', params: { _meta: { ...META, ...meta }, ...more } });
const initialize = (params: object = {}): string =>
  line({ method: 'initialize', params: { ...OPENING, ...params } });

describe('the answers that are known before the server is loaded', () => {
  let answer: Answerer;
  beforeEach(() => {
    answer = createAnswerer(ANSWERS);
  });

  it('answers the list of a 2026 client with its own id', () => {
    expect(answer(modern({}, {}))?.text).toBe('{"result":{"era":"modern"},"jsonrpc":"2.0","id":1}');
    expect(answer(line({ ...JSON.parse(modern()), id: 'a"b' }))?.text).toBe(
      '{"result":{"era":"modern"},"jsonrpc":"2.0","id":"a\\"b"}',
    );
  });

  it('answers the handshake and the list of a 2025 client', () => {
    expect(answer(initialize())?.text).toContain('legacy');
    const initialized = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(answer(initialized)).toEqual({ id: undefined, text: '' });
    expect(answer(line({ method: 'tools/list' }))?.text).toContain('"tools":[]');
    expect(answer(line({ id: 2, method: 'tools/list', params: {} }))?.text).toContain('"id":2}');
  });

  it.each([
    ['roots', { roots: { listChanged: true } }],
    ['sampling', { sampling: { tools: {} } }],
    ['elicitation', { elicitation: { form: {}, url: {} } }],
    ['extensions', { extensions: { 'io.modelcontextprotocol/ui': { mimeTypes: ['a'] } } }],
  ])('takes clients with %s', (_name, capabilities) => {
    expect(answer(initialize({ capabilities }))).toBeDefined();
  });

  it.each([
    ['what is no JSON', '{'],
    ['what is no object', '[]'],
    ['an empty line', ''],
    ['another version of JSON-RPC', modern().replace('"2.0"', '"1.0"')],
    ['a notification', JSON.stringify({ jsonrpc: '2.0', ...JSON.parse(modern()), id: undefined })],
    ['an id of null', line({ ...JSON.parse(modern()), id: null })],
    ['a fraction as id', line({ ...JSON.parse(modern()), id: 1.5 })],
    ['a member that requests do not have', line({ ...JSON.parse(modern()), extra: 1 })],
    ['another method', line({ method: 'tools/call', params: { _meta: META } })],
    ['a method that objects have', line({ method: 'toString', params: { _meta: META } })],
    ['a cursor', modern({}, { cursor: 'a' })],
    ['a progress token', modern({ progressToken: 1 })],
    ['a log level', modern({ 'io.modelcontextprotocol/logLevel': 'debug' })],
    ['a trace', modern({ traceparent: '00-0-0-00' })],
    ['a revision that is not known', modern({ 'io.modelcontextprotocol/protocolVersion': '2027' })],
    ['no capabilities', modern({ 'io.modelcontextprotocol/clientCapabilities': undefined })],
    [
      'capabilities that are no object',
      modern({ 'io.modelcontextprotocol/clientCapabilities': 1 }),
    ],
    ['a client without version', modern({ 'io.modelcontextprotocol/clientInfo': { name: 'a' } })],
    ['a 2025 list before the handshake', line({ method: 'tools/list' })],
    ['a version without answers', initialize({ protocolVersion: '2024-11-05' })],
    ['a version that objects have', initialize({ protocolVersion: '__proto__' })],
    ['a capability that is not known', initialize({ capabilities: { tasks: {} } })],
    ['a capability of another type', initialize({ capabilities: { sampling: true } })],
    ['roots of another type', initialize({ capabilities: { roots: { listChanged: 'yes' } } })],
    ['a client that says more', initialize({ clientInfo: { ...CLIENT, icons: [] } })],
    ['an opening with more in it', initialize({ _meta: {} })],
  ])('leaves %s to the server', (_name, text) => {
    expect(answer(text)).toBeUndefined();
  });

  it('leaves a change of era and a second handshake to the server', () => {
    answer(initialize());
    expect(answer(modern())).toBeUndefined();
    expect(answer(initialize())).toBeUndefined();
    const other = createAnswerer(ANSWERS);
    other(modern());
    expect(other(initialize())).toBeUndefined();
  });
});

describe('the conversation before the server is loaded', () => {
  const start = () => {
    const input = new PassThrough();
    const output = new PassThrough();
    return { input, output, done: converse(input, output, createAnswerer(ANSWERS)) };
  };

  it('hands over the whole input with what was answered when a message is not known', async () => {
    const { input, output, done } = start();
    const text = `${modern()}\n{"jsonrpc":"2.0","id":2,"method":"ping"}\nrest`;
    input.write(text);
    const answered = await done;
    expect([...(answered ?? [])]).toEqual([[1, String(output.read()).trim()]]);
    const again: string[] = [];
    input.on('data', (chunk) => again.push(String(chunk)));
    input.end(' of it');
    await new Promise((resolve) => input.once('end', resolve));
    expect(again.join('')).toBe(`${text} of it`);
  });

  it('hands over after a pause of the client', async () => {
    const { input, done } = start();
    input.write(`${modern()}\n`);
    expect((await done)?.size).toBe(1);
    expect(String(input.read())).toBe(`${modern()}\n`);
  });

  it('ends with a client that leaves', async () => {
    const { input, done } = start();
    input.end(`${modern()}\n`);
    expect(await done).toBeUndefined();
  });

  it('ends when nobody reads the answers any more', async () => {
    const { output, done } = start();
    output.destroy(new Error('EPIPE'));
    expect(await done).toBeUndefined();
  });
});

describe('the key check before the server is loaded', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'catalog-opening-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const create = async (): Promise<string> => {
    const storage = openSqliteStorage(join(folder, 'catalog.sqlite'));
    const owner = { issuer: 'https://i.example', subject: 's', tenant: 't', scopes: [] };
    const { key } = await createApiKey(storage.apiKeys, { name: 'k', ...owner });
    storage.close();
    return key;
  };

  it('holds the database open for a key that is good', async () => {
    const held = await checkedKey({ CATALOG_DATA: folder, CATALOG_API_KEY: await create() });
    expect(held).toBeDefined();
    held?.release();
  });

  it('says nothing of a key that is missing, wrong or revoked, or of a database that is not there', async () => {
    expect(await checkedKey({ CATALOG_DATA: folder, CATALOG_API_KEY: 'cmcp_x' })).toBeUndefined();
    const key = await create();
    expect(await checkedKey({ CATALOG_DATA: folder })).toBeUndefined();
    const wrong = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
    expect(await checkedKey({ CATALOG_DATA: folder, CATALOG_API_KEY: wrong })).toBeUndefined();
    const storage = openSqliteStorage(join(folder, 'catalog.sqlite'));
    await storage.apiKeys.revokeByName('k', 1);
    storage.close();
    expect(await checkedKey({ CATALOG_DATA: folder, CATALOG_API_KEY: key })).toBeUndefined();
  });

  it('stays away when anything is set that it does not understand', () => {
    expect(isPlainStart(['--transport=stdio'], { CATALOG_DATA: 'a' })).toBe(true);
    expect(isPlainStart(['--transport', 'stdio'], {})).toBe(true);
    expect(isPlainStart([], { CATALOG_TRANSPORT: 'stdio', PATH: '' })).toBe(true);
    expect(isPlainStart(['--transport=stdio', '--log-level=debug'], {})).toBe(false);
    expect(isPlainStart(['--help'], {})).toBe(false);
    expect(isPlainStart([], { CATALOG_DATABASE: 'postgres://h/d' })).toBe(false);
    expect(isPlainStart([], { CATALOG_TRANSPORT: 'http' })).toBe(false);
  });
});
