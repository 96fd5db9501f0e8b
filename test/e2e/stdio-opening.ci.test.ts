import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER } from '../support/catalog-server.js';
import { ROOT, runNode, startNode, temporaryFolder } from '../support/processes.js';

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'];

const initialize = (protocolVersion: string, capabilities: object = {}) => ({
  id: 'first',
  method: 'initialize',
  params: { protocolVersion, capabilities, clientInfo: { name: 'host', version: '1.0.0' } },
});
const call = (id: number) => ({
  id,
  method: 'tools/call',
  params: { name: 'get_course', arguments: { courseId: 'nowhere' } },
});
const legacy = (version: string, capabilities: object = {}) => [
  initialize(version, capabilities),
  { method: 'notifications/initialized' },
  { id: 1, method: 'tools/list' },
  { id: 2, method: 'prompts/list', params: {} },
  { id: 3, method: 'resources/templates/list' },
  { id: 4, method: 'resources/list' },
  call(5),
];
const modern = (method: string, id: number, params: object = {}) => ({
  id,
  method,
  params: { ...params, _meta: META },
});

const conversations: readonly (readonly [string, readonly object[]])[] = [
  ...VERSIONS.map((version) => [`a ${version} client`, legacy(version)] as const),
  [
    'a client with capabilities',
    legacy('2025-11-25', { roots: { listChanged: true }, sampling: {}, elicitation: { form: {} } }),
  ],
  ['a client of no known version', legacy('2030-01-01')],
  ['a client that says less than it should', [{ id: 1, method: 'initialize', params: {} }]],
  ['a client that asks before its handshake', [{ id: 1, method: 'tools/list' }]],
  [
    'a 2026 client',
    [
      modern('server/discover', 1),
      modern('tools/list', 2),
      modern('prompts/list', 3),
      modern('tools/list', 4, { cursor: 'nothing' }),
      modern('tools/call', 5, { name: 'get_course', arguments: { courseId: 'nowhere' } }),
    ],
  ],
  ['a client that changes its era', [modern('tools/list', 1), initialize('2025-11-25'), call(2)]],
  ['a client that changes it back', [...legacy('2025-11-25'), modern('tools/list', 9)]],
];

describe('the stdio server, whose first answers come before it is loaded', () => {
  const home = temporaryFolder();
  let env: Record<string, string>;

  beforeAll(async () => {
    env = { HOME: home, CATALOG_DATA: join(home, 'data') };
    const create = [join(ROOT, 'dist/bin/catalog-server.js'), 'api-keys', 'create', '--json'];
    const { stdout } = await runNode(create, { env });
    env['CATALOG_API_KEY'] = (JSON.parse(stdout) as { key: string }).key;
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** What comes back until every request has its answer, sorted: answers may overtake each other. */
  const talk = async (messages: readonly object[], more: object = {}, apart = false) => {
    const { child, promise } = startNode([SERVER, '--transport=stdio'], {
      env: { ...env, ...more },
    });
    const expected = messages.filter((message) => 'id' in message).length;
    const lines: string[] = [];
    const isComplete = new Promise<void>((resolve) => {
      let text = '';
      child.stdout?.on('data', (chunk) => {
        text += String(chunk);
        const parts = text.split('\n');
        text = parts.pop() ?? '';
        lines.push(...parts);
        if (lines.length >= expected) resolve();
      });
    });
    for (const message of messages) {
      const line = `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`;
      if (apart) {
        // In two pieces: what is not whole yet is for the server to wait for.
        child.stdin?.write(line.slice(0, 9));
        await new Promise((resolve) => setImmediate(resolve));
      }
      child.stdin?.write(apart ? line.slice(9) : line);
    }
    await isComplete;
    child.stdin?.end();
    const outcome = await promise;
    return { lines: lines.toSorted(), code: outcome.code, stderr: outcome.stderr };
  };

  it.each(conversations)('says to %s what the server alone says', async (_name, messages) => {
    const quick = await talk(messages);
    // A setting that the first part does not understand keeps it out of the way.
    const alone = await talk(messages, { CATALOG_LOG_LEVEL: 'warn' });
    expect(quick).toEqual(alone);
    expect(quick.stderr).toBe('');
  });

  it('takes messages that arrive in pieces', async () => {
    expect(await talk(legacy('2025-11-25'), {}, true)).toEqual(await talk(legacy('2025-11-25')));
  });

  it('ends with a client that leaves after its first answers', async () => {
    const { lines, code } = await talk([modern('tools/list', 1)]);
    expect([lines.length, code]).toEqual([1, 0]);
  });

  it('has nothing for a key that is not good', async () => {
    const { lines } = await talk([modern('tools/list', 1)], { CATALOG_API_KEY: 'cmcp_nothing' });
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining('malformed') as string },
    });
  });
});
