import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, type RunOptions, runNode, temporaryFolder } from '../support/processes.js';
import { ScriptedBrowser } from '../support/scripted-browser.js';
import { StdioPeer } from '../support/stdio-peer.js';
import { freePort } from '../support/free-port.js';
import type { Peers } from './peers.js';
import { type RecordedBrowser, type SecureSite, recordedBrowser } from './support.js';

const CALL = { name: 'search_courses', arguments: { query: 'sql' } };
const DOCUMENT_PATH = '/mcp-remote.json';

interface Surroundings {
  readonly mcp: string;
  readonly peers: Peers;
  readonly site: SecureSite;
}

/** Somebody else's client with a home of its own. */
export interface ThirdPartyClient {
  readonly browser: RecordedBrowser;
  /** How often signing in opens it. */
  readonly openings: number;
  /** What it has to be known as, where that is no matter of the server's. */
  readonly clientId?: string;
  /** Calls a tool, after signing in when the client thinks it has to. Resolves with all that the client wrote. */
  callTool(): Promise<string>;
  /** The same in the process that signed in, for clients that stay. */
  callToolAgain?(): Promise<string>;
  /** The token that it would send now, where it is kept in the clear. */
  accessToken?(): string;
  close?(): Promise<unknown>;
}

type Start = (surroundings: Surroundings) => Promise<ThirdPartyClient> | ThirdPartyClient;

const MCP_REMOTE = join(ROOT, 'node_modules/mcp-remote/dist/proxy.js');

function mcpRemote(
  mcp: string,
  args: readonly string[],
  approve?: (peer: StdioPeer) => Promise<void>,
): ThirdPartyClient {
  const browser = recordedBrowser('Nora');
  const env = {
    ...browser.env,
    HOME: temporaryFolder(),
    MCP_REMOTE_CONFIG_DIR: temporaryFolder(),
  };
  let peer: StdioPeer | undefined;
  let isSignedIn = false;
  const call = async (to: StdioPeer): Promise<string> =>
    JSON.stringify(await to.request('tools/call', CALL));
  const close = async (): Promise<void> => {
    peer?.child.kill('SIGTERM');
    await peer?.exited;
    peer = undefined;
  };
  return {
    browser,
    openings: approve === undefined ? 1 : 0,
    async callTool() {
      await close();
      const started = new StdioPeer([MCP_REMOTE, mcp, ...args], { env });
      peer = started;
      const approved = isSignedIn ? undefined : approve?.(started);
      await Promise.all([started.initialize(), approved]);
      isSignedIn = true;
      return call(started);
    },
    callToolAgain: () => {
      if (peer === undefined) throw new Error('mcp-remote does not run');
      return call(peer);
    },
    close,
  };
}

/** Opens the link that mcp-remote shows, and does on the page what a person would. */
async function approveDevice(peer: StdioPeer): Promise<void> {
  const link = await new Promise<string>((resolve, reject) => {
    let said = '';
    peer.child.stderr?.on('data', (text: string) => {
      said += text;
      const shown = /To authorize this client, visit:\s+\S*\s*(http\S+)\s/.exec(said)?.[1];
      if (shown !== undefined) resolve(shown);
    });
    void peer.exited.then(() => reject(new Error(`mcp-remote ended without a link: ${said}`)));
  });
  const browser = new ScriptedBrowser();
  const confirm = await browser.submit(await browser.open(link), {});
  const consent = await browser.submit(confirm, { confirm: 'yes' });
  const last = await browser.submit(consent, { person: 'demo-nora' });
  if (last.status !== 200) throw new Error(`the device page answered ${last.status}: ${last.body}`);
}

/** A client that runs once for each call. */
function oneShot(args: readonly string[], options: RunOptions = {}): ThirdPartyClient {
  const browser = recordedBrowser('Nora');
  const env = { ...browser.env, HOME: temporaryFolder(), ...options.env };
  return {
    browser,
    openings: 1,
    async callTool() {
      const run = await runNode(args, { ...options, env });
      if (run.code !== 0) throw new Error(`exit code ${run.code}: ${run.stderr}${run.stdout}`);
      return run.stdout;
    },
  };
}

