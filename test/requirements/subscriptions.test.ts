import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { modernRequest } from '../server/support/wire.js';
import { META, OpenStream, modern, send } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
});
afterEach(() => server.close());

async function listen(notifications: object, options: object = {}): Promise<OpenStream> {
  const token = await server.token({ scope: 'memo:read' });
  const request = modernRequest(
    'subscriptions/listen',
    { notifications },
    { token, id: 'sub', ...options },
  );
  const response = await fetch(server.mcpUrl, request);
  expect(response.status).toBe(200);
  return new OpenStream(response);
}

function announceEverything(): void {
  server.http.notify.toolsChanged();
  server.http.notify.promptsChanged();
  server.http.notify.resourcesChanged();
  server.http.notify.resourceUpdated('memo://one');
  server.http.notify.resourceUpdated('memo://7/body');
}

const filters: readonly (readonly [object, readonly string[]])[] = [
  [{ toolsListChanged: true }, ['tools/list_changed']],
  [{ promptsListChanged: true }, ['prompts/list_changed']],
  [{ resourcesListChanged: true }, ['resources/list_changed']],
  [{ resourceSubscriptions: ['memo://one'] }, ['resources/updated']],
  [
    { toolsListChanged: true, resourceSubscriptions: ['memo://7/body'] },
    ['tools/list_changed', 'resources/updated'],
  ],
  [{ toolsListChanged: false, promptsListChanged: true }, ['prompts/list_changed']],
  [{}, []],
];

describe('subscriptions/listen', () => {
  it.each(filters)(
    'with %j acknowledges first, tells nothing else, and tags every message [SUB-1] [SUB-2] [SUB-3]',
    async (filter, expected) => {
      const stream = await listen(filter);
      announceEverything();
      const first = await stream.next();
      announceEverything();
      const closing = server.http.close();
      const messages = await stream.rest();
      await closing;

      expect(first?.method).toBe('notifications/subscriptions/acknowledged');
      const granted = Object.entries(filter).filter(([, value]) => value !== false);
      expect(first?.params?.['notifications']).toMatchObject(Object.fromEntries(granted));
      const told = messages.slice(0, -1).map(({ method }) => method);
      expect(new Set(told)).toEqual(new Set(expected.map((name) => `notifications/${name}`)));
      for (const { params, result } of [first ?? {}, ...messages]) {
        const meta = (params?.['_meta'] ?? result?.['_meta']) as Record<string, unknown>;
        expect(meta[`${META}subscriptionId`]).toBe('sub');
      }
      expect(messages.at(-1)).toMatchObject({ id: 'sub', result: { resultType: 'complete' } });
    },
  );

  it('tells of a resource only who named it, by its URI [SUB-3]', async () => {
    const stream = await listen({ resourceSubscriptions: ['memo://one'] });
    await stream.next();
    server.http.notify.resourceUpdated('memo://shared');
    server.http.notify.resourceUpdated('memo://one');
    expect(await stream.next()).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri: 'memo://one' },
    });
    await stream.close();
  });

  it('does not acknowledge what the server does not have [SUB-1]', async () => {
    const bare = await startTestServer({
      registry: { ...createWorkshop().registry, prompts: new Map() },
    });
    try {
      const request = modernRequest(
        'subscriptions/listen',
        { notifications: { toolsListChanged: true, promptsListChanged: true } },
        { token: await bare.token() },
      );
      const stream = new OpenStream(await fetch(bare.mcpUrl, request));
      const granted = (await stream.next())?.params?.['notifications'] as Record<string, unknown>;
      expect(granted['toolsListChanged']).toBe(true);
      expect(granted['promptsListChanged'] ?? false).toBe(false);
      await stream.close();
    } finally {
      await bare.close();
    }
  });

  it('carries no progress and no log of calls that run beside it [SUB-4]', async () => {
    const stream = await listen({ toolsListChanged: true });
    await stream.next();
    await modern(server, 'tools/call', { name: 'talk', arguments: {} });
    await modern(server, 'tools/call', { name: 'climb', arguments: {} });
    server.http.notify.toolsChanged();
    expect((await stream.next())?.method).toBe('notifications/tools/list_changed');
    await stream.close();
  });

  it('keeps two subscriptions apart by the id of their request [SUB-2]', async () => {
    const streams = [
      await listen({ toolsListChanged: true }, { id: 7 }),
      await listen({ toolsListChanged: true }, { id: 'seven' }),
    ];
    for (const stream of streams) await stream.next();
    server.http.notify.toolsChanged();
    const ids = await Promise.all(
      streams.map(async (stream) => {
        const { params } = (await stream.next()) ?? {};
        return (params?.['_meta'] as Record<string, unknown>)[`${META}subscriptionId`];
      }),
    );
    expect(ids).toEqual([7, 'seven']);
    for (const stream of streams) await stream.close();
  });

  it('is refused with one 403 challenge when a named resource is not the caller’s to read [SUB-5]', async () => {
    const token = await server.token({ scope: '' });
    const notifications = { toolsListChanged: true, resourceSubscriptions: ['memo://7/body'] };
    const request = modernRequest('subscriptions/listen', { notifications }, { token });
    const { status, headers } = await send(server.mcpUrl, request);
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('scope="memo:read"');
  });

  it('is not buffered on its way, and has no event ids [SSE-4]', async () => {
    const token = await server.token();
    const request = modernRequest('subscriptions/listen', { notifications: {} }, { token });
    const response = await fetch(server.mcpUrl, request);
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    const stream = new OpenStream(response);
    await stream.next();
    expect(stream.text).not.toMatch(/^id:/m);
    await stream.close();
  });
});
