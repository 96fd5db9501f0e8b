import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { legacyRequest } from '../server/support/wire.js';
import { OpenStream } from './support/exchange.js';
import { type LegacyWire, createLegacyWire } from './support/legacy-wire.js';
import { createWorkshop } from './support/workshop.js';

const workshop = createWorkshop();
let server: TestServer;
let token: string;
let wire: LegacyWire;
beforeAll(async () => {
  server = await startTestServer({ registry: workshop.registry });
  token = await server.token();
  wire = createLegacyWire(server, token);
});
afterEach(() => wire.closeStreams());
afterAll(() => server.close());

const open: LegacyWire['open'] = (...args) => wire.open(...args);
const post: LegacyWire['post'] = (...args) => wire.post(...args);

describe('cancellation in the 2025 era', () => {
  it('is not a connection that breaks: the call goes on, and its answer can be had later [L-10]', async () => {
    const headers = await open('2025-11-25');
    const hold = workshop.nextHold();
    const leaving = new AbortController();
    const request = legacyRequest(
      'tools/call',
      { name: 'hold', arguments: {}, _meta: { progressToken: 'p' } },
      { token, headers, id: 77 },
    );
    const response = await fetch(server.mcpUrl, { ...request, signal: leaving.signal });
    const stream = new OpenStream(response);
    await stream.next();
    await hold.started;
    const [, eventId = ''] = /^id: (.+)$/m.exec(stream.text) ?? [];
    leaving.abort();
    let isAborted = false;
    void hold.aborted.then(() => (isAborted = true));
    hold.release();
    await expect
      .poll(() => server.stores.audit.recent(1))
      .toMatchObject([{ target: 'hold', outcome: 'ok' }]);
    expect(isAborted).toBe(false);
    const resumed = await wire.listenTo({ ...headers, 'last-event-id': eventId });
    const messages = [await resumed.next(), await resumed.next()];
    expect(messages.at(-1)).toMatchObject({ id: 77, result: { content: [{ text: 'held' }] } });
  });

  it('is not a connection that breaks before anything was answered [L-10]', async () => {
    const headers = await open('2025-11-25');
    const hold = workshop.nextHold();
    const leaving = new AbortController();
    const params = { name: 'hold', arguments: {} };
    const request = legacyRequest('tools/call', params, { token, headers, id: 76 });
    const gone = fetch(server.mcpUrl, { ...request, signal: leaving.signal }).then((response) =>
      response.text(),
    );
    gone.catch(() => undefined);
    await hold.started;
    leaving.abort();
    let isAborted = false;
    void hold.aborted.then(() => (isAborted = true));
    // Gives the server an occasion to see the connection end.
    expect((await post('ping', {}, headers)).status).toBe(200);
    hold.release();
    await expect
      .poll(() => server.stores.audit.recent(1))
      .toMatchObject([{ target: 'hold', outcome: 'ok' }]);
    expect(isAborted).toBe(false);
  });

  it('is notifications/cancelled: the work stops and no answer comes [L-10]', async () => {
    const headers = await open('2025-11-25');
    const hold = workshop.nextHold();
    const params = { name: 'hold', arguments: {} };
    const response = await fetch(
      server.mcpUrl,
      legacyRequest('tools/call', params, { token, headers, id: 78 }),
    );
    await hold.started;
    const { status } = await post(
      'notifications/cancelled',
      { requestId: 78, reason: 'enough' },
      headers,
    );
    expect(status).toBe(202);
    await hold.aborted;
    await expect
      .poll(() => server.stores.audit.recent(1))
      .toMatchObject([{ target: 'hold', outcome: 'cancelled' }]);
    await response.body?.cancel();
  });

  it('of a request that is not running, or is already answered, is ignored [L-10]', async () => {
    const headers = await open('2025-11-25');
    for (const requestId of [1, 'unknown', 12_345]) {
      expect((await post('notifications/cancelled', { requestId }, headers)).status).toBe(202);
    }
    expect((await post('ping', {}, headers)).status).toBe(200);
  });
});
