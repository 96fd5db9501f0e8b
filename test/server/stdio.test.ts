import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type AuditRow,
  type Principal,
  type StdioServer,
  type StdioServerOptions,
  err,
  ok,
  serveStdio,
} from '../../src/server/index.js';
import { START_MS, notesRegistry, testClock } from './support/test-server.js';
import { LEGACY, MODERN, type RpcMessage } from './support/wire.js';

const ada: Principal = {
  issuer: 'local',
  subject: 'ada',
  tenant: 'acme',
  scopes: ['notes:read'],
  clientId: 'api-key:abc',
  method: 'api-key',
  expiresAt: START_MS / 1000 + 600,
};

/** A client at the other end of the pipes. */
class Peer {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly lines: string[] = [];
  readonly #waiting: {
    isWanted: (message: RpcMessage) => boolean;
    resolve: (message: RpcMessage) => void;
  }[] = [];
  readonly #messages: RpcMessage[] = [];
  #id = 0;

  constructor() {
    let rest = '';
    this.output.setEncoding('utf8');
    this.output.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        this.lines.push(line);
        this.#receive(JSON.parse(line) as RpcMessage);
      }
    });
  }

  write(line: string): void {
    this.input.write(`${line}\n`);
  }

  send(message: object): void {
    this.write(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  next(isWanted: (message: RpcMessage) => boolean): Promise<RpcMessage> {
    const known = this.#messages.find(isWanted);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.push({ isWanted, resolve }));
  }

  request(method: string, params: object = {}): Promise<RpcMessage> {
    const id = ++this.#id;
    this.send({ id, method, params });
    return this.next((message) => message.id === id && message.method === undefined);
  }

  modern(method: string, params: object = {}, capabilities: object = {}): Promise<RpcMessage> {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': capabilities,
    };
    return this.request(method, { ...params, _meta });
  }

  async initialize(capabilities: object = {}): Promise<RpcMessage> {
    const answer = await this.request('initialize', {
      protocolVersion: LEGACY,
      capabilities,
      clientInfo: { name: 'peer', version: '1' },
    });
    this.send({ method: 'notifications/initialized' });
    return answer;
  }

  #receive(message: RpcMessage): void {
    this.#messages.push(message);
    const at = this.#waiting.findIndex(({ isWanted }) => isWanted(message));
    if (at !== -1) this.#waiting.splice(at, 1)[0]?.resolve(message);
  }
}

const running: StdioServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

function start(options: Partial<StdioServerOptions> = {}) {
  const peer = new Peer();
  const rows: AuditRow[] = [];
  const clock = testClock();
  const server = serveStdio({
    registry: notesRegistry(),
    serverInfo: { name: 'notes', version: '1.0.0' },
    credential: ok(ada),
    input: peer.input,
    output: peer.output,
    audit: { append: async (row) => void rows.push(row), recent: async () => rows },
    stateSecret: new Uint8Array(32).fill(3),
    clock,
    ...options,
  });
  running.push(server);
  return { peer, server, rows, clock };
}

const readNote = { name: 'read_note', arguments: { id: '7' } };

