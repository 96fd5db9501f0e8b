import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  AgentAuthenticationError,
  InsufficientScopeError,
  ToolSourceError,
  type ToolSource,
  ToolSourceUnreachableError,
} from '../../src/agent/index.js';
import type { Target } from '../../src/cli/catalog-agent/connection.js';
import { runCatalogAgent } from '../../src/cli/catalog-agent/main.js';
import type { JsonObject } from '../../src/shared/json.js';
import { type FakeToolSource, fakeCatalog } from '../agent/fakes.js';

const NURSE = 'I am a nurse and want to become a data analyst, 4 hours a week';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly targets: readonly Target[];
}

async function run(
  argv: readonly string[],
  options: {
    readonly env?: Record<string, string>;
    readonly source?: ToolSource;
    readonly openError?: Error;
    readonly answer?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Outcome> {
  const isTTY = options.answer !== undefined;
  const stream = (): PassThrough & { isTTY: boolean } =>
    Object.assign(new PassThrough(), { isTTY });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  const written = { stdout: '', stderr: '' };
  stdout.on('data', (chunk: Buffer) => (written.stdout += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (written.stderr += chunk.toString()));
  if (options.answer !== undefined) stdin.write(`${options.answer}\n`);
  const targets: Target[] = [];
  const code = await runCatalogAgent(
    argv,
    { env: options.env ?? {}, stdin, stdout, stderr },
    {
      openSource: (target) => {
        targets.push(target);
        return options.openError === undefined
          ? Promise.resolve(options.source ?? fakeCatalog())
          : Promise.reject(options.openError);
      },
      ...(options.signal !== undefined && { signal: options.signal }),
    },
  );
  return { code, ...written, targets };
}

const enrollments = (source: FakeToolSource): number =>
  source.calls.filter(({ name }) => name === 'enroll').length;

describe('catalog-agent', () => {
  it('prints the answer on stdout and its steps on stderr, and closes the source', async () => {
    const source = fakeCatalog();
    const { code, stdout, stderr } = await run([NURSE], { source });
    expect(code).toBe(0);
    expect(stdout).toContain('1. ');
    expect(stdout).toContain('(data-analyst-start)');
    expect(stdout).not.toContain('gather:');
    expect(stderr).toContain('gather: searching for "data analyst"');
    expect(source.isClosed).toBe(true);
  });

  it('prints one JSON document with --json', async () => {
    const { code, stdout } = await run([NURSE, '--json', '--max', '2']);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ planner: 'deterministic', enrollment: null });
    expect(document['recommendations']).toHaveLength(2);
    expect(document['recommendations']).toContainEqual({
      id: 'data-analyst-start',
      title: 'Data analysis for career changers',
      after: [],
      reasons: expect.arrayContaining([
        {
          course: 'data-analyst-start',
          field: 'durationMinutes',
          value: 720,
          text: 'takes 12 hours, 3 weeks at 4 hours a week',
        },
      ]) as unknown,
    });
  });

  it('takes a request of several unquoted words', async () => {
    const { stdout } = await run(['watercolor', 'painting']);
    expect(stdout).toContain('(watercolor)');
  });

  it('answers with exit code 0 that nothing fits', async () => {
    const { code, stdout } = await run(['I want to become a lighthouse keeper']);
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing in this catalog fits');
  });

  const defaultUrl: Target = { kind: 'url', url: 'http://localhost:3000/mcp', apiKey: undefined };
  const targets: readonly [string, string[], Record<string, string>, Target][] = [
    ['the server that npm start runs', [], {}, defaultUrl],
    [
      'CATALOG_URL',
      [],
      { CATALOG_URL: 'https://c.example/mcp' },
      { ...defaultUrl, url: 'https://c.example/mcp' },
    ],
    [
      '--server before CATALOG_URL',
      ['--server', 'https://s.example/mcp'],
      { CATALOG_URL: 'https://c.example/mcp' },
      { ...defaultUrl, url: 'https://s.example/mcp' },
    ],
    [
      '--server with a key',
      ['--server', 'https://s.example/mcp'],
      { CATALOG_API_KEY: 'k' },
      { kind: 'url', url: 'https://s.example/mcp', apiKey: 'k' },
    ],
    [
      '--data with a key',
      ['--data', '/srv/data'],
      { CATALOG_API_KEY: 'k' },
      { kind: 'data', folder: '/srv/data', apiKey: 'k' },
    ],
    [
      '--data with the alias of the key',
      ['--data', '/srv/data'],
      { 'X-API-KEY': 'k' },
      { kind: 'data', folder: '/srv/data', apiKey: 'k' },
    ],
  ];
  it.each(targets)('uses %s', async (_name, flags, env, target) => {
    expect((await run(['sql', ...flags], { env })).targets).toEqual([target]);
  });

  const usage: readonly [string, string[], Record<string, string>, string][] = [
    ['no request', [], {}, 'request'],
    ['an empty request', [''], {}, 'empty'],
    ['an unknown flag', ['sql', '--fast'], {}, '--fast'],
    ['--max 0', ['sql', '--max', '0'], {}, '--max "0"'],
    ['--max that is no number', ['sql', '--max', 'many'], {}, '--max "many"'],
    [
      'both --data and --server',
      ['sql', '--data', 'd', '--server', 'https://s.example/mcp'],
      { CATALOG_API_KEY: 'k' },
      '--server',
    ],
    ['a server that is no URL', ['sql', '--server', 'localhost'], {}, '"localhost"'],
    ['a plain http server off loopback', ['sql', '--server', 'http://s.example/mcp'], {}, 'https'],
    ['--enroll without a terminal and without --yes', ['sql', '--enroll'], {}, '--yes'],
    ['a model that is not provider:name', ['sql', '--model', 'gpt'], {}, 'provider:name'],
    [
      'a model whose package is missing',
      ['sql'],
      { CATALOG_MODEL: 'openai:gpt-4.1' },
      'npm install @langchain/openai@',
    ],
    ['an unknown provider', ['sql', '--model', 'acme:x'], {}, '"acme"'],
  ];
  it.each(usage)(
    'refuses %s with exit code 1 and says what is wrong',
    async (_name, argv, env, message) => {
      const { code, stdout, stderr, targets: opened } = await run(argv, { env });
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toContain(message);
      expect(opened).toEqual([]);
    },
  );

  it('asks for a key with exit code 4 when --data has none, and says how to make one', async () => {
    const { code, stderr } = await run(['sql', '--data', '/srv/data']);
    expect(code).toBe(4);
    expect(stderr).toContain('catalog-server api-keys create --data /srv/data');
  });

  it.each([
    [2, new ToolSourceError('the server answered nonsense')],
    [3, new ToolSourceUnreachableError('nothing listens there')],
    [4, new AgentAuthenticationError('run "catalog-client login https://s.example/mcp"')],
  ])(
    'ends with exit code %d when the tools cannot be used that way',
    async (expected, openError) => {
      const { code, stdout, stderr } = await run(['sql'], { openError });
      expect(code).toBe(expected);
      expect(stdout).toBe('');
      expect(stderr).toBe(`catalog-agent: ${openError.message}\n`);
    },
  );

  it('ends with exit code 130 when it is interrupted', async () => {
    const { code, stdout } = await run(['sql'], { signal: AbortSignal.abort() });
    expect(code).toBe(130);
    expect(stdout).toBe('');
  });

  it('enrolls with --enroll --yes', async () => {
    const source = fakeCatalog();
    const { code, stdout } = await run(['watercolor', '--enroll', '--yes'], { source });
    expect(code).toBe(0);
    expect(enrollments(source)).toBe(1);
    expect(stdout).toContain('Watercolor painting (watercolor): enrolled.');
  });

  const failures: readonly [string, JsonObject | string | Error, number, string][] = [
    ['blocks it', 'complete "x" first', 2, 'complete "x" first'],
    ['fails', new ToolSourceError('connection lost'), 2, 'connection lost'],
    ['wants a scope', new InsufficientScopeError('a scope is missing'), 4, 'a scope is missing'],
    ['had it before', { status: 'already_enrolled' }, 0, 'was enrolled before'],
  ];
  it.each(failures)(
    'prints the recommendations and what became of the enrollment when the server %s',
    async (_name, enroll, expected, message) => {
      const source = fakeCatalog({ answers: { enroll } });
      const { code, stdout } = await run(['watercolor', '--enroll', '--yes'], { source });
      expect(code).toBe(expected);
      expect(stdout).toContain('1. Watercolor painting');
      expect(stdout).toContain(message);
    },
  );

  it.each([
    ['y', 1],
    ['yes', 1],
    ['n', 0],
    ['', 0],
  ])('on a terminal takes the answer %j', async (answer, times) => {
    const source = fakeCatalog();
    const { stderr } = await run(['watercolor', '--enroll'], { source, answer });
    expect(stderr).toContain('Enroll you in "Watercolor painting" (watercolor)? [y/N]');
    expect(enrollments(source)).toBe(times);
  });

  it('does not enroll without a terminal because a sentence says so, and names the flag', async () => {
    const source = fakeCatalog();
    const { code, stdout, stderr } = await run(['enroll me in a course on watercolor painting'], {
      source,
    });
    expect(code).toBe(0);
    expect(enrollments(source)).toBe(0);
    expect(stdout).toContain('not enrolled');
    expect(stderr).toContain('--yes');
  });
});
