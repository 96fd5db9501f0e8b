import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER, modernCall, startCatalog } from '../support/catalog-server.js';
import { ROOT, runNode, temporaryFolder } from '../support/processes.js';
import { type RpcMessage, StdioPeer } from '../support/stdio-peer.js';

const CATALOG = join(ROOT, 'dist/bin/catalog-server.js');
const LIST_CHANGED = 'notifications/tools/list_changed';
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A connected client, of whichever era and transport. */
interface Watching {
  /** Settled with the next `tools/list_changed` after now. */
  nextChange(): Promise<void>;
  tools(): Promise<Map<string, string>>;
  call(tool: string): Promise<string>;
  /** Settled with what the server writes to stderr from now on, as soon as this is in it. */
  said(text: string): Promise<string>;
}

const folder = temporaryFolder();
/** Holds the calls of the tool `hold` until the test lets them go. */
const held: ServerResponse[] = [];
let onHeld: () => void = () => undefined;
const gate = createServer((_request, response) => {
  held.push(response);
  onHeld();
});
let server: Awaited<ReturnType<typeof startCatalog>>;
const clients: Record<string, Watching> = {};

function save(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function tool(name: string, description: string, body = "return 'done';"): string {
  return `
    export default ({ defineTool }) => defineTool({
      name: '${name}', description: '${description}', scopes: [],
      async handler() { ${body.replace(/return ([^;]+);/, "return { content: [{ type: 'text', text: $1 }] };")} },
    });`;
}

function holding(version: string): string {
  const { port } = gate.address() as AddressInfo;
  const body = `await fetch('http://127.0.0.1:${port}/'); return '${version}';`;
  return tool('hold', `Waits for the test to go on, in ${version}.`, body);
}

/** What a process writes to stderr, from the moment somebody waits for it. */
function listener(stream: NodeJS.ReadableStream | null): Watching['said'] {
  return (text) =>
    new Promise((resolve) => {
      let written = '';
      const hear = (chunk: Buffer | string): void => {
        written += String(chunk);
        if (!written.includes(text)) return;
        stream?.off('data', hear);
        resolve(written);
      };
      stream?.on('data', hear);
    });
}

function toMap(tools: unknown): Map<string, string> {
  const listed = tools as { readonly name: string; readonly description?: string }[];
  return new Map(listed.map(({ name, description }) => [name, description ?? '']));
}

function textOf(result: unknown): string {
  return (result as { content: { text: string }[] }).content[0]?.text ?? '';
}

async function legacyHttp(said: Watching['said']): Promise<Watching> {
  const client = new Client({ name: 'test', version: '1' });
  let changed: () => void = () => undefined;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => changed());
  // The stream of the session is opened beside the handshake: it has to be there to hear anything.
  let isListening: () => void = () => undefined;
  const listening = new Promise<void>((resolve) => (isListening = resolve));
  const transport = new StreamableHTTPClientTransport(new URL(server.ready.mcp), {
    requestInit: { headers: { 'x-api-key': server.ready.apiKey } },
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (init?.method === 'GET' && response.ok) isListening();
      return response;
    },
  });
  await client.connect(transport);
  await listening;
  return {
    nextChange: () => new Promise<void>((resolve) => (changed = resolve)),
    tools: async () => toMap((await client.listTools()).tools),
    call: async (name) => textOf(await client.callTool({ name, arguments: {} })),
    said,
  };
}

