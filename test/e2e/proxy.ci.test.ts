import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, browserCommand, startCatalog } from '../support/catalog-server.js';
import { ROOT, startNode, temporaryFolder } from '../support/processes.js';
import { type RpcMessage, StdioPeer } from '../support/stdio-peer.js';

type Server = Awaited<ReturnType<typeof startCatalog>>;

const NO_BROWSER = '/nonexistent/browser';
const SEARCH = { name: 'search_courses', arguments: { query: 'sql' } };

const toolNames = (answer: RpcMessage): string[] =>
  ((answer.result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name);
const textOf = (answer: RpcMessage): string => JSON.stringify(answer.result ?? answer.error);

/** A browser that notes each visit before it signs in as Nora, and waits for a file where one is named. */
function countingBrowser(waitFor?: string): { command: string; visits: () => number } {
  const folder = temporaryFolder();
  const log = join(folder, 'visits');
  const command = join(folder, 'browser');
  const gate = waitFor === undefined ? '' : `while [ ! -e ${waitFor} ]; do sleep 0.05; done\n`;
  writeFileSync(
    command,
    `#!/bin/sh\necho visit >> ${log}\n${gate}exec ${browserCommand('Nora')} "$1"\n`,
  );
  chmodSync(command, 0o755);
  return {
    command,
    visits: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0),
  };
}

function startProxy(
  url: string,
  home: string,
  browser = NO_BROWSER,
  args: readonly string[] = [],
): StdioPeer {
  return new StdioPeer([CLIENT, 'proxy', url, ...args], {
    env: { CATALOG_CLIENT_HOME: home, CATALOG_CLIENT_KEYCHAIN: 'off', BROWSER: browser },
  });
}

