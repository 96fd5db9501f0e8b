import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { LEGACY, MODERN, legacyRequest, openSession } from '../server/support/wire.js';
import { send, spoilt } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
let token: string;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
  token = await server.token();
});
afterAll(() => server.close());

const echo = { name: 'echo', arguments: { text: 'x' } };

async function open(): Promise<Readonly<Record<string, string>>> {
  const session = await openSession(server.mcpUrl, { token });
  return { 'mcp-session-id': session, 'mcp-protocol-version': LEGACY };
}

function post(method: string, params: object, headers: Readonly<Record<string, string>>) {
  return send(server.mcpUrl, legacyRequest(method, params, { token, headers }));
}

describe('both eras behind one address', () => {
  it('a modern request in the middle of a session is served on its own [DUAL-1]', async () => {
    const headers = await open();
    const { answer } = await spoilt(server, 'tools/call', echo, (parts) => {
      parts.headers['mcp-session-id'] = headers['mcp-session-id'] ?? '';
    });
    expect(answer.result).toMatchObject({ resultType: 'complete' });
    expect((await post('ping', {}, headers)).status).toBe(200);
  });

  it('a broken envelope is refused, never served as the era before [DUAL-2]', async () => {
    const headers = await open();
    const { status, answer } = await spoilt(
      server,
      'tools/call',
      echo,
      ({ body, headers: sent }) => {
        sent['mcp-session-id'] = headers['mcp-session-id'] ?? '';
        body.params._meta = { 'io.modelcontextprotocol/protocolVersion': 5 };
      },
    );
    expect(status).toBe(400);
    expect(answer.result).toBeUndefined();
  });

  it('initialize under a modern envelope is refused with 404 and -32601 [DUAL-3]', async () => {
    const params = {
      protocolVersion: MODERN,
      capabilities: {},
      clientInfo: { name: 'x', version: '1' },
    };
    const { status, answer, headers } = await spoilt(server, 'initialize', params, () => undefined);
    expect([status, answer.error?.code]).toEqual([404, -32601]);
    expect(headers.has('mcp-session-id')).toBe(false);
  });

  it('server/discover without an envelope is no handshake: the era before does not know it [DUAL-4]', async () => {
    const { answer } = await post('server/discover', {}, await open());
    expect(answer.error?.code).toBe(-32601);
  });
});