async function modernHttp(said: Watching['said']): Promise<Watching> {
  const headers = { 'x-api-key': server.ready.apiKey };
  const filter = { notifications: { toolsListChanged: true } };
  const stream = await modernCall(server.ready.mcp, 'subscriptions/listen', filter, headers);
  let changed: () => void = () => undefined;
  const acknowledged = new Promise<void>((resolve) => (changed = resolve));
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream.body ?? []) {
      const text = decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.includes('acknowledged') || text.includes(LIST_CHANGED)) changed();
    }
  })().catch(() => undefined);
  await acknowledged;
  const ask = async (method: string, params: Record<string, unknown>): Promise<unknown> => {
    const answer = await modernCall(server.ready.mcp, method, params, headers);
    return ((await answer.json()) as RpcMessage).result;
  };
  return {
    nextChange: () => new Promise<void>((resolve) => (changed = resolve)),
    tools: async () => toMap(((await ask('tools/list', {})) as { tools: unknown }).tools),
    call: async (name) => textOf(await ask('tools/call', { name, arguments: {} })),
    said,
  };
}

async function overStdio(era: 'legacy' | 'modern'): Promise<Watching> {
  // An installation of its own: within one, every process tells its clients of the changes of all.
  const data = temporaryFolder();
  const made = await runNode([CATALOG, 'api-keys', 'create', '--json', '--data', data]);
  const { key } = JSON.parse(made.stdout) as { key: string };
  const args = ['--transport=stdio', '--data', data, '--watch', '--tools', folder];
  const peer = new StdioPeer([SERVER, ...args], { env: { CATALOG_API_KEY: key } });
  const said = listener(peer.child.stderr);
  let changed: () => void = () => undefined;
  let acknowledged: () => void = () => undefined;
  if (peer.child.stdout === null) throw new Error('the process has no stdout');
  createInterface({ input: peer.child.stdout }).on('line', (line) => {
    const { method } = JSON.parse(line) as RpcMessage;
    if (method === LIST_CHANGED) changed();
    if (method === 'notifications/subscriptions/acknowledged') acknowledged();
  });
  const ask = (method: string, params: Record<string, unknown> = {}): Promise<RpcMessage> =>
    era === 'legacy' ? peer.request(method, params) : peer.modernRequest(method, params);
  if (era === 'legacy') {
    await peer.initialize();
    await peer.request('ping');
  } else {
    const ready = new Promise<void>((resolve) => (acknowledged = resolve));
    const params = { notifications: { toolsListChanged: true }, _meta: META };
    peer.send({ jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen', params });
    await ready;
  }
  return {
    nextChange: () => new Promise<void>((resolve) => (changed = resolve)),
    tools: async () => toMap((await ask('tools/list')).result?.['tools']),
    call: async (name) => textOf((await ask('tools/call', { name, arguments: {} })).result),
    said,
  };
}

beforeAll(async () => {
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  mkdirSync(join(folder, '_parts'));
  save('_parts/words.ts', "export const words: string = 'Says one thing, as it was at first.';");
  save(
    'say.ts',
    `import { words } from './_parts/words.js';
     export const say = { name: 'say', description: words, scopes: [], handler: () => ({ content: [] }) };`,
  );
  save('hold.ts', holding('version one'));
  server = await startCatalog(['--watch', '--tools', folder]);
  const said = listener(server.child.stderr);
  clients['2025-11-25 over HTTP'] = await legacyHttp(said);
  clients['2026-07-28 over HTTP'] = await modernHttp(said);
  clients['2025-11-25 over stdio'] = await overStdio('legacy');
  clients['2026-07-28 over stdio'] = await overStdio('modern');
});

afterAll(async () => {
  gate.closeAllConnections();
  gate.close();
  await server.stop();
});

function all<T>(work: (client: Watching, kind: string) => Promise<T>): Promise<T[]> {
  return Promise.all(Object.entries(clients).map(([kind, client]) => work(client, kind)));
}

/** Changes the files, and tells how long each kind of client took to hear of it, in ms. */
async function untilAllHear(change: () => void): Promise<Record<string, number>> {
  const hearing = all(async (client, kind) => {
    await client.nextChange();
    return [kind, performance.now()] as const;
  });
  const savedAt = performance.now();
  change();
  const heard = (await hearing).map(([kind, at]) => [kind, Math.round(at - savedAt)] as const);
  return Object.fromEntries(heard);
}

function expectSoon(latencies: Record<string, number>): void {
  expect(Object.keys(latencies)).toHaveLength(4);
  for (const [kind, ms] of Object.entries(latencies)) expect(ms, kind).toBeLessThan(1000);
}

describe('catalog-server --watch', () => {
  it('shows a new tool to every connected client within a second of the save', async () => {
    await all((client) => client.tools().then((tools) => expect(tools.has('fresh')).toBe(false)));
    const latencies = await untilAllHear(() =>
      save('fresh.ts', tool('fresh', 'Was not there when the client came.')),
    );
    expectSoon(latencies);
    console.log('save to notification, ms:', JSON.stringify(latencies));
    await all(async (client) => {
      expect((await client.tools()).get('fresh')).toBe('Was not there when the client came.');
      expect(await client.call('fresh')).toBe('done');
    });
  });

  it('lets a running call end with the code it began with', async () => {
    const isHeld = new Promise<void>((resolve) => {
      onHeld = () => held.length === 4 && resolve();
    });
    const running = all((client) => client.call('hold'));
    await isHeld;
    expectSoon(await untilAllHear(() => save('hold.ts', holding('version two'))));
    for (const response of held.splice(0)) response.end();
    expect(await running).toEqual(Array(4).fill('version one'));
    onHeld = () => held.splice(0).forEach((response) => response.end());
    expect(await all((client) => client.call('hold'))).toEqual(Array(4).fill('version two'));
  });

  it('keeps the tools of before when a file does not compile, and names file, line and fix', async () => {
    const reports = all((client) => client.said('not reloaded'));
    save('fresh.ts', "export default ({ defineTool }) => defineTool({\n  name: 'fresh'\n  oops,");
    for (const report of await reports) {
      expect(report).toContain(`${join(folder, 'fresh.ts')}:3:3: Expected "}" but found "oops"`);
      expect(report).toContain('Mend the file and save it.');
    }
    await all(async (client) => expect(await client.call('fresh')).toBe('done'));
  });

  it('keeps them when two files define the same name, and names both', async () => {
    const reports = all((client) => client.said('not reloaded'));
    save('fresh.ts', tool('say', 'Has the name of another tool in this folder.'));
    for (const report of await reports) {
      expect(report).toContain('tool "say" is also defined by');
    }
    await all(async (client) => expect(await client.call('fresh')).toBe('done'));
  });

  it('reloads the tools that a changed helper is part of', async () => {
    expectSoon(
      await untilAllHear(() => save('_parts/words.ts', "export const words = 'Says another.';")),
    );
    await all(async (client) => {
      expect((await client.tools()).get('say')).toBe('Says another.');
    });
  });

  it('takes up a file that an editor replaces by a rename', async () => {
    const latencies = await untilAllHear(() => {
      save('.fresh.ts.swp', tool('fresh', 'Came by a rename.', "return 'renamed';"));
      renameSync(join(folder, '.fresh.ts.swp'), join(folder, 'fresh.ts'));
    });
    expectSoon(latencies);
    await all(async (client) => expect(await client.call('fresh')).toBe('renamed'));
  });

  it('takes away the tools of a deleted file', async () => {
    expectSoon(await untilAllHear(() => rmSync(join(folder, 'fresh.ts'))));
    await all(async (client) => {
      const tools = await client.tools();
      expect(tools.has('fresh')).toBe(false);
      expect(tools.has('search_courses')).toBe(true);
    });
  });

  it('says nothing to clients when a list looks as before', async () => {
    const swapped = all((client) => client.said('reloaded'));
    const heard: string[] = [];
    void all(async (client, kind) => {
      await client.nextChange();
      heard.push(kind);
    });
    save('hold.ts', holding('version two').replace("'version two'", "'version three'"));
    await swapped;
    onHeld = () => held.splice(0).forEach((response) => response.end());
    expect(await all((client) => client.call('hold'))).toEqual(Array(4).fill('version three'));
    expect(heard).toEqual([]);
  });
});
