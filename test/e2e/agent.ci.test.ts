import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, browserCommand, modernCall, startCatalog } from '../support/catalog-server.js';
import { ROOT, type RunOutcome, runNode, temporaryFolder } from '../support/processes.js';

const AGENT = join(ROOT, 'dist/bin/catalog-agent.js');
const NURSE = 'I am a nurse, I want to become a data analyst, 4 hours a week';
const NO_BROWSER = '/nonexistent/browser';

interface Document {
  readonly planner: string;
  readonly recommendations: readonly {
    readonly id: string;
    readonly title: string;
    readonly after: readonly string[];
    readonly reasons: readonly {
      readonly field: string;
      readonly value: unknown;
      readonly course: string;
      readonly text: string;
    }[];
  }[];
  readonly rejections: readonly { readonly id: string; readonly rule: string }[];
  readonly enrollment: { readonly courseId: string; readonly status: string } | null;
  readonly text: string;
}

describe('catalog-agent with real processes', () => {
  let server: Awaited<ReturnType<typeof startCatalog>>;
  const home = temporaryFolder();
  const agent = (args: readonly string[], env: Record<string, string> = {}): Promise<RunOutcome> =>
    runNode([AGENT, ...args], {
      env: { CATALOG_CLIENT_HOME: home, BROWSER: NO_BROWSER, ...env },
    });
  const recommend = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Document> => {
    const run = await agent([...args, '--json'], env);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    return JSON.parse(run.stdout) as Document;
  };
  const callTool = async (
    name: string,
    args: Record<string, unknown>,
  ): Promise<Record<string, unknown>> => {
    const response = await modernCall(
      server.ready.mcp,
      'tools/call',
      { name, arguments: args },
      { 'x-api-key': server.ready.apiKey },
    );
    const { result } = (await response.json()) as {
      result: { structuredContent: Record<string, unknown>; isError?: boolean };
    };
    expect(result.isError ?? false).toBe(false);
    return result.structuredContent;
  };
  let overStdio: Document;

  beforeAll(async () => {
    server = await startCatalog();
  });
  afterAll(() => server.stop());

  it('recommends over stdio, with a data folder and an API key', async () => {
    overStdio = await recommend([NURSE, '--data', server.data], {
      CATALOG_API_KEY: server.ready.apiKey,
    });
    expect(overStdio.planner).toBe('deterministic');
    expect(overStdio.text).toContain('deterministic planner');
    expect(overStdio.recommendations.length).toBeGreaterThanOrEqual(3);
  });

  it('recommends only courses that exist, with reasons that the catalog bears out', async () => {
    for (const { id, title, reasons } of overStdio.recommendations) {
      const answer = await callTool('get_course', { id });
      const course = (answer['course'] ?? answer) as Record<string, unknown>;
      expect(course).toMatchObject({ id, title });
      expect(reasons.length).toBeGreaterThan(0);
      for (const { field, value, course: about } of reasons) {
        const isCatalogField = about === id && field in course;
        if (!isCatalogField) continue;
        const actual = course[field];
        expect(actual === value || JSON.stringify(actual).includes(JSON.stringify(value))).toBe(
          true,
        );
      }
    }
  });

  it('keeps to four hours a week and to the order of prerequisites', async () => {
    const ids = overStdio.recommendations.map(({ id }) => id);
    for (const { id, after } of overStdio.recommendations) {
      const answer = await callTool('get_course', { id });
      const course = (answer['course'] ?? answer) as { weekly_hours?: number };
      expect(course.weekly_hours ?? 0).toBeLessThanOrEqual(4);
      for (const first of after) {
        expect(ids.indexOf(first)).toBeGreaterThanOrEqual(0);
        expect(ids.indexOf(first)).toBeLessThan(ids.indexOf(id));
      }
    }
  });

  it('says with exit code 4 how to sign in before anybody has', async () => {
    const run = await agent([NURSE, '--server', server.ready.mcp]);
    expect(run.code).toBe(4);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain(`catalog-client login ${server.ready.mcp}`);
  });

  it('recommends the same over HTTP after a login', async () => {
    const login = await runNode([CLIENT, 'login', server.ready.mcp], {
      env: { CATALOG_CLIENT_HOME: home, BROWSER: browserCommand('Nora') },
    });
    expect(login, login.stderr).toMatchObject({ code: 0 });
    const document = await recommend([NURSE, '--server', server.ready.mcp]);
    expect(document.recommendations).toEqual(overStdio.recommendations);
  });

  it('recommends the same over HTTP with an API key and the URL in CATALOG_URL', async () => {
    const document = await recommend([NURSE], {
      CATALOG_URL: server.ready.mcp,
      CATALOG_API_KEY: server.ready.apiKey,
      CATALOG_CLIENT_HOME: temporaryFolder(),
    });
    expect(document.recommendations).toEqual(overStdio.recommendations);
  });

  it('says plainly that nothing fits', async () => {
    const document = await recommend([
      'I want to become a lighthouse keeper',
      '--server',
      server.ready.mcp,
    ]);
    expect(document.recommendations).toEqual([]);
    expect(document.text).toMatch(/^Nothing in this catalog fits/);
  });

  it('streams its steps to stderr while stdout holds the answer alone', async () => {
    const run = await agent(['learn sql', '--server', server.ready.mcp]);
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(/^understand: /m);
    expect(run.stderr).toMatch(/^verify: /m);
    expect(run.stdout).not.toMatch(/^verify: /m);
  });

  const ENROLL_ME = 'enroll me in a course on project management, for free, I am a beginner';

  it('recommends and says with exit code 4 how to sign in for more when the login lacks a scope', async () => {
    const run = await agent([ENROLL_ME, '--yes', '--json', '--server', server.ready.mcp]);
    expect(run.code).toBe(4);
    const document = JSON.parse(run.stdout) as Document;
    expect(document.recommendations.map(({ id }) => id)).toContain('project-management-basics');
    expect(document.enrollment).toMatchObject({ status: 'forbidden' });
    expect(run.stderr).toContain(`catalog-client login ${server.ready.mcp} --force --scope`);
    expect(JSON.stringify(await callTool('get_learner', {}))).not.toContain(
      'project-management-basics',
    );
  });

  it('enrolls when asked to and confirmed, and the server knows', async () => {
    const login = await runNode(
      [
        CLIENT,
        'login',
        server.ready.mcp,
        '--force',
        '--scope',
        'catalog:read learner:read enrollment:write',
      ],
      { env: { CATALOG_CLIENT_HOME: home, BROWSER: browserCommand('Nora') } },
    );
    expect(login, login.stderr).toMatchObject({ code: 0 });
    const document = await recommend([ENROLL_ME, '--yes', '--server', server.ready.mcp]);
    expect(document.enrollment).toMatchObject({
      courseId: 'project-management-basics',
      status: 'enrolled',
    });
    expect(JSON.stringify(await callTool('get_learner', {}))).toContain(
      'project-management-basics',
    );
  });

  it('ends with exit code 3 when nothing answers at the URL', async () => {
    const run = await agent(['sql', '--server', 'http://127.0.0.1:9/mcp'], {
      CATALOG_API_KEY: 'cmcp_none',
    });
    expect(run.code).toBe(3);
    expect(run.stdout).toBe('');
  });

  it.each(['--server', '--data'])(
    'ends with exit code 4 when the key is not valid (%s)',
    async (flag) => {
      const where = flag === '--server' ? server.ready.mcp : server.data;
      const run = await agent(['sql', flag, where], { CATALOG_API_KEY: 'cmcp_not-a-key' });
      expect(run.code).toBe(4);
      expect(run.stdout).toBe('');
      expect(run.stderr).not.toContain('cmcp_not-a-key');
    },
  );

  it('runs examples/langgraph-multiserver.ts over stdio, HTTP with OAuth and mcp-remote', async () => {
    const run = await runNode(
      [
        '--import',
        join(ROOT, 'node_modules/tsx/dist/loader.mjs'),
        join(ROOT, 'examples/langgraph-multiserver.ts'),
        server.ready.mcp,
        server.data,
      ],
      {
        env: {
          CATALOG_CLIENT_HOME: home,
          BROWSER: NO_BROWSER,
          CATALOG_API_KEY: server.ready.apiKey,
          MCP_REMOTE_CONFIG_DIR: temporaryFolder(),
        },
      },
    );
    expect(run, run.stderr).toMatchObject({ code: 0 });
    for (const way of ['stdio', 'http', 'bridge']) {
      expect(run.stdout).toMatch(new RegExp(`^${way}: \\d+ tools; .*sql-basics`, 'm'));
    }
  });
});
