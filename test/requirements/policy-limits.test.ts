import { afterEach, describe, expect, it } from 'vitest';
import {
  type CallLimits,
  type Registry,
  createRegistry,
  definePrompt,
  defineTool,
} from '../../src/server/index.js';
import { type TestServer, startTestServer, testClock } from '../server/support/test-server.js';
import { modernRequest } from '../server/support/wire.js';
import { eras, modern, send } from './support/exchange.js';
import { startOnPipes } from './support/stdio-peer.js';

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

interface Workbench {
  readonly registry: Registry;
  /** Lets the calls of `wait` and `alone` end. */
  release(): void;
  /** How many of them have begun. */
  begun(): number;
  /** How many were told to stop. */
  aborted(): number;
}

function workbench(): Workbench {
  let release = (): void => undefined;
  let begun = 0;
  let aborted = 0;
  const released = new Promise<void>((resolve) => (release = resolve));
  const registry = createRegistry({
    tools: [
      defineTool({
        name: 'plain',
        description: 'Has no limits of its own.',
        scopes: [],
        handler: () => text('done'),
      }),
      defineTool({
        name: 'dear',
        description: 'May be called twice, then once a minute.',
        scopes: [],
        limits: { perMinute: 1, burst: 2 },
        handler: () => text('done'),
      }),
      defineTool({
        name: 'wait',
        description: 'Goes on until the test releases it.',
        scopes: [],
        async handler(_args, { signal }) {
          begun += 1;
          signal.addEventListener('abort', () => (aborted += 1));
          await released;
          return text('waited');
        },
      }),
      defineTool({
        name: 'alone',
        description: 'Runs once at a time.',
        scopes: [],
        limits: { concurrency: 1, timeoutMs: 0 },
        async handler() {
          begun += 1;
          await released;
          return text('alone');
        },
      }),
    ],
    prompts: [
      definePrompt({
        name: 'words',
        scopes: [],
        arguments: [{ name: 'word', complete: () => ['one', 'two'] }],
        render: async () => ({ messages: [] }),
      }),
    ],
  });
  return { registry, release: () => release(), begun: () => begun, aborted: () => aborted };
}

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(limits: CallLimits) {
  const bench = workbench();
  server = await startTestServer({
    registry: bench.registry,
    limits: { drainMs: 100, ...limits },
  });
  return { ...bench, server };
}

const call = (name: string) => ({ name, arguments: {} });
const completion = {
  ref: { type: 'ref/prompt', name: 'words' },
  argument: { name: 'word', value: '' },
};

describe.each(eras)('limits on requests of %s', (_era, ask) => {
  it('answers calls over the rate with 429, the time to wait, and the id of the request [H-22]', async () => {
    const { server: target } = await start({ calls: { perMinute: 6, burst: 2 } });
    const { clock } = target;
    for (let n = 0; n < 2; n += 1) {
      expect((await ask(target, 'tools/call', call('plain'))).status).toBe(200);
    }
    const refused = await ask(target, 'tools/call', call('plain'), { id: 'q-3' });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(refused.headers.get('content-type')).toBe('application/json');
    expect(refused.answer).toMatchObject({
      id: 'q-3',
      error: { code: 1429, data: { retryAfterSeconds: 10 } },
    });
    expect(refused.answer.error?.message).toContain('6 a minute');
    clock.advance(10);
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(200);
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(429);
  });

  it('counts each principal apart, and lists not at all [H-22]', async () => {
    const { server: target } = await start({ calls: { perMinute: 1, burst: 1 } });
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(200);
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(429);
    expect((await ask(target, 'tools/list')).status).toBe(200);
    const token = await target.token({ sub: 'bea' });
    expect((await ask(target, 'tools/call', call('plain'), { token })).status).toBe(200);
  });

  it('counts a tool with a rate of its own apart, for each principal [H-22]', async () => {
    const { server: target } = await start({});
    for (const status of [200, 200, 429]) {
      expect((await ask(target, 'tools/call', call('dear'))).status).toBe(status);
    }
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(200);
    const token = await target.token({ sub: 'bea' });
    expect((await ask(target, 'tools/call', call('dear'), { token })).status).toBe(200);
  });

  it('answers completion requests over their rate with 429, calls go on [H-24]', async () => {
    const { server: target } = await start({ completions: { perMinute: 60, burst: 2 } });
    for (const status of [200, 200, 429]) {
      const answer = await ask(target, 'completion/complete', completion);
      expect(answer.status).toBe(status);
      if (status === 429) expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(200);
  });

  it('refuses a call while as many run as may, and takes the next when one has ended', async () => {
    const { server: target, release, begun } = await start({ concurrency: 1 });
    const running = ask(target, 'tools/call', call('wait'));
    await expect.poll(begun).toBe(1);
    const refused = await ask(target, 'tools/call', call('plain'));
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.answer.error).toMatchObject({ code: 1429, data: { retryAfterSeconds: 1 } });
    const token = await target.token({ sub: 'bea' });
    expect((await ask(target, 'tools/call', call('plain'), { token })).status).toBe(200);
    release();
    expect((await running).status).toBe(200);
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(200);
  });

  it('holds a tool and the whole process to their own numbers, whoever calls', async () => {
    const { server: target, release, begun } = await start({ maxRunning: 2 });
    const running = [ask(target, 'tools/call', call('alone'))];
    const token = await target.token({ sub: 'bea' });
    const alone = () => ask(target, 'tools/call', call('alone'), { token });
    await expect.poll(begun).toBe(1);
    const second = await alone();
    expect([second.status, second.answer.error?.message]).toEqual([
      429,
      expect.stringContaining('alone runs 1 times at once'),
    ]);
    running.push(ask(target, 'tools/call', call('wait')));
    await expect.poll(begun).toBe(2);
    expect((await ask(target, 'tools/call', call('plain'), { token })).status).toBe(429);
    release();
    for (const done of await Promise.all(running)) expect(done.status).toBe(200);
  });

  it('ends a call at its time limit: the signal aborts, the answer names limit and tool', async () => {
    const { server: target, aborted, release } = await start({ timeoutMs: 40, concurrency: 1 });
    const { status, answer } = await ask(target, 'tools/call', call('wait'));
    expect(status).toBe(200);
    expect(answer.result).toMatchObject({
      isError: true,
      content: [{ text: 'wait was stopped: it did not end within its limit of 0.04 s.' }],
    });
    expect(aborted()).toBe(1);
    // It goes on, and keeps its place.
    expect((await ask(target, 'tools/call', call('plain'))).status).toBe(429);
    release();
    await expect
      .poll(async () => (await ask(target, 'tools/call', call('plain'))).status)
      .toBe(200);
  });

  it('writes every refusal into the audit log, and why', async () => {
    const { server: target } = await start({ calls: { perMinute: 1, burst: 1 }, timeoutMs: 20 });
    await ask(target, 'tools/call', call('wait'));
    await ask(target, 'tools/call', call('plain'));
    await expect
      .poll(async () =>
        (await target.stores.audit.recent(9)).map(({ outcome, reason }) => `${outcome} ${reason}`),
      )
      .toEqual(['limited rate', 'limited time']);
  });
});

