import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, defineTool } from '../../../src/server/index.js';
import { startTestServer } from '../support/test-server.js';
import { answerOf, modernRequest } from '../support/wire.js';
import { compareBothWays } from './fast-path-differential.js';
import { type Pair, startPair } from './fast-path-support.js';

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.close());

function call(name: string): { headers: Record<string, string>; body: string } {
  const request = modernRequest('tools/call', { name, arguments: {} });
  return {
    headers: { ...request.headers, host: 'localhost', authorization: 'Bearer READER' },
    body: request.body,
  };
}

describe('the direct path', () => {
  it('answers 1,000 generated requests, malformed ones among them, exactly as the SDK path does', async () => {
    const share = await compareBothWays(pair, 1000);
    // A comparison of the SDK with itself would prove nothing.
    expect(share).toBeGreaterThan(0.3);
  });

  it.each(['asks', 'image', 'rejects', 'no_blocks', 'needs_sampling'])(
    'leaves the answer of the tool "%s" to the SDK, and runs it no second time',
    async (name) => {
      const before = pair.runs.direct.length;
      await pair.send('direct', call(name));
      expect(pair.runs.direct.slice(before).length).toBeLessThanOrEqual(1);
    },
  );

  it('does not serve a body over the limit that names no length, and the connection goes on', async () => {
    const { headers, body } = call('text');
    const answer = await pair.send('direct', {
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body: body + ' '.repeat(200_000),
    });
    expect(answer.status).toBe(413);
    expect((await pair.send('direct', call('free'))).status).toBe(200);
  });
});

function registryOf(name: string, handler: Parameters<typeof defineTool>[0]['handler']) {
  return createRegistry({
    tools: [defineTool({ name, description: 'One tool and no other.', scopes: [], handler })],
  });
}

describe('a list on the direct path', () => {
  it('shows a registry that was replaced at the next request', async () => {
    let registry = registryOf('before', () => ({}));
    const server = await startTestServer({ registry: () => registry });
    try {
      const names = async (): Promise<unknown> => {
        const request = modernRequest('tools/list', {}, { token: await server.token() });
        const { result } = await answerOf(await fetch(server.mcpUrl, request));
        return (result?.['tools'] as { name: string }[] | undefined)?.map((tool) => tool.name);
      };
      expect([await names(), await names()]).toEqual([['before'], ['before']]);
      registry = registryOf('after', () => ({}));
      expect(await names()).toEqual(['after']);
    } finally {
      await server.close();
    }
  });
});

describe('a call on the direct path', () => {
  it('is told when its client goes away, and the audit row says so', async () => {
    const gone = new AbortController();
    const registry = registryOf('wait', (_args, { signal }) => {
      const aborted = new Promise<object>((resolve) => {
        signal.addEventListener('abort', () => resolve({}));
      });
      gone.abort();
      return aborted;
    });
    const server = await startTestServer({ registry });
    try {
      const params = { name: 'wait', arguments: {} };
      const request = modernRequest('tools/call', params, { token: await server.token() });
      await expect(fetch(server.mcpUrl, { ...request, signal: gone.signal })).rejects.toThrow();
      await expect
        .poll(() => server.stores.audit.recent(1))
        .toMatchObject([{ target: 'wait', outcome: 'cancelled' }]);
    } finally {
      await server.close();
    }
  });

  it('is cut after the drain time when the server closes, though it listens to nothing', async () => {
    const running = new AbortController();
    const registry = registryOf('deaf', () => {
      running.abort();
      return new Promise(() => undefined);
    });
    const server = await startTestServer({ registry, limits: { drainMs: 20 } });
    const params = { name: 'deaf', arguments: {} };
    const request = modernRequest('tools/call', params, { token: await server.token() });
    const answer = fetch(server.mcpUrl, request).then(
      ({ status }) => status,
      () => 'cut',
    );
    await expect.poll(() => running.signal.aborted).toBe(true);
    await server.close();
    expect([499, 'cut']).toContain(await answer);
  });

  it('answers -32603 when a result cannot be written as JSON', async () => {
    const registry = registryOf('big', () => ({ content: [], structured: { big: 1n } }));
    const server = await startTestServer({ registry });
    try {
      const params = { name: 'big', arguments: {} };
      const request = modernRequest('tools/call', params, { token: await server.token() });
      const { error } = await answerOf(await fetch(server.mcpUrl, request));
      expect(error?.code).toBe(-32603);
    } finally {
      await server.close();
    }
  });
});
