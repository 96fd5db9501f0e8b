/** Generates requests for the comparison of the two ways: right ones, and ones spoiled in every part. */
import * as fc from 'fast-check';
import { MODERN } from '../support/wire.js';
import { type RawRequest, oddRegistry } from './fast-path-support.js';

const PREFIX = 'io.modelcontextprotocol/';
const TOOL_NAMES = [...oddRegistry(() => undefined).tools.keys()];

/** A request that is right in all its parts, before anything is spoiled. */
interface Draft {
  body: Record<string, unknown>;
  params: Record<string, unknown>;
  meta: Record<string, unknown>;
  headers: Record<string, string | string[]>;
  /** Applied to the text of the body at the very end. */
  text: (json: string) => string;
}

type Spoil = (draft: Draft) => void;

const args = fc.oneof(
  { weight: 4, arbitrary: fc.record({ text: fc.string({ maxLength: 25 }) }) },
  { weight: 2, arbitrary: fc.constant({ region: 'eu' }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom(null, [], 'text', 7) },
  { weight: 2, arbitrary: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue()) },
);

const capabilities = fc.constantFrom<unknown>(
  {},
  {},
  { elicitation: {} },
  { elicitation: { form: {}, url: {} }, sampling: {} },
  { extensions: { 'com.example/x': { a: 1 } } },
  { roots: { listChanged: 'yes' } },
  'none',
  null,
);

const spoilers: readonly fc.Arbitrary<Spoil>[] = [
  fc.constantFrom<unknown>('a', '', 1.5, null, [], -0, 2 ** 53, undefined).map((id) => (draft) => {
    draft.body['id'] = id;
  }),
  fc.constantFrom<unknown>('1.0', 2, undefined).map((version) => (draft) => {
    draft.body['jsonrpc'] = version;
  }),
  fc
    .constantFrom('result', 'error', 'extra', '__proto__')
    .map((name) => (draft) => void Object.defineProperty(draft.body, name, own({ a: 1 }))),
  fc
    .constantFrom('task', 'cursor', 'inputResponses', 'requestState', 'extra', '__proto__')
    .chain((name) =>
      fc
        .constantFrom<unknown>('x', 5, {}, { name: { action: 'accept' } }, 'at:0', null)
        .map(
          (value) => (draft: Draft) => void Object.defineProperty(draft.params, name, own(value)),
        ),
    ),
  fc
    .constantFrom(
      'progressToken',
      `${PREFIX}logLevel`,
      `${PREFIX}related-task`,
      `${PREFIX}other`,
      'traceparent',
      'com.example/x',
      '__proto__',
    )
    .chain((name) =>
      fc
        .constantFrom<unknown>('info', 7, {}, { taskId: 't' }, null)
        .map((value) => (draft: Draft) => void Object.defineProperty(draft.meta, name, own(value))),
    ),
  capabilities.map((value) => (draft) => {
    draft.meta[`${PREFIX}clientCapabilities`] = value;
  }),
  fc
    .constantFrom<unknown>({ name: 'c', version: '1' }, { name: 'c' }, 'c', null)
    .map((value) => (draft) => {
      draft.meta[`${PREFIX}clientInfo`] = value;
    }),
  fc.constantFrom('2099-01-01', '2025-11-25', '', 7, undefined).map((version) => (draft) => {
    draft.meta[`${PREFIX}protocolVersion`] = version;
  }),
  fc
    .constantFrom('2099-01-01', '2025-11-25', ` ${MODERN} `, undefined)
    .map((version) => (draft) => {
      setHeader(draft, 'mcp-protocol-version', version);
    }),
  fc.constantFrom('2099-01-01', '2025-11-25').map((version) => (draft) => {
    draft.meta[`${PREFIX}protocolVersion`] = version;
    setHeader(draft, 'mcp-protocol-version', version);
  }),
  fc
    .constantFrom('tools/list', 'TOOLS/CALL', '\ttools/call ', undefined)
    .map((method) => (draft) => {
      setHeader(draft, 'mcp-method', method);
    }),
  fc
    .constantFrom('text', '=?base64?dGV4dA==?=', '=?base64?!?=', 'Größe', undefined)
    .map((name) => (draft) => {
      setHeader(draft, 'mcp-name', name);
    }),
  fc
    .constantFrom('mcp-name', 'mcp-method', 'mcp-protocol-version', 'authorization', 'content-type')
    .map((name) => (draft) => {
      const value = draft.headers[name];
      if (typeof value === 'string') draft.headers[name] = [value, value];
    }),
  fc
    .constantFrom('eu', 'us', '=?base64?ZXU=?=', '=?base64?!?=', 'Größe')
    .map((region) => (draft) => {
      setHeader(draft, 'mcp-param-region', region);
    }),
  fc
    .constantFrom(
      'application/json; charset=utf-8',
      'application/json;charset=latin1',
      'application/json;;x',
      'APPLICATION/JSON',
      'text/plain',
      undefined,
    )
    .map((type) => (draft) => setHeader(draft, 'content-type', type)),
  fc.constantFrom('application/json', 'text/html', undefined).map((accept) => (draft) => {
    setHeader(draft, 'accept', accept);
  }),
  fc
    .constantFrom('Bearer READER', 'Bearer nonsense', 'Bearer', 'Basic x', undefined)
    .map((value) => (draft) => setHeader(draft, 'authorization', value)),
  fc
    .constantFrom('http://localhost:1', 'https://evil.example', 'null')
    .map((origin) => (draft) => setHeader(draft, 'origin', origin)),
  fc.constantFrom('mcp-session-id', 'last-event-id').map((name) => (draft) => {
    setHeader(draft, name, 'x');
  }),
  fc
    .constantFrom<(json: string) => string>(
      (json) => json.slice(0, -1),
      (json) => `\uFEFF${json}`,
      (json) => `[${json}]`,
      (json) => `${json} {}`,
      (json) => ` \n${json}\n`,
      () => '',
      () => 'null',
      () => '"text"',
      (json) => json.replace('{', `{"deep":${'['.repeat(200)}${']'.repeat(200)},`),
      (json) => json + ' '.repeat(100_000),
      (json) => json.replace('"id"', '"id":9,"id"'),
    )
    .map((change) => (draft) => {
      draft.text = change;
    }),
  fc.constant((draft: Draft) => void delete draft.params['_meta']),
  fc.constantFrom<unknown>(undefined, null, [], 'x').map((value) => (draft) => {
    draft.body['params'] = value;
  }),
];