describe('a body of many messages', () => {
  it('is refused as a whole when there are too many, or one is over the rate', async () => {
    const { server: target } = await start({ calls: { perMinute: 1, burst: 2 } });
    const token = await target.token();
    const body = (count: number) =>
      JSON.stringify(
        Array.from({ length: count }, (_, id) => ({
          jsonrpc: '2.0',
          id,
          method: 'tools/call',
          params: call('plain'),
        })),
      );
    const post = async (count: number) => {
      const { headers } = modernRequest('tools/call', call('plain'), { token });
      return send(target.mcpUrl, { method: 'POST', headers, body: body(count) });
    };
    const many = await post(51);
    expect([many.status, many.answer.error?.message]).toEqual([
      400,
      'Too many messages in one body: the limit is 50',
    ]);
    const over = await post(3);
    expect([over.status, over.answer.id]).toEqual([429, 2]);
  });

  it('is refused when it is nested deeper than the server was told to allow', async () => {
    server = await startTestServer({ limits: { drainMs: 100, maxJsonDepth: 10 } });
    const deep = JSON.parse(`${'['.repeat(12)}${']'.repeat(12)}`) as unknown;
    const params = { name: 'read_note', arguments: { id: 'x', deep } };
    const { status, answer } = await modern(server, 'tools/call', params);
    expect([status, answer.error?.message]).toEqual([400, 'The JSON is nested too deeply']);
  });
});

describe('limits on stdio', () => {
  const principal = {
    issuer: 'local',
    subject: 'ada',
    tenant: 'acme',
    scopes: [],
    clientId: 'api-key:one',
    method: 'api-key',
    expiresAt: undefined,
  } as const;
  const connect = (limits: CallLimits) =>
    startOnPipes({
      registry: workbench().registry,
      credential: { ok: true, value: principal },
      clock: testClock(),
      limits,
    });

  it('answers a call over the rate with a result that a model can read, both eras [H-22]', async () => {
    const limits = { calls: { perMinute: 6, burst: 1 } };
    const tooMany = {
      isError: true,
      content: [{ text: 'Too many calls: the limit is 6 a minute, 1 at once. Try again in 10 s.' }],
    };
    const legacy = connect(limits);
    await legacy.peer.initialize();
    await legacy.peer.request('tools/call', call('plain'));
    const refused = await legacy.peer.request('tools/call', call('plain'));
    expect(refused.result).toMatchObject(tooMany);
    await legacy.server.close();
    expect(legacy.rows.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['ok', undefined],
      ['limited', 'rate'],
    ]);
    const { peer, server: stdio } = connect(limits);
    await peer.modern('tools/call', call('plain'));
    expect((await peer.modern('tools/call', call('plain'))).result).toMatchObject(tooMany);
    await stdio.close();
  });

  it('answers other requests over the rate with an error that says when to retry [H-22] [H-24]', async () => {
    const { peer, server: stdio } = connect({
      calls: { perMinute: 6, burst: 1 },
      completions: { perMinute: 30, burst: 1 },
    });
    await peer.initialize();
    const ask = async (method: string, params: object) =>
      (await peer.request(method, params)).error;
    expect(await ask('prompts/get', { name: 'words' })).toBeUndefined();
    expect(await ask('prompts/get', { name: 'words' })).toMatchObject({
      code: 1429,
      data: { retryAfterSeconds: 10 },
    });
    expect(await ask('completion/complete', completion)).toBeUndefined();
    expect(await ask('completion/complete', completion)).toMatchObject({
      code: 1429,
      data: { retryAfterSeconds: 2 },
    });
    await stdio.close();
  });
});
