import { z } from 'zod';
import {
  type Registry,
  type ToolContext,
  createRegistry,
  definePrompt,
  defineResource,
  defineResourceTemplate,
  defineTool,
  jsonSchema,
} from '../../../src/server/index.js';

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
const nameForm = z.object({ name: z.string() });

/** Lets the calls of `hold` end, and tells what became of them. */
interface Hold {
  readonly started: Promise<void>;
  readonly aborted: Promise<void>;
  release(): void;
}

interface Gate {
  hold: Hold;
  start(): void;
  abort(): void;
  released: Promise<void>;
}

function createGate(): Gate {
  let start = (): void => undefined;
  let abort = (): void => undefined;
  let release = (): void => undefined;
  const started = new Promise<void>((resolve) => (start = resolve));
  const aborted = new Promise<void>((resolve) => (abort = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  return { hold: { started, aborted, release: () => release() }, start, abort, released };
}

/** A domain that does something of everything, and what may be done to it from outside. */
export interface Workshop {
  readonly registry: Registry;
  /** To be called before each call of the tool `hold`. */
  nextHold(): Hold;
}

export function createWorkshop(): Workshop {
  let gate = createGate();
  const hold = async (context: ToolContext): Promise<void> => {
    const { start, abort, released } = gate;
    context.signal.addEventListener('abort', () => abort());
    await context.progress(1);
    start();
    await Promise.race([
      released,
      new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve())),
    ]);
  };
  const tools = [
    defineTool({
      name: 'echo',
      description: 'Says what it was told.',
      scopes: [],
      input: z.object({ text: z.string() }),
      handler: ({ text: value }) => text(value),
    }),
    defineTool({
      name: 'region',
      description: 'Has arguments that clients repeat in headers.',
      scopes: [],
      input: jsonSchema({
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          count: { type: 'integer', 'x-mcp-header': 'Count' },
          dry: { type: 'boolean', 'x-mcp-header': 'Dry' },
          nested: {
            type: 'object',
            properties: { deep: { type: 'string', 'x-mcp-header': 'Deep' } },
          },
        },
      }),
      handler: (args) => text(JSON.stringify(args)),
    }),
    defineTool({
      name: 'lie',
      description: 'Answers with something else than its output schema promises.',
      scopes: [],
      output: z.object({ count: z.number() }),
      handler: () => ({ structured: { count: 'many' } as never }),
    }),
    defineTool({
      name: 'count',
      description: 'Answers with something that is no object.',
      scopes: [],
      output: z.array(z.number()),
      handler: () => ({ structured: [1, 2] }),
    }),
    defineTool({
      name: 'fail',
      description: 'Says that something upstream went wrong.',
      scopes: [],
      handler: () => ({ ...text('the upstream is down'), isError: true }),
    }),
    defineTool({
      name: 'climb',
      description: 'Reports progress, also where it must not.',
      scopes: [],
      async handler(_args, { progress }) {
        for (const step of [1, 3, 2, 3, 4]) await progress(step, 4);
        setImmediate(() => void progress(5, 4).catch(() => undefined));
        return text('up');
      },
    }),
    defineTool({
      name: 'talk',
      description: 'Logs at three levels.',
      scopes: [],
      async handler(_args, { log }) {
        await log('debug', 'quiet');
        await log('info', 'plain');
        await log('error', 'loud');
        return text('said');
      },
    }),
    defineTool({
      name: 'hold',
      description: 'Goes on until it is released or cancelled.',
      scopes: [],
      async handler(_args, context) {
        await hold(context);
        return text('held');
      },
    }),
    defineTool({
      name: 'ask_two',
      description: 'Asks two things at once.',
      scopes: [],
      async handler(_args, { ask }) {
        const { one, two } = await ask({
          one: { kind: 'form', message: 'One?', schema: nameForm },
          two: { kind: 'form', message: 'Two?', schema: nameForm },
        });
        return text(JSON.stringify([one['content'], two['content']]));
      },
    }),
    ...(['url', 'sampling', 'roots'] as const).map((kind) =>
      defineTool({
        name: `ask_${kind}`,
        description: 'Asks in one way.',
        scopes: [],
        async handler(_args, { ask }) {
          const { it } = await ask({ it: question(kind) });
          return text(JSON.stringify(it));
        },
      }),
    ),
    defineTool({
      name: 'vault',
      description: 'Needs a scope that the tests do not give by default.',
      scopes: ['vault:open', 'vault:list'],
      handler: () => text('gold'),
    }),
  ];
  const registry = createRegistry({
    tools,
    resources: [
      defineResource({
        uri: 'memo://one',
        name: 'one',
        mimeType: 'text/plain',
        scopes: [],
        read: async () => [{ text: 'Grüße, 世界 🌍' }],
      }),
      defineResource({
        uri: 'memo://shared',
        name: 'shared',
        scopes: [],
        cache: { ttlMs: 1000, scope: 'public' },
        read: async () => [{ text: 'for all' }],
      }),
      defineResource({
        uri: 'memo://asks',
        name: 'asks',
        scopes: [],
        async read({ ask }) {
          const { who } = await ask({ who: { kind: 'form', message: 'Who?', schema: nameForm } });
          return [{ text: JSON.stringify(who['content']) }];
        },
      }),
    ],
    resourceTemplates: [
      defineResourceTemplate({
        uriTemplate: 'memo://{id}/body',
        name: 'body',
        scopes: ['memo:read'],
        read: async ({ id }) => (id === 'none' ? undefined : [{ text: `body ${id}` }]),
        complete: { id: (_value, { principal }) => [`of-${principal?.subject ?? 'nobody'}`] },
      }),
    ],
    prompts: [
      definePrompt({
        name: 'letter',
        scopes: [],
        arguments: [
          {
            name: 'to',
            complete: (value) =>
              Array.from({ length: 150 }, (_, at) => `${value}${String(at).padStart(3, '0')}`),
          },
        ],
        async render({ to = '' }, { ask }) {
          if (to !== 'ask') return letter(to);
          const { to: asked } = await ask({
            to: { kind: 'form', message: 'To?', schema: nameForm },
          });
          return letter(JSON.stringify(asked['content']));
        },
      }),
    ],
  });
  return {
    registry,
    nextHold() {
      gate = createGate();
      return gate.hold;
    },
  };
}

function letter(to: string) {
  return { messages: [{ role: 'user' as const, content: text(`Dear ${to}`).content[0]! }] };
}

function question(kind: 'url' | 'sampling' | 'roots') {
  switch (kind) {
    case 'url':
      return { kind, message: 'Sign in', url: 'https://example.com/sign-in' } as const;
    case 'sampling':
      return {
        kind,
        params: {
          messages: [{ role: 'user', content: { type: 'text', text: 'Hi' } }],
          maxTokens: 5,
        },
      } as const;
    case 'roots':
      return { kind } as const;
  }
}

/** Lists that do not fit on one page. */
export function createLongLists(length = 205): Registry {
  const numbers = Array.from({ length }, (_, at) => `n${at}`);
  return createRegistry({
    tools: numbers.map((name) =>
      defineTool({ name, description: 'One of many.', scopes: [], handler: () => text(name) }),
    ),
    prompts: numbers.map((name) =>
      definePrompt({ name, scopes: [], render: async () => letter(name) }),
    ),
    resources: numbers.map((name) =>
      defineResource({ uri: `many://${name}`, name, scopes: [], read: async () => [] }),
    ),
    resourceTemplates: numbers.map((name) =>
      defineResourceTemplate({
        uriTemplate: `many-${name}://{id}`,
        name,
        scopes: [],
        read: async () => [],
      }),
    ),
  });
}
