import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry, defineTool } from '../../../src/server/index.js';
import { type TestServer, startTestServer } from '../support/test-server.js';
import { answerOf, legacyRequest, messagesOf, openSession } from '../support/wire.js';
import { oddRegistry } from './fast-path-support.js';

const ran: string[] = [];
let direct: TestServer;
let reference: TestServer;
const sessions = { direct: '', reference: '' };
beforeAll(async () => {
  const registry = oddRegistry((name) => ran.push(name));
  direct = await startTestServer({ registry, isOpen: true });
  reference = await startTestServer({ registry, isOpen: true, isDirectPathOff: true });
  sessions.direct = await openSession(direct.mcpUrl);
  sessions.reference = await openSession(reference.mcpUrl);
});
afterAll(async () => {
  await direct.close();
  await reference.close();
});

const names = [...oddRegistry(() => undefined).tools.keys()];

function call(name: string, args: object, session: string) {
  return legacyRequest('tools/call', { name, arguments: args }, { session, id: 5 });
}

describe('a call in a 2025 session', () => {
  it.each(names)(
    'of the tool "%s" has the same messages as through the SDK, and runs once',
    async (name) => {
      for (const args of [{ text: 'hi' }, {}]) {
        ran.length = 0;
        const own = await fetch(direct.mcpUrl, call(name, args, sessions.direct));
        const messages = await messagesOf(own);
        const runs = ran.splice(0);
        const theirs = await fetch(reference.mcpUrl, call(name, args, sessions.reference));
        expect(messages).toEqual(await messagesOf(theirs));
        expect(runs).toEqual(ran);
        expect(own.headers.get('mcp-session-id')).toBe(sessions.direct);
      }
    },
  );

  it('that is quick and says nothing is answered in one document; one that speaks first, in a stream', async () => {
    const quick = await fetch(direct.mcpUrl, call('text', { text: 'hi' }, sessions.direct));
    expect(quick.headers.get('content-type')).toBe('application/json');
    const speaking = await fetch(direct.mcpUrl, call('notifies', {}, sessions.direct));
    expect(speaking.headers.get('content-type')).toBe('text/event-stream');
    expect((await messagesOf(speaking)).map((message) => message.method ?? 'result')).toEqual([
      'notifications/message',
      'result',
    ]);
    await quick.text();
  });

  it('that takes long goes on in a stream, so that its client can resume', async () => {
    let finish = (): void => undefined;
    const released = new Promise<void>((resolve) => (finish = resolve));
    const server = await startTestServer({
      isOpen: true,
      registry: createRegistry({
        tools: [
          defineTool({
            name: 'slow',
            description: 'Answers when it is allowed to.',
            scopes: [],
            handler: async () => {
              await released;
              return { content: [{ type: 'text', text: 'done' }] };
            },
          }),
        ],
      }),
    });
    try {
      const session = await openSession(server.mcpUrl);
      const response = await fetch(server.mcpUrl, call('slow', {}, session));
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      finish();
      expect((await answerOf(response)).result).toMatchObject({ content: [{ text: 'done' }] });
    } finally {
      await server.close();
    }
  });

  it.each(['before', 'after'])(
    'is cancelled by its client %s its stream is open',
    async (moment) => {
      const aborted = new Promise<void>((resolve) => {
        onAbort = resolve;
      });
      const server = await startTestServer({ isOpen: true, registry: waiting() });
      try {
        const session = await openSession(server.mcpUrl);
        const leaving = new AbortController();
        const answer = fetch(server.mcpUrl, {
          ...call('wait', {}, session),
          signal: leaving.signal,
        }).catch(() => undefined);
        await expect.poll(() => isWaiting).toBe(true);
        if (moment === 'after') await answer;
        const params = { requestId: 5 };
        await fetch(server.mcpUrl, legacyRequest('notifications/cancelled', params, { session }));
        await aborted;
        leaving.abort();
        await answer;
      } finally {
        await server.close();
      }
    },
  );
});

let isWaiting = false;
let onAbort = (): void => undefined;

function waiting() {
  isWaiting = false;
  return createRegistry({
    tools: [
      defineTool({
        name: 'wait',
        description: 'Waits until it is cancelled.',
        scopes: [],
        handler: (_args, { signal }) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              onAbort();
              resolve({ content: [] });
            });
            isWaiting = true;
          }),
      }),
    ],
  });
}
