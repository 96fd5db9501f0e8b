import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, startTestServer } from '../server/support/test-server.js';
import { type Exchange, claimVersion, modern, spoilt } from './support/exchange.js';
import { createWorkshop } from './support/workshop.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ registry: createWorkshop().registry });
});
afterAll(() => server.close());

const encoded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

function expectMismatch({ status, answer }: Exchange): void {
  expect([status, answer.error?.code, answer.id]).toEqual([400, -32020, 'q']);
}

describe('Mcp-Method', () => {
  it.each(['tools/call', 'TOOLS/LIST', 'Tools/list', 'tools/list,tools/list', ''])(
    'that reads %j is refused beside a body that says tools/list [HDR-2]',
    async (value) => {
      expectMismatch(
        await spoilt(server, 'tools/list', {}, ({ headers }) => {
          headers['mcp-method'] = value;
        }),
      );
    },
  );

  it('may have its name in any case and blanks around its value [HDR-2]', async () => {
    const { status } = await spoilt(server, 'tools/list', {}, ({ headers }) => {
      delete headers['mcp-method'];
      headers['MCP-METHOD'] = ' \ttools/list ';
    });
    expect(status).toBe(200);
  });
});

const named = [
  ['tools/call', { name: 'echo', arguments: { text: 'x' } }],
  ['prompts/get', { name: 'letter', arguments: {} }],
  ['resources/read', { uri: 'memo://one' }],
] as const;

describe('Mcp-Name', () => {
  it.each(named)('is needed by %s [HDR-3]', async (method, params) => {
    expect((await modern(server, method, params)).status).toBe(200);
    expectMismatch(
      await spoilt(server, method, params, ({ headers }) => delete headers['mcp-name']),
    );
  });

  it.each(named)(
    'of %s has to be that of the body, to the letter [HDR-3]',
    async (method, params) => {
      const target = 'uri' in params ? params.uri : params.name;
      for (const value of ['other', target.toUpperCase(), `${target}x`, '', encoded('other')]) {
        expectMismatch(
          await spoilt(server, method, params, ({ headers }) => {
            headers['mcp-name'] = value;
          }),
        );
      }
    },
  );

  it.each(named)('of %s is compared after decoding [HDR-3]', async (method, params) => {
    const target = 'uri' in params ? params.uri : params.name;
    for (const value of [encoded(target), ` ${target} `]) {
      const { status } = await spoilt(server, method, params, ({ headers }) => {
        headers['mcp-name'] = value;
      });
      expect(status).toBe(200);
    }
  });

  it('names an unknown tool without being a mismatch [HDR-3]', async () => {
    const { answer } = await modern(server, 'tools/call', { name: 'nothing', arguments: {} });
    expect(answer.error?.code).toBe(-32602);
  });
});

