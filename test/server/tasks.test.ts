import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  ProtocolError,
  type TaskStore,
  createRegistry,
  defineTool,
} from '../../src/server/index.js';
import { type SqliteDatabase, openSqlite } from '../../src/storage/sqlite/database.js';
import { migrate } from '../../src/storage/sqlite/migrate.js';
import { createSqliteTaskStore } from '../../src/storage/sqlite/task-store.js';
import { startOnPipes } from '../requirements/support/stdio-peer.js';
import { taskRecord } from '../storage/contract/task-store.js';
import {
  START_MS,
  type TestServer,
  type TokenOptions,
  startTestServer,
} from './support/test-server.js';
import {
  type RpcMessage,
  answerOf,
  legacyRequest,
  modernRequest,
  openSession,
} from './support/wire.js';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const DECLARED = { extensions: { [EXTENSION]: {} }, elicitation: {} };
const sure = {
  kind: 'form',
  message: 'Sure?',
  schema: { type: 'object', properties: { yes: { type: 'boolean' } }, required: ['yes'] },
} as const;

let database: SqliteDatabase;
let tasks: TaskStore;
let server: TestServer;
/** The calls of `wait` that run. */
let waiting: { release(): void; readonly aborted: Promise<unknown> }[];
let onWaiting: () => void;

const text = (value: string) => ({ content: [{ type: 'text', text: value }] });

const registry = createRegistry({
  tools: [
    defineTool({
      name: 'wait',
      description: 'Goes on until the test lets it end, or it is cancelled.',
      scopes: ['notes:read'],
      task: { support: 'optional', ttlMs: 60_000, pollIntervalMs: 50 },
      input: z.object({ label: z.string().optional() }),
      handler: ({ label }, { signal, progress }) =>
        new Promise((resolve, reject) => {
          const aborted = new Promise((settle) => signal.addEventListener('abort', settle));
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          waiting.push({ release: () => resolve(text(`${label ?? 'it'} is done`)), aborted });
          void progress(1, 2, 'half of it').then(() => onWaiting());
        }),
    }),
    defineTool({
      name: 'ask',
      description: 'Asks in the middle, until it gets an answer that fits.',
      scopes: [],
      task: 'required',
      async handler(_args, context) {
        const { answer } = await context.ask({ answer: sure });
        return text(JSON.stringify(answer));
      },
    }),
    defineTool({
      name: 'fail',
      description: 'Fails in one of two ways.',
      scopes: [],
      task: 'required',
      input: z.object({ how: z.enum(['protocol', 'defect']) }),
      handler({ how }) {
        if (how === 'protocol') throw new ProtocolError(1234, 'no such thing', { id: 7 });
        throw new TypeError('a secret of the server');
      },
    }),
  ],
});

beforeEach(async () => {
  database = openSqlite(':memory:');
  migrate(database);
  tasks = createSqliteTaskStore(database);
  waiting = [];
  onWaiting = () => undefined;
  server = await startTestServer({ registry, tasks });
});
afterEach(async () => {
  await server.close();
  database.close();
});

interface Caller {
  readonly url?: string;
  readonly token?: Partial<TokenOptions>;
  readonly capabilities?: object;
}

async function ask(method: string, params: object, caller: Caller = {}): Promise<RpcMessage> {
  const { url = server.mcpUrl, capabilities = DECLARED } = caller;
  const { taskId } = params as { taskId?: string };
  const request = modernRequest(method, params, {
    token: await server.token(caller.token),
    capabilities,
    ...(taskId !== undefined && { headers: { 'mcp-name': taskId } }),
  });
  return answerOf(await fetch(url, request));
}

async function begin(name: string, args: object = {}, caller: Caller = {}): Promise<string> {
  const started = new Promise<void>((resolve) => (onWaiting = resolve));
  const { result } = await ask('tools/call', { name, arguments: args }, caller);
  expect(result).toMatchObject({ resultType: 'task', status: 'working' });
  if (name === 'wait') await started;
  return result?.['taskId'] as string;
}

/** Asks as a client does, until the task has one of the states. */
async function until(taskId: string, states: readonly string[]): Promise<Record<string, unknown>> {
  for (;;) {
    const { result } = await ask('tasks/get', { taskId });
    if (states.includes(String(result?.['status']))) return result ?? {};
  }
}

