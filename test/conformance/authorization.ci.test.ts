import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Fixture, registerClient, startFixture } from '../authorization/fixture.js';
import { freePort } from '../support/free-port.js';
import { ROOT, startNode, temporaryFolder } from '../support/processes.js';
import { signIn } from '../support/scripted-browser.js';

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

const CLI = [
  '--import',
  join(ROOT, 'test/conformance/node20-fs.mjs'),
  join(ROOT, 'node_modules/@modelcontextprotocol/conformance/dist/index.js'),
];

let fixture: Fixture | undefined;
afterEach(() => fixture?.close());

const legs = ['2025-11-25', '2026-07-28'].flatMap((revision) =>
  ['', '/auth'].map((path) => ({ revision, path })),
);

it.each(legs)(
  'passes the suite of authorization servers of $revision without a warning, issuer path "$path"',
  async ({ revision, path }) => {
    fixture = await startFixture({ path });
    const verdicts = await runSuite(fixture, revision);

    expect([...verdicts.keys()].toSorted()).toEqual([
      'authorization-code-grant',
      'authorization-server-metadata-endpoint',
    ]);
    for (const checks of verdicts.values()) {
      expect(checks.filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')).toEqual([]);
      expect(checks.some(({ status }) => status === 'SUCCESS')).toBe(true);
    }
  },
);

/** Runs both scenarios in one go; a person's browser takes over where the suite prints a URL. */
async function runSuite(at: Fixture, revision: string): Promise<Map<string, readonly Check[]>> {
  const port = await freePort();
  const out = temporaryFolder();
  const client = await registerClient(at, {
    redirect_uris: [`http://127.0.0.1:${port}/callback`],
  });
  const { child, promise } = startNode(
    [
      ...CLI,
      'authorization',
      '--url',
      at.issuer,
      '--client-id',
      client.clientId,
      '--resource',
      at.resource,
      '-p',
      String(port),
      '-o',
      out,
      '--spec-version',
      revision,
    ],
    { timeoutMs: 60_000 },
  );
  let seen = '';
  const visited = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text: string) => {
      const before = seen;
      seen += text;
      const found = /^(https?:\/\/\S+[?&]response_type=code\S*)$/m;
      const url = found.test(before) ? undefined : found.exec(seen)?.[1];
      if (url === undefined) return;
      visit(url).then(resolve, reject);
    });
  });
  const outcome = await Promise.race([promise, visited.then(() => promise)]);
  expect(outcome.code, outcome.stdout + outcome.stderr).toBe(0);
  return new Map(
    readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((name) => basename(name) === 'checks.json')
      .map((name) => [
        scenarioOf(basename(join(name, '..'))),
        JSON.parse(readFileSync(join(out, name), 'utf8')) as readonly Check[],
      ]),
  );
}

async function visit(url: string): Promise<void> {
  await fetch(await signIn(url, { person: 'ada' }));
}

function scenarioOf(folder: string): string {
  return folder.replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, '').replace(/^authorization-server-/, '');
}