function sdkHost(
  library: string,
  mcp: string,
  modules: readonly string[],
  options: RunOptions = {},
): ThirdPartyClient {
  const urls = modules.map((path) => pathToFileURL(path).href).join();
  const script = join(ROOT, 'test/interop/sdk-host.mjs');
  const store = join(temporaryFolder(), 'store.json');
  return {
    ...oneShot([script, library, urls, mcp, store], options),
    accessToken() {
      const kept = JSON.parse(readFileSync(store, 'utf8')) as { tokens: { access_token: string } };
      return kept.tokens.access_token;
    },
  };
}

const V1 = join(ROOT, 'node_modules/@modelcontextprotocol/sdk/dist/esm/client');
const V2 = join(ROOT, 'node_modules/@modelcontextprotocol/client/dist/index.mjs');

export const CLIENTS: readonly (readonly [name: string, start: Start])[] = [
  [
    'mcp-remote 0.15.1, registering itself',
    ({ mcp }) => mcpRemote(mcp, ['--transport', 'http-only']),
  ],
  [
    'mcp-remote 0.15.1 with a client metadata document',
    async ({ mcp, site }) => {
      const port = await freePort();
      const clientId = `${site.origin}${DOCUMENT_PATH}`;
      site.documents.set(DOCUMENT_PATH, {
        client_id: clientId,
        client_name: 'mcp-remote',
        redirect_uris: [`http://localhost:${port}/oauth/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      });
      return { ...mcpRemote(mcp, [`${port}`, '--client-metadata-url', clientId]), clientId };
    },
  ],
  [
    'mcp-remote 0.15.1 with a device code',
    ({ mcp }) => mcpRemote(mcp, ['--device-code'], approveDevice),
  ],
  [
    'the MCP Inspector 2.12.0 CLI',
    async ({ mcp, peers }) => {
      const launcher = '@modelcontextprotocol/inspector/clients/launcher/build/index.js';
      const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`;
      const target = ['--cli', '--server-url', mcp, '--transport', 'http', '--format', 'json'];
      const call = ['--method', 'tools/call', '--tool-name', CALL.name, '--tool-arg', 'query=sql'];
      // Without a terminal it signs nobody in unless it is told to; without a keychain it would forget the tokens.
      const env = { MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' };
      return oneShot([peers.file(launcher), ...target, '--callback-url', callback, ...call], {
        node: peers.node,
        env,
      });
    },
  ],
  [
    'mcporter 0.12.3',
    ({ mcp, peers }) => {
      const config = join(temporaryFolder(), 'mcporter.json');
      const catalog = { baseUrl: mcp, auth: 'oauth' };
      writeFileSync(config, JSON.stringify({ imports: [], mcpServers: { catalog } }));
      const call = ['call', `catalog.${CALL.name}`, 'query=sql', '--output', 'json'];
      const { node } = peers;
      return oneShot([peers.file('mcporter/dist/cli.js'), '--config', config, ...call], { node });
    },
  ],
  [
    '@ai-sdk/mcp 2.0.99',
    ({ mcp, peers }) => {
      const { node } = peers;
      return sdkHost('ai-sdk', mcp, [peers.file('@ai-sdk/mcp/dist/index.js')], { node });
    },
  ],
  [
    'the MCP SDK 1.32.2',
    ({ mcp }) => {
      const modules = ['index.js', 'streamableHttp.js', 'auth.js'];
      return sdkHost(
        'sdk-v1',
        mcp,
        modules.map((name) => join(V1, name)),
      );
    },
  ],
  ['the MCP SDK 2.4.0', ({ mcp }) => sdkHost('sdk-v2', mcp, [V2])],
];