describe('a tool that goes on as a task (SEP-2663)', () => {
  it('answers with a task, tells how far it is, and has the result in the end', async () => {
    const taskId = await begin('wait', { label: 'the work' });
    const got = await ask('tasks/get', { taskId });
    expect(got.result).toMatchObject({
      resultType: 'complete',
      taskId,
      status: 'working',
      statusMessage: 'half of it',
      createdAt: new Date(START_MS).toISOString(),
      lastUpdatedAt: new Date(START_MS).toISOString(),
      ttlMs: 60_000,
      pollIntervalMs: 50,
    });
    expect(got.result).not.toHaveProperty('result');
    waiting[0]?.release();
    const done = await until(taskId, ['completed']);
    expect(done['result']).toMatchObject(text('the work is done'));
  });

  it('waits for the result where the client knows no tasks, in both eras', async () => {
    const released = new Promise<void>((resolve) => {
      onWaiting = () => {
        waiting.splice(0).forEach((call) => call.release());
        resolve();
      };
    });
    const modern = await ask('tools/call', { name: 'wait', arguments: {} }, { capabilities: {} });
    await released;
    expect(modern.result).toMatchObject({ resultType: 'complete', ...text('it is done') });
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token, capabilities: DECLARED });
    const params = { name: 'wait', arguments: {} };
    const legacy = await answerOf(
      await fetch(server.mcpUrl, legacyRequest('tools/call', params, { token, session })),
    );
    expect(legacy.result).toMatchObject(text('it is done'));
  });

  it('refuses what is a task alone: -32021 in 2026-07-28, a result that says so before', async () => {
    const modern = await ask('tools/call', { name: 'ask' }, { capabilities: {} });
    expect(modern.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } },
    });
    const token = await server.token();
    const session = await openSession(server.mcpUrl, { token });
    const call = legacyRequest('tools/call', { name: 'ask' }, { token, session });
    expect((await answerOf(await fetch(server.mcpUrl, call))).result).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining(EXTENSION) }],
    });
  });

  it('makes no task of a call whose arguments are wrong', async () => {
    const { result } = await ask('tools/call', { name: 'wait', arguments: { label: 7 } });
    expect(result).toMatchObject({ resultType: 'complete', isError: true });
    expect(database.all('SELECT * FROM mcp_task')).toEqual([]);
  });

  it('is cancelled by its owner, and stops the tool', async () => {
    const taskId = await begin('wait');
    const { result } = await ask('tasks/cancel', { taskId });
    expect(Object.keys(result ?? {}).toSorted()).toEqual(['_meta', 'resultType']);
    await waiting[0]?.aborted;
    const cancelled = await until(taskId, ['cancelled', 'completed', 'failed']);
    expect(cancelled).toMatchObject({ status: 'cancelled' });
    expect((await ask('tasks/cancel', { taskId })).error).toBeUndefined();
  });

  it('outlives the request that began it', async () => {
    const taskId = await begin('wait');
    waiting[0]?.release();
    expect(await until(taskId, ['cancelled', 'completed', 'failed'])).toMatchObject({
      status: 'completed',
    });
  });

  it('asks its questions through the task, again under another key when an answer does not fit', async () => {
    const taskId = await begin('ask');
    const first = (await until(taskId, ['input_required']))['inputRequests'] as object;
    const [key = ''] = Object.keys(first);
    expect(first).toMatchObject({ [key]: { method: 'elicitation/create' } });
    const unfit = { [key]: { action: 'accept', content: { yes: 'perhaps' } } };
    await ask('tasks/update', { taskId, inputResponses: unfit });
    let next = key;
    while (next === key || next === '') {
      const again = await until(taskId, ['input_required', 'working']);
      [next = ''] = Object.keys((again['inputRequests'] as object | undefined) ?? {});
    }
    const answer = { action: 'accept', content: { yes: true } };
    await ask('tasks/update', { taskId, inputResponses: { [next]: answer, [key]: answer } });
    const done = await until(taskId, ['completed']);
    expect(done['result']).toMatchObject(text(JSON.stringify(answer)));
  });

  it('fails when it has to ask a client that cannot be asked', async () => {
    const capabilities = { extensions: { [EXTENSION]: {} } };
    const taskId = await begin('ask', {}, { capabilities });
    expect(await until(taskId, ['failed', 'input_required'])).toMatchObject({
      status: 'failed',
      error: { code: -32021, data: { requiredCapabilities: { elicitation: {} } } },
    });
  });

  it('fails with an error of the protocol alone; a defect is a result that tells nothing', async () => {
    const protocol = await begin('fail', { how: 'protocol' });
    const failed = await until(protocol, ['failed']);
    expect(failed).toMatchObject({
      error: { code: 1234, message: 'no such thing', data: { id: 7 } },
    });
    expect(failed).not.toHaveProperty('result');
    const done = await until(await begin('fail', { how: 'defect' }), ['completed', 'failed']);
    expect(done).toMatchObject({ status: 'completed', result: { isError: true } });
    expect(JSON.stringify(done)).not.toContain('secret');
  });

  it('refuses updates without an object of answers', async () => {
    const taskId = await begin('ask');
    expect((await ask('tasks/update', { taskId })).error).toMatchObject({ code: -32602 });
  });
});

