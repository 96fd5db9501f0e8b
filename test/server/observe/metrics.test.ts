import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Metrics,
  type Observer,
  createMetrics,
  createReadiness,
} from '../../../src/server/index.js';
import { combineObservers } from '../../../src/server/observe/observer.js';
import { silentLogger } from '../../../src/shared/logger.js';
import { type TestServer, startTestServer } from '../support/test-server.js';

const PREFIX = 'io.modelcontextprotocol/';
let server: TestServer;
let metrics: Metrics;

beforeAll(async () => {
  metrics = await createMetrics({ hasProcessMetrics: false });
  server = await startTestServer({ observers: [metrics.observer] });
});
afterAll(() => server.close());

async function call(name: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(server.mcpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': name,
      authorization: `Bearer ${await server.token()}`,
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name,
        arguments: { id: '1' },
        _meta: { [`${PREFIX}protocolVersion`]: '2026-07-28', [`${PREFIX}clientCapabilities`]: {} },
      },
    }),
  });
  await response.text();
  return response.status;
}

async function linesOf(name: string): Promise<string[]> {
  const text = await metrics.text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

describe('metrics', () => {
  it('count calls by method, tool, era, transport and outcome, with their latency', async () => {
    await call('read_note');
    await call('read_note');
    await call('break');
    expect(await linesOf('mcp_server_operations_total')).toEqual([
      'mcp_server_operations_total{method="tools/call",target="read_note",era="modern",transport="http",outcome="ok"} 2',
      'mcp_server_operations_total{method="tools/call",target="break",era="modern",transport="http",outcome="failed"} 1',
    ]);
    expect((await linesOf('mcp_server_operation_duration_seconds_count'))[0]).toMatch(
      /read_note.* 2$/,
    );
    expect(await linesOf('mcp_server_operations_running')).toEqual([
      'mcp_server_operations_running 0',
    ]);
  });

  it('make no series of the names that clients make up', async () => {
    for (let n = 0; n < 20; n += 1) await call(`made_up_${n}`);
    const lines = await linesOf('mcp_server_operations_total');
    expect(lines.join('\n')).not.toContain('made_up');
    expect(lines.filter((line) => line.includes('target=""'))).toHaveLength(1);
  });

  it('count refusals by status and private reason', async () => {
    expect(await call('read_note', { authorization: '' })).toBe(401);
    const expired = await server.token({ lifetimeSeconds: -100 });
    expect(await call('read_note', { authorization: `Bearer ${expired}` })).toBe(401);
    expect(await call('write_note')).toBe(403);
    expect(await call('read_note', { origin: 'https://evil.example' })).toBe(403);
    expect(await call('read_note', { 'content-type': 'text/plain' })).toBe(415);
    const lines = (await linesOf('mcp_server_refusals_total')).map((line) =>
      line.replace('mcp_server_refusals_total', ''),
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        '{status="401",reason="missing"} 1',
        '{status="401",reason="expired"} 1',
        '{status="403",reason="insufficient_scope"} 1',
        '{status="403",reason="origin"} 1',
        '{status="415",reason="unsupported_media_type"} 1',
      ]),
    );
  });

  it('tell hits of the token cache from misses', async () => {
    const authorization = `Bearer ${await server.token({ sub: 'cache' })}`;
    const hits = async (): Promise<number> => {
      const lines = await linesOf('mcp_server_token_cache_lookups_total');
      const line = lines.find((candidate) => candidate.includes('"hit"')) ?? ' 0';
      return Number(line.split(' ').at(-1));
    };
    const before = await hits();
    await call('read_note', { authorization });
    await call('read_note', { authorization });
    expect((await hits()) - before).toBe(1);
  });

  it('show sessions and streams as they are when asked', async () => {
    expect(await linesOf('mcp_server_live_sessions')).toEqual(['mcp_server_live_sessions 0']);
    expect(await linesOf('mcp_server_open_streams')).toEqual(['mcp_server_open_streams 0']);
  });

  it('touch no global registry, and have process metrics where they are wanted', async () => {
    expect(await register.metrics()).toBe('\n');
    const whole = await createMetrics();
    const text = await whole.text();
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(text).toContain('process_resident_memory_bytes');
    expect(whole.contentType).toContain('text/plain');
    whole.countEvent('token_issued');
    expect(await whole.text()).toContain('mcp_server_events_total{event="token_issued"} 1');
  });
});

describe('observers', () => {
  it('cannot break a call by what they throw', async () => {
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
    const ended: string[] = [];
    const broken: Observer = {
      operationStarted() {
        throw new Error('broken');
      },
    };
    const good: Observer = {
      operationStarted: () => ({
        run: (work) => work(),
        ended: ({ outcome }) => void ended.push(outcome),
      }),
    };
    const observer = combineObservers([broken, good], logger);
    const follower = observer?.operationStarted({} as never);
    expect(await follower?.run?.(async () => 7)).toBe(7);
    follower?.ended?.({ outcome: 'ok', reason: undefined, errorCode: undefined });
    expect(ended).toEqual(['ok']);
    expect(errors).toEqual(['an observer failed']);
    expect(combineObservers([], logger)).toBeUndefined();
  });
});

describe('readiness', () => {
  it('is the sum of its checks, and false for good once the process drains', async () => {
    let isUp = true;
    const readiness = createReadiness({ logger: silentLogger, timeoutMs: 50 });
    readiness.addCheck('storage', () => isUp);
    readiness.addCheck('keys', () => Promise.resolve(true));
    expect(await readiness.report()).toEqual({
      isReady: true,
      isDraining: false,
      checks: { storage: 'ok', keys: 'ok' },
    });
    isUp = false;
    expect(await readiness.report()).toMatchObject({
      isReady: false,
      checks: { storage: 'failed' },
    });
    isUp = true;
    readiness.startDraining();
    expect(await readiness.report()).toMatchObject({ isReady: false, isDraining: true });
  });

  it('takes a check that throws, or does not end, for a failure', async () => {
    const readiness = createReadiness({ logger: silentLogger, timeoutMs: 20 });
    readiness.addCheck('throws', () => {
      throw new Error('down');
    });
    readiness.addCheck('hangs', () => new Promise(() => undefined));
    expect((await readiness.report()).checks).toEqual({ throws: 'failed', hangs: 'failed' });
  });
});