describe('a server on stdio', () => {
  it('serves a 2025 client after initialize, as the owner of the key', async () => {
    const { peer, rows } = start();
    const opened = await peer.initialize();
    expect(opened.result).toMatchObject({ protocolVersion: LEGACY, serverInfo: { name: 'notes' } });
    const { result } = await peer.request('tools/call', readNote);
    expect(result).toMatchObject({ structuredContent: { id: '7', owner: 'ada' } });
    expect(rows).toMatchObject([
      {
        operation: 'tools/call',
        target: 'read_note',
        transport: 'stdio',
        era: 'legacy',
        outcome: 'ok',
      },
    ]);
  });

  it('serves a 2026 client without a handshake', async () => {
    const { peer } = start();
    const discovered = await peer.modern('server/discover');
    expect(discovered.result).toMatchObject({ supportedVersions: [MODERN] });
    const { result } = await peer.modern('tools/call', readNote);
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { owner: 'ada' } });
  });

  it('names the missing scope and those of the key in an isError result, both eras', async () => {
    const call = { name: 'write_note', arguments: { text: 'x' } };
    const legacy = start();
    await legacy.peer.initialize();
    const answers = [
      await legacy.peer.request('tools/call', call),
      await start().peer.modern('tools/call', call),
    ];
    for (const { result } of answers) {
      expect(result).toMatchObject({
        isError: true,
        content: [{ text: expect.stringContaining('"notes:write"') }],
      });
      expect(JSON.stringify(result)).toContain('they have: notes:read');
    }
    expect(legacy.rows).toMatchObject([{ outcome: 'denied' }]);
  });

  it('asks a 2025 client in the middle of a call and goes on with its answers', async () => {
    const { peer } = start();
    await peer.initialize({ elicitation: {} });
    const call = peer.request('tools/call', { name: 'greet', arguments: {} });
    for (const [text, name] of [
      ['First name?', 'Ada'],
      ['Last name?', 'Lovelace'],
    ]) {
      const question = await peer.next(({ params }) => params?.['message'] === text);
      expect(question.method).toBe('elicitation/create');
      peer.send({ id: question.id, result: { action: 'accept', content: { name } } });
    }
    expect((await call).result).toMatchObject({ content: [{ text: 'Hello, Ada Lovelace' }] });
  });

  it('refuses everything but the handshake without a key, says why, and never hangs', async () => {
    const message = 'no API key: set CATALOG_API_KEY';
    const { peer } = start({ credential: err({ message }) });
    expect((await peer.initialize()).result).toBeDefined();
    expect((await peer.request('ping')).result).toEqual({});
    for (const method of ['tools/list', 'tools/call', 'resources/read', 'nothing/at-all']) {
      expect((await peer.request(method)).error).toEqual({ code: 1401, message });
    }
    const modern = start({ credential: err({ message }) }).peer;
    expect((await modern.modern('server/discover')).result).toBeDefined();
    expect((await modern.modern('tools/list')).error).toEqual({ code: 1401, message });
    expect((await modern.modern('subscriptions/listen')).error).toEqual({ code: 1401, message });
  });

  it('ends the service of a key that has expired', async () => {
    const { peer, clock } = start();
    await peer.initialize();
    expect((await peer.request('tools/call', readNote)).result).toBeDefined();
    clock.advance(601);
    expect((await peer.request('tools/call', readNote)).error?.code).toBe(1401);
  });

  it('answers what it cannot read: -32700, -32600 with the id, and goes on', async () => {
    const { peer } = start();
    peer.write('this is not JSON');
    expect((await peer.next((message) => message.error?.code === -32700)).id).toBeNull();
    peer.write('{"id":99,"nothing":true}');
    expect((await peer.next((message) => message.error?.code === -32600)).id).toBe(99);
    expect((await peer.initialize()).result).toBeDefined();
  });

  it('answers an unsupported version with -32022 and its own list', async () => {
    const { peer } = start();
    const { error } = await peer.request('server/discover', {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2099-01-01',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    });
    expect(error).toMatchObject({
      code: -32022,
      data: { supported: [MODERN], requested: '2099-01-01' },
    });
  });

  it('takes messages however the pipe cuts them', async () => {
    const { peer } = start();
    const text = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\r\n\n${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' })}\n`;
    const half = Math.floor(text.length / 3);
    peer.input.write(text.slice(0, half));
    peer.input.write(text.slice(half));
    expect((await peer.next((message) => message.id === 1)).result).toEqual({});
    expect((await peer.next((message) => message.id === 2)).result).toEqual({});
  });

  it('announces changes: to a 2025 client unasked, to a 2026 client on its subscription', async () => {
    const legacy = start();
    await legacy.peer.initialize();
    await legacy.peer.request('ping');
    legacy.server.notify.toolsChanged();
    await legacy.peer.next((message) => message.method === 'notifications/tools/list_changed');

    const modern = start();
    await modern.peer.modern('server/discover');
    modern.peer.send({
      id: 'listen',
      method: 'subscriptions/listen',
      params: {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    await modern.peer.next(
      (message) => message.method === 'notifications/subscriptions/acknowledged',
    );
    modern.server.notify.promptsChanged();
    modern.server.notify.toolsChanged();
    const { params } = await modern.peer.next(
      (message) => message.method === 'notifications/tools/list_changed',
    );
    expect(params).toMatchObject({ _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen' } });
    expect(modern.peer.lines.join()).not.toContain('notifications/prompts');
  });

  it('ends when the client closes the input', async () => {
    const { peer, server } = start();
    await peer.initialize();
    peer.input.end();
    await expect(server.closed).resolves.toBeUndefined();
  });

  it('writes nothing but protocol', async () => {
    const { peer } = start();
    await peer.initialize();
    await peer.request('tools/call', { name: 'break', arguments: {} });
    for (const line of peer.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    expect(peer.lines.join()).not.toContain('hunter2');
  });
});