async function untilNotified(peer: StdioPeer, method: string): Promise<void> {
  await expect
    .poll(() => peer.notifications.some((message) => message.method === method), {
      timeout: 30_000,
    })
    .toBe(true);
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and that nobody has asked about is as good as gone.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        const stat = readFileSync(`/proc/${candidate}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid;
      } catch {
        return false;
      }
    });
}

describe('catalog-client proxy', () => {
  let server: Server;

  beforeAll(async () => {
    server = await startCatalog();
  });

  afterAll(() => server.stop());

  it("starts signed out with mcp-remote's arguments, signs in, and has the tools", async () => {
    const home = temporaryFolder();
    const browser = countingBrowser();
    const peer = startProxy(server.ready.mcp, home, browser.command, [
      '9696',
      '--transport',
      'http-only',
    ]);
    const initialized = await peer.initialize();
    expect(initialized.result).toMatchObject({ capabilities: { tools: { listChanged: true } } });
    expect(toolNames(await peer.request('tools/list'))).toEqual(['sign_in']);
    expect(browser.visits()).toBe(0);
    const signedIn = await peer.request('tools/call', { name: 'sign_in', arguments: {} });
    expect(textOf(signedIn)).toContain('Signed in');
    await untilNotified(peer, 'notifications/tools/list_changed');
    expect(toolNames(await peer.request('tools/list'))).toContain('search_courses');
    expect(textOf(await peer.request('tools/call', SEARCH))).toContain('SQL');
    expect(browser.visits()).toBe(1);
    expect(await peer.close()).toMatchObject({ code: 0 });
    expect(peer.strayLines).toEqual([]);

    // The next host finds the login, in either era, and is passed through to the server.
    const next = startProxy(server.ready.mcp, home);
    expect((await next.initialize()).result).toMatchObject({ serverInfo: { name: 'catalog-mcp' } });
    expect(toolNames(await next.request('tools/list'))).toContain('search_courses');
    await next.close();
    const modern = startProxy(server.ready.mcp, home);
    expect((await modern.modernRequest('server/discover')).result).toMatchObject({
      supportedVersions: expect.arrayContaining(['2026-07-28']) as unknown,
    });
    expect(textOf(await modern.modernRequest('tools/call', SEARCH))).toContain('SQL');
    await modern.close();
    expect(modern.strayLines).toEqual([]);
  });

  it('uses an API key from the environment, with nobody signed in', async () => {
    const peer = new StdioPeer(
      [CLIENT, 'proxy', server.ready.mcp, '--header', 'X-API-KEY:${KEY}'],
      {
        env: { CATALOG_CLIENT_HOME: temporaryFolder(), KEY: server.ready.apiKey },
      },
    );
    await peer.initialize();
    expect(textOf(await peer.request('tools/call', SEARCH))).toContain('SQL');
    const outcome = await peer.close();
    expect(outcome.stderr).not.toContain(server.ready.apiKey);
  });

  it('finishes a login after its host was killed', async () => {
    const home = temporaryFolder();
    const gate = join(temporaryFolder(), 'go');
    const browser = countingBrowser(gate);
    const peer = startProxy(server.ready.mcp, home, browser.command, ['--port', '0']);
    await peer.initialize();
    void peer.request('tools/call', { name: 'sign_in', arguments: {} }).catch(() => undefined);
    await expect.poll(browser.visits, { timeout: 30_000 }).toBe(1);
    peer.child.kill('SIGKILL');
    await peer.exited;
    const next = startProxy(server.ready.mcp, home);
    await next.initialize();
    expect(toolNames(await next.request('tools/list'))).toEqual(['sign_in']);
    appendFileSync(gate, '');
    await untilNotified(next, 'notifications/tools/list_changed');
    expect(toolNames(await next.request('tools/list'))).toContain('search_courses');
    expect(browser.visits()).toBe(1);
    await next.close();
  });

  it('opens one browser for twenty hosts that start at once signed out', async () => {
    const home = temporaryFolder();
    const browser = countingBrowser();
    const peers = Array.from({ length: 20 }, () =>
      startProxy(server.ready.mcp, home, browser.command, ['--port', '0']),
    );
    const lists = await Promise.all(
      peers.map(async (peer) => {
        await peer.initialize();
        const answer = await peer.request('tools/call', { name: 'sign_in', arguments: {} });
        expect(textOf(answer)).toMatch(/[Ss]igned in/);
        return toolNames(await peer.request('tools/list'));
      }),
    );
    for (const names of lists) expect(names).toContain('search_courses');
    expect(browser.visits()).toBe(1);
    await Promise.all(peers.map((peer) => peer.close()));
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)(
    'ends at %s and leaves nothing',
    async (signal) => {
      const peer = startProxy(server.ready.mcp, temporaryFolder());
      await peer.initialize();
      await peer.request('tools/list');
      const { pid = 0 } = peer.child;
      peer.child.kill(signal);
      expect(await peer.exited).toMatchObject({ code: 0 });
      expect(childrenOf(pid)).toEqual([]);
    },
  );

  it('ends when the host that started it is gone, although its pipes are held open by somebody else', async () => {
    const fifo = join(temporaryFolder(), 'stdin');
    execFileSync('mkfifo', [fifo]);
    // Opened for writing too: no end of input ever comes.
    const parent = `
      const { spawn } = require('node:child_process');
      const { openSync, writeSync } = require('node:fs');
      const stdin = openSync(${JSON.stringify(fifo)}, 'r+');
      const command = ${JSON.stringify([CLIENT, 'proxy', server.ready.mcp])};
      const child = spawn(process.execPath, command, { stdio: [stdin, 'pipe', 'inherit'] });
      writeSync(stdin, '{"jsonrpc":"2.0","id":1,"method":"ping"}\\n');
      child.stdout.once('data', () => process.stdout.write('pid ' + child.pid + '\\n'));`;
    const { child } = startNode(['--eval', parent], {
      env: { CATALOG_CLIENT_HOME: temporaryFolder() },
    });
    let log = '';
    child.stdout?.on('data', (text: string) => (log += text));
    await expect.poll(() => log, { timeout: 10_000 }).toMatch(/pid \d+/);
    const pid = Number(/pid (\d+)/.exec(log)?.[1]);
    expect(isAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });

  it('refuses a command line that it cannot use, with exit code 1 and nothing on stdout', async () => {
    const peer = startProxy(server.ready.mcp, temporaryFolder(), NO_BROWSER, ['--strict-tool']);
    const outcome = await peer.exited;
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('--strict-tools');
  });
});

describe('catalog-client proxy while its server is started again', () => {
  it.each(['2025', '2026'] as const)('goes on with the next call of a %s host', async (era) => {
    const first = await startCatalog();
    const { port } = new URL(first.ready.mcp);
    const home = temporaryFolder();
    const peer = startProxy(first.ready.mcp, home, browserCommand('Nora'), ['--port', '0']);
    const request = (method: string, params: Record<string, unknown> = {}): Promise<RpcMessage> =>
      era === '2025' ? peer.request(method, params) : peer.modernRequest(method, params);
    if (era === '2025') await peer.initialize();
    await request('tools/call', { name: 'sign_in', arguments: {} });
    expect(toolNames(await request('tools/list'))).toContain('search_courses');
    await first.stop('SIGKILL');
    const answer = request('tools/call', SEARCH);
    const second = await startCatalog(['--port', port], { data: first.data });
    expect(textOf(await answer)).toContain('SQL');
    await peer.close();
    await second.stop();
  });

  it('is built without the SDK, schemas or agent in its bundle', () => {
    const bundle = readFileSync(join(ROOT, 'dist/bin/catalog-proxy.bundle.cjs'), 'utf8');
    expect(bundle).not.toMatch(/ZodObject|langchain|oidc-provider|StreamableHTTPClientTransport/);
  });
});