describe('whose a task is', () => {
  it('does not exist for another principal, in any method', async () => {
    const taskId = await begin('wait');
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel']) {
      const params = { taskId, inputResponses: {} };
      const foreign = await ask(method, params, { token: { sub: 'bob' } });
      const unknown = await ask(method, { ...params, taskId: 'nonsense' });
      expect(foreign.error).toMatchObject({ code: -32602 });
      expect(foreign.error).toEqual(unknown.error);
    }
    waiting[0]?.release();
    expect(await until(taskId, ['completed', 'cancelled'])).toMatchObject({ status: 'completed' });
  });

  it('asks for the scopes of the tool again', async () => {
    const taskId = await begin('wait');
    const { error } = await ask('tasks/get', { taskId }, { token: { scope: 'notes:write' } });
    expect(error?.message).toContain('"notes:read"');
  });

  it('is gone when its time is over', async () => {
    const taskId = await begin('wait');
    server.clock.advance(60);
    expect((await ask('tasks/get', { taskId })).error).toMatchObject({ code: -32602 });
  });

  it('leaves an audit row for the call and one for its end', async () => {
    const taskId = await begin('wait');
    waiting[0]?.release();
    await until(taskId, ['completed']);
    await expect.poll(() => server.stores.audit.recent(10)).toHaveLength(2);
    expect(await server.stores.audit.recent(10)).toMatchObject([
      { operation: 'tasks/run', target: 'wait', outcome: 'ok', subject: 'ada' },
      { operation: 'tools/call', target: 'wait', outcome: 'ok', subject: 'ada' },
    ]);
  });
});

describe('tasks and processes', () => {
  it('is asked for, answered and cancelled through another process', async () => {
    const other = await server.second();
    const asking = await begin('ask');
    const open = await until(asking, ['input_required']);
    const [key = ''] = Object.keys(open['inputRequests'] as object);
    const inputResponses = { [key]: { action: 'decline' } };
    await ask('tasks/update', { taskId: asking, inputResponses }, { url: other.url });
    const seen = await ask('tasks/get', { taskId: asking }, { url: other.url });
    expect(seen.result).toMatchObject({ taskId: asking });
    expect(seen.result).not.toHaveProperty('inputRequests');
    expect(await until(asking, ['completed'])).toMatchObject({
      result: text('{"action":"decline"}'),
    });
    const long = await begin('wait');
    await ask('tasks/cancel', { taskId: long }, { url: other.url });
    await waiting[0]?.aborted;
    await until(long, ['cancelled']);
    await other.close();
  });

  it('is reported failed, with the reason, when its process has died', async () => {
    const createdAtMs = server.clock.nowMs();
    await tasks.create(
      {
        ...taskRecord,
        tool: 'wait',
        createdAtMs,
        expiresAtMs: createdAtMs + 3_600_000,
        leaseUntilMs: createdAtMs + 35_000,
      },
      10,
    );
    const alive = await ask('tasks/get', { taskId: taskRecord.id });
    expect(alive.result).toMatchObject({ status: 'working' });
    server.clock.advance(35);
    expect((await ask('tasks/get', { taskId: taskRecord.id })).result).toMatchObject({
      status: 'failed',
      error: { code: -32603, message: expect.stringContaining('process that ran this task ended') },
    });
  });

  it('is stopped and reported failed when the server is closed in order', async () => {
    const taskId = await begin('wait');
    const other = await server.second();
    await server.http.close();
    await waiting[0]?.aborted;
    const { result } = await ask('tasks/get', { taskId }, { url: other.url });
    expect(result).toMatchObject({
      status: 'failed',
      error: { message: 'The server was stopped before this task ended.' },
    });
    await other.close();
  });
});

describe('tasks over stdio', () => {
  it('are begun, asked through and finished as over HTTP', async () => {
    const { peer, server: stdio } = startOnPipes({ registry, tasks });
    const meta = { 'io.modelcontextprotocol/clientCapabilities': DECLARED };
    const tell = async (method: string, params: object) =>
      (await peer.modern(method, params, meta)).result ?? {};
    const found = await tell('server/discover', {});
    expect(found['capabilities']).toMatchObject({ extensions: { [EXTENSION]: {} } });
    const { taskId } = await tell('tools/call', { name: 'ask', arguments: {} });
    let task = await tell('tasks/get', { taskId });
    while (task['status'] === 'working') task = await tell('tasks/get', { taskId });
    const [key = ''] = Object.keys(task['inputRequests'] as object);
    await tell('tasks/update', { taskId, inputResponses: { [key]: { action: 'cancel' } } });
    while (task['status'] !== 'completed') task = await tell('tasks/get', { taskId });
    expect(task['result']).toMatchObject(text('{"action":"cancel"}'));
    await stdio.close();
    await stdio.closed;
  });
});

describe('a server without a store for tasks', () => {
  it('does not start with a tool that is a task alone, and names it', async () => {
    await expect(startTestServer({ registry })).rejects.toThrow(
      'tool "ask" always runs as a task: give the server a store for tasks',
    );
  });
});