describe('Mcp-Param-*', () => {
  const call = (args: object, headers: Readonly<Record<string, string>>) =>
    spoilt(server, 'tools/call', { name: 'region', arguments: args }, (parts) =>
      Object.assign(parts.headers, headers),
    );

  it.each([
    ['a text', { region: 'eu' }, { 'mcp-param-region': 'eu' }],
    ['a text, encoded', { region: 'Grüße' }, { 'mcp-param-region': encoded('Grüße') }],
    ['a name in another case', { region: 'eu' }, { 'MCP-PARAM-REGION': 'eu' }],
    ['an integer', { count: 42 }, { 'mcp-param-count': '42' }],
    ['a negative integer', { count: -1 }, { 'mcp-param-count': '-1' }],
    ['a boolean', { dry: true }, { 'mcp-param-dry': 'true' }],
    ['false', { dry: false }, { 'mcp-param-dry': 'false' }],
    ['a property of a property', { nested: { deep: 'x' } }, { 'mcp-param-deep': 'x' }],
    ['nothing, for nothing', {}, {}],
    ['nothing, for null', { region: null }, {}],
    ['several', { region: 'eu', count: 1 }, { 'mcp-param-region': 'eu', 'mcp-param-count': '1' }],
    ['one that no property asks for', {}, { 'mcp-param-other': 'x' }],
  ])('is right when it holds %s [HDR-4]', async (_name, args, headers) => {
    expect((await call(args, headers)).status).toBe(200);
  });

  it.each([
    ['is missing', { region: 'eu' }, {}],
    ['holds another text', { region: 'eu' }, { 'mcp-param-region': 'us' }],
    ['differs in case', { region: 'eu' }, { 'mcp-param-region': 'EU' }],
    ['holds another number', { count: 42 }, { 'mcp-param-count': '43' }],
    ['holds no number', { count: 42 }, { 'mcp-param-count': 'many' }],
    ['holds the other truth', { dry: true }, { 'mcp-param-dry': 'false' }],
    ['is missing for false', { dry: false }, {}],
    ['is missing for a property of a property', { nested: { deep: 'x' } }, {}],
    ['is one of two that are needed', { region: 'eu', count: 1 }, { 'mcp-param-region': 'eu' }],
    ['is not base64 though it says so', { region: 'eu' }, { 'mcp-param-region': '=?base64?%%?=' }],
    ['decodes to another text', { region: 'eu' }, { 'mcp-param-region': encoded('us') }],
  ])('is refused when it %s [HDR-4]', async (_name, args, headers) => {
    expectMismatch(await call(args, headers));
  });

  it('is compared as a number where the argument is one [HDR-5]', async () => {
    expect((await call({ count: 42 }, { 'mcp-param-count': '42.0' })).status).toBe(200);
  });
});

const unreadable = [
  ['has raw characters beyond ASCII', 'Größe'],
  ['has a raw C1 control', 'x\u0085'],
  ['is not base64 though it says so', '=?base64?%%?='],
  ['is base64 that was cut', '=?base64?ZXU?='],
  ['is base64 of something else than UTF-8', '=?base64?/w==?='],
] as const;

describe('a header value that nobody can read', () => {
  it.each(unreadable)(
    'is refused in Mcp-Param-* when it %s, whether or not there is an argument [HDR-7]',
    async (_name, value) => {
      for (const args of [{ region: value }, { region: null }, {}]) {
        const call = { name: 'region', arguments: args };
        expectMismatch(
          await spoilt(server, 'tools/call', call, ({ headers }) => {
            headers['Mcp-Param-REGION'] = value;
          }),
        );
      }
    },
  );

  it.each(unreadable)('is refused in Mcp-Name when it %s [HDR-7]', async (_name, value) => {
    for (const [method, params] of [...named, ['tools/list', {}]] as const) {
      expectMismatch(
        await spoilt(server, method, params, ({ headers }) => {
          headers['mcp-name'] = value;
        }),
      );
    }
    const unknown = { name: 'Größe', arguments: {} };
    const { status } = await spoilt(server, 'tools/call', unknown, ({ headers }) => {
      headers['mcp-name'] = encoded('Größe');
    });
    expect(status).toBe(200);
  });

  it.each(unreadable)(
    'does not matter in a header that no property asks for, when it %s [HDR-7]',
    async (_name, value) => {
      for (const [name, args] of [
        ['region', {}],
        ['echo', { text: 'x' }],
      ] as const) {
        const call = { name, arguments: args };
        const { status } = await spoilt(server, 'tools/call', call, ({ headers }) => {
          headers['mcp-param-other'] = value;
        });
        expect(status).toBe(200);
      }
    },
  );

  it('comes after the version [HDR-7]', async () => {
    const call = { name: 'echo', arguments: { text: 'x' } };
    const { answer } = await spoilt(server, 'tools/call', call, (parts) => {
      claimVersion(parts, '2099-01-01');
      parts.headers['mcp-name'] = 'Größe';
    });
    expect(answer.error?.code).toBe(-32022);
  });
});

describe('headers that belong to other revisions', () => {
  it('are ignored and never sent back [HDR-6]', async () => {
    for (const method of ['tools/list', 'server/discover']) {
      const { status, headers } = await spoilt(server, method, {}, (parts) => {
        parts.headers['mcp-session-id'] = 'some-session';
        parts.headers['last-event-id'] = '7';
      });
      expect(status).toBe(200);
      expect(headers.has('mcp-session-id')).toBe(false);
    }
  });
});
