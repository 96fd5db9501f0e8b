import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReadyLine, browserCommand } from '../support/catalog-server.js';
import { ROOT, runNode, startServer, temporaryFolder } from '../support/processes.js';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

function blocks(language: string): string[] {
  const pattern = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g');
  return [...README.matchAll(pattern)].map((match) => match[1] ?? '');
}

const COMMANDS = blocks('sh').flatMap((block) => block.trim().split('\n'));
const DEVELOPMENT = ['npm test', 'npm run check', 'npm run test:ci'];

/** Runs a command line as a person would, in the project's folder. */
function shell(
  command: string,
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', command], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Starts `npm start` as it stands in the package, on a free port, and waits for its first line. */
async function npmStart(data: string): Promise<{ ready: ReadyLine; stop: () => Promise<void> }> {
  const args = ['start', '--silent', '--', '--port', '0', '--data', data, '--json'];
  const child = spawn('npm', args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const line = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout }).once('line', resolve),
  );
  return {
    ready: JSON.parse(line) as ReadyLine,
    async stop() {
      // npm passes signals on; the group makes sure that nothing stays.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      await ended;
    },
  };
}

describe('README.md', () => {
  it('has fewer than 300 lines and, like docs/settings.md, equals what the code says', async () => {
    expect(README.split('\n').length).toBeLessThan(300);
    expect(await runNode(['scripts/docs.mjs', '--check'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const command of DEVELOPMENT) {
      expect(COMMANDS.join('\n')).toContain(command);
      expect(scripts).toHaveProperty(command.replace(/^npm (run )?/, ''));
    }
  });

  describe('its commands', () => {
    let server: Awaited<ReturnType<typeof npmStart>>;
    let env: Record<string, string>;
    const data = temporaryFolder();

    beforeAll(async () => {
      server = await npmStart(data);
      env = {
        HOME: temporaryFolder(),
        CATALOG_URL: server.ready.mcp,
        BROWSER: browserCommand('Nora'),
      };
    });

    afterAll(() => server.stop());

    const interactive = COMMANDS.filter((command) => command.startsWith('npx catalog-'));
    const [login, ...rest] = interactive.filter((command) => !command.includes('catalog-server'));

    it.each([login, ...rest])('%s', async (command = '') => {
      const run = await shell(
        command.replaceAll('http://localhost:3000/mcp', server.ready.mcp),
        env,
      );
      expect(run).toMatchObject({ code: 0 });
      expect(run.output).not.toBe('');
    });

    it('CATALOG_API_KEY=… node server.js --transport=stdio', async () => {
      const command = COMMANDS.find((line) => line.includes('--transport=stdio')) ?? '';
      const filled = command.replace('cmcp_…', server.ready.apiKey);
      const run = await shell(`${filled} --data ${data} < /dev/null`, env);
      expect(run).toEqual({ code: 0, output: '' });
    });

    it('npx catalog-server import …, then npm start -- --data …', async () => {
      const folder = temporaryFolder();
      writeFileSync(
        join(folder, 'courses.csv'),
        'id,title,provider,subject,level,language,duration_min\n' +
          'tea,Tea tasting,Leaf School,food,beginner,en,90\n',
      );
      const command = COMMANDS.find((line) => line.includes('import')) ?? '';
      const filled = command
        .replace('courses.csv', join(folder, 'courses.csv'))
        .replace('./my-data', join(folder, 'my-data'));
      expect(await shell(filled, env)).toMatchObject({
        code: 0,
        output: expect.stringContaining('1 new'),
      });
      const own = await npmStart(join(folder, 'my-data'));
      const found = await shell(
        `npx catalog-client call ${own.ready.mcp} search_courses query=tea`,
        {
          ...env,
          CATALOG_API_KEY: own.ready.apiKey,
        },
      );
      expect(found.output).toContain('Tea tasting');
      await own.stop();
    });
  });

  it('has an embedding snippet that runs', async () => {
    const [snippet = ''] = blocks('ts');
    const folder = join(ROOT, 'test-artifacts');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'readme-snippet.ts');
    writeFileSync(
      file,
      snippet
        .replace("'greetings.sqlite'", JSON.stringify(join(temporaryFolder(), 'greetings.sqlite')))
        .replace('console.log(server.mcpUrl)', 'console.log(JSON.stringify(server.mcpUrl))')
        .replace('await serveHttp({', 'await serveHttp({ port: 0,'),
    );
    const server = await startServer<string>(['--import', 'tsx', file]);
    expect((await fetch(server.ready, { method: 'POST' })).status).toBe(401);
    await server.stop('SIGKILL');
  });
});
