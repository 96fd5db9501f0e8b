// What is measured: the request, and which server answers it.
import { exchange, formatRequest } from './load.mjs';
import { TOOL_COUNTS } from './tools.mjs';

const MODERN = '2026-07-28';
const LEGACY = '2025-11-25';
const PREFIX = 'io.modelcontextprotocol/';
const BASE = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const CALL = { name: 'add', arguments: { a: 1, b: 2 } };

/**
 * @typedef {{
 *   name: string,
 *   tools: number,
 *   bar: number,
 *   rows: readonly { label: string, target: string, request: 'modern' | 'session' | 'stateless', isPeer?: boolean, isOnNode24?: boolean, isBase?: boolean }[]
 * }} Scenario
 */

/** What does not run on Node 20 is compared with the bare server on its own Node. */
const ON_NODE_24 = [
  {
    label: 'bare on Node 24',
    target: 'bare',
    request: 'modern',
    isPeer: true,
    isOnNode24: true,
    isBase: true,
  },
  {
    label: 'mcp-use 2.5.2, Node 24',
    target: 'mcp-use',
    request: 'modern',
    isPeer: true,
    isOnNode24: true,
  },
];

/** @type {readonly Scenario[]} */
export const scenarios = [
  {
    name: 'tools/call',
    tools: TOOL_COUNTS.call,
    bar: 4,
    rows: [
      { label: 'bare node:http JSON echo', target: 'bare', request: 'modern' },
      { label: 'catalog-mcp, JWT + audience + scope + audit', target: 'ours', request: 'modern' },
      { label: 'the same through its SDK path', target: 'ours-sdk-path', request: 'modern' },
      { label: 'SDK v2 on node:http', target: 'sdk-v2-node', request: 'modern' },
      { label: 'SDK v2 on express', target: 'sdk-v2-express', request: 'modern' },
      { label: 'SDK v1 stateless on express', target: 'sdk-v1-stateless', request: 'stateless' },
      { label: 'tmcp 1.20.0', target: 'tmcp', request: 'modern', isPeer: true },
      {
        label: 'fastmcp 4.20.16, stateless',
        target: 'fastmcp',
        request: 'stateless',
        isPeer: true,
      },
      ...ON_NODE_24,
    ],
  },
  {
    name: 'tools/call in a 2025 session',
    tools: TOOL_COUNTS.call,
    bar: 6,
    rows: [
      { label: 'bare node:http JSON echo', target: 'bare', request: 'modern' },
      {
        label: 'catalog-mcp, as above, session stored',
        target: 'ours',
        request: 'session',
      },
      { label: 'SDK v1 session on express', target: 'sdk-v1-session', request: 'session' },
    ],
  },
  {
    name: 'tools/list of 20 tools',
    tools: TOOL_COUNTS.list,
    bar: 4,
    rows: [
      { label: 'bare node:http, the same bytes', target: 'bare', request: 'modern' },
      { label: 'catalog-mcp, JWT + audience', target: 'ours', request: 'modern' },
      { label: 'SDK v2 on node:http', target: 'sdk-v2-node', request: 'modern' },
      { label: 'SDK v1 session on express', target: 'sdk-v1-session', request: 'session' },
      { label: 'tmcp 1.20.0', target: 'tmcp', request: 'modern', isPeer: true },
      {
        label: 'fastmcp 4.20.16, stateless',
        target: 'fastmcp',
        request: 'stateless',
        isPeer: true,
      },
      ...ON_NODE_24,
    ],
  },
];

/** The request of a row, ready to be sent again and again. Opens a session where it needs one. */
export async function prepare(row, scenario, { port, path, token }) {
  const isList = scenario.name.startsWith('tools/list');
  const method = isList ? 'tools/list' : 'tools/call';
  const params = isList ? {} : CALL;
  const send = senderTo({ port, path, token });
  if (row.request === 'modern') {
    return send(...modernMessage(1, method, params, isList ? {} : { 'mcp-name': CALL.name }));
  }
  if (row.request === 'stateless') {
    return send({ 'mcp-protocol-version': LEGACY }, { id: 1, method, params });
  }
  const headers = await openSession(port, row.label, send);
  return send(headers, { id: 1, method, params });
}

/** @returns {Promise<Record<string, string>>} the headers of the requests that belong to the new session */
export async function openSession(port, label, send) {
  const clientInfo = { name: 'bench', version: '1.0.0' };
  const opening = { protocolVersion: LEGACY, capabilities: {}, clientInfo };
  const { head } = await exchange(port, send({}, { id: 0, method: 'initialize', params: opening }));
  const session = /\r\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
  if (session === undefined) throw new Error(`${label} opened no session: ${head}`);
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': LEGACY };
  await exchange(port, send(headers, { method: 'notifications/initialized' }));
  return headers;
}

/** Formats requests of a caller. */
export function senderTo({ port, path, token }) {
  const credentials = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (headers, message) =>
    formatRequest(port, path, {
      headers: { ...BASE, ...credentials, ...headers },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
}

/** A request of the 2026 era, as headers and message. */
export function modernMessage(id, method, params, headers = {}) {
  const _meta = { [`${PREFIX}protocolVersion`]: MODERN, [`${PREFIX}clientCapabilities`]: {} };
  return [
    { 'mcp-protocol-version': MODERN, 'mcp-method': method, ...headers },
    { id, method, params: { ...params, _meta } },
  ];
}