function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

function setHeader(draft: Draft, name: string, value: string | undefined): void {
  if (value === undefined) delete draft.headers[name];
  else draft.headers[name] = value;
}

const methods = fc.oneof(
  { weight: 12, arbitrary: fc.constant('tools/call') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
      'server/discover',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'prompts/get',
      'resources/read',
      'completion/complete',
      'ping',
      'initialize',
      'logging/setLevel',
      'nothing/at-all',
      'toString',
      'notifications/cancelled',
    ),
  },
);

const toolNames = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...TOOL_NAMES) },
  { weight: 1, arbitrary: fc.constantFrom('unknown', '__proto__', 'Text', '') },
);

/** Requests, about a third of them untouched, the others spoiled in one to three places. */
export const requests: fc.Arbitrary<RawRequest> = fc
  .record({
    method: methods,
    name: toolNames,
    args,
    id: fc.oneof(fc.integer(), fc.string({ maxLength: 8 })),
    spoils: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Spoil[]>([]) },
      { weight: 5, arbitrary: fc.array(fc.oneof(...spoilers), { minLength: 1, maxLength: 3 }) },
    ),
  })
  .map(({ method, name, args: given, id, spoils }) => {
    const meta = { [`${PREFIX}protocolVersion`]: MODERN, [`${PREFIX}clientCapabilities`]: {} };
    const target = targetOf(method, name);
    const params = {
      ...target,
      ...(method === 'tools/call' && given !== undefined && { arguments: given }),
      _meta: meta,
    };
    const draft: Draft = {
      meta,
      params,
      body: { jsonrpc: '2.0', id, method, params },
      headers: {
        host: 'localhost',
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': MODERN,
        'mcp-method': method,
        ...(target !== undefined && { 'mcp-name': Object.values(target)[0] ?? '' }),
        authorization: 'Bearer WRITER',
      },
      text: (json) => json,
    };
    for (const spoil of spoils) spoil(draft);
    return { headers: draft.headers, body: draft.text(JSON.stringify(draft.body)) };
  });

function targetOf(method: string, name: string): Record<string, string> | undefined {
  switch (method) {
    case 'tools/call':
      return { name };
    case 'prompts/get':
      return { name: 'summarise' };
    case 'resources/read':
      return { uri: 'notes://motd' };
    default:
      return undefined;
  }
}
