import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { type Fixture, type Tokens, logIn } from '../authorization/fixture.js';
import { freePort } from '../support/free-port.js';
import { ROOT, startNode } from '../support/processes.js';

/** Where the server dies. `timing`: killed from outside, so many milliseconds after the request was sent. */
export type KillPoint =
  | { readonly kind: 'none' | 'committed' | 'answer' | 'half' | 'sent' }
  | { readonly kind: 'statement'; readonly at: number }
  | { readonly kind: 'timing'; readonly afterMs: number };

export type Ready = { readonly isLoaded: true } | { readonly isReady: true };

/** What the database says of the one login. */
export interface Family {
  readonly grants: number;
  /** Refresh tokens that are not spent. */
  readonly live: number;
  readonly spent: number;
}

export interface ChaosOptions {
  readonly points: number;
  readonly seed: number;
  /** SQLite file or URL. */
  readonly database: string;
  readonly look: () => Promise<Family>;
}

export interface ChaosOutcome {
  readonly point: KillPoint;
  /** Whether the server died of it. */
  readonly isKilled: boolean;
  /** Whether the refresh was in the database when it died. */
  readonly isCommitted: boolean;
  /** Requests until an answer was there. */
  readonly tries: number;
  readonly status: number;
  readonly family: Family;
}

interface Server {
  readonly child: ChildProcess;
  /** Next line of its output. */
  line(): Promise<Record<string, unknown>>;
  readonly ended: Promise<unknown>;
}

/**
 * One login, then refresh after refresh, each with a server that dies somewhere in it. The client knows nothing but to
 * send the same request again until it is answered; a supervisor starts the next server.
 */
export async function runChaos(options: ChaosOptions): Promise<readonly ChaosOutcome[]> {
  const { points, seed, database, look } = options;
  const script = await bundleServer();
  const port = await freePort();
  const secret = randomBytes(24).toString('hex');
  const random = mulberry32(seed);
  const load = (): Server => startServer(script, [database, String(port), secret]);
  const spares = [load()];
  const start = async (point: KillPoint): Promise<Server> => {
    const server = spares.shift() ?? load();
    spares.push(load());
    await server.line();
    server.child.stdin?.write(`${JSON.stringify(point)}\n`);
    await server.line();
    return server;
  };
  let server = await start({ kind: 'none' });
  try {
    const origin = `http://localhost:${port}`;
    const fixture = { issuer: origin, resource: `${origin}/mcp` } as Fixture;
    const tokens = await logIn(fixture, { changes: { scope: 'catalog:read' } });
    const { next, statements, tookMs } = await calibrate(port, tokens, fixture, server);
    let refreshToken = next;
    const outcomes: ChaosOutcome[] = [];
    for (let index = 0; index < points; index++) {
      await kill(server);
      const point = choosePoint(random, statements, tookMs);
      server = await start(point);
      const before = await look();
      const form = formOf(fixture, tokens, refreshToken);
      const dying = { server };
      let isOver = false;
      const supervise = dying.server.ended.then(async () => {
        if (isOver) return false;
        const { spent } = await look();
        server = await start({ kind: 'none' });
        return spent > before.spent;
      });
      const { tries, status, json } = await sendUntilAnswered(
        port,
        form,
        point,
        dying.server.child,
      );
      // The supervisor has the last word on a server that dies right after its answer.
      const isKilled = await endsSoon(dying.server, point);
      const isCommitted = isKilled ? await supervise : true;
      isOver = true;
      refreshToken = String(json['refresh_token']);
      outcomes.push({ point, isKilled, isCommitted, tries, status, family: await look() });
    }
    const last = await post(port, formOf(fixture, tokens, refreshToken));
    if (last.status !== 200) throw new Error(`the last refresh token is dead: ${last.text}`);
    return outcomes;
  } finally {
    for (const { child } of [server, ...spares]) child.kill('SIGKILL');
    rmSync(script, { force: true });
  }
}

/** Counts the statements of a refresh, and how long it takes. */
async function calibrate(port: number, tokens: Tokens, fixture: Fixture, server: Server) {
  const warm = await post(port, formOf(fixture, tokens, tokens.refreshToken));
  await server.line();
  const startedAt = performance.now();
  const again = await post(port, formOf(fixture, tokens, String(warm.json['refresh_token'])));
  const tookMs = performance.now() - startedAt;
  const { statements } = await server.line();
  return { next: String(again.json['refresh_token']), statements: Number(statements), tookMs };
}

function choosePoint(random: () => number, statements: number, tookMs: number): KillPoint {
  const dice = random();
  if (dice < 0.45) return { kind: 'statement', at: 1 + Math.floor(random() * statements) };
  if (dice < 0.55) return { kind: 'committed' };
  if (dice < 0.65) return { kind: 'answer' };
  if (dice < 0.72) return { kind: 'half' };
  if (dice < 0.78) return { kind: 'sent' };
  // A server that has just started is slower than the one that was measured.
  return { kind: 'timing', afterMs: random() * tookMs * 12 };
}

async function sendUntilAnswered(
  port: number,
  form: string,
  point: KillPoint,
  child: ChildProcess,
) {
  for (let tries = 1; tries <= 2000; tries++) {
    const answer = post(port, form);
    if (tries === 1 && point.kind === 'timing')
      setTimeout(() => child.kill('SIGKILL'), point.afterMs);
    try {
      return { tries, ...(await answer) };
    } catch {
      // Down, or the answer was cut off: the same again.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  throw new Error('no answer in 2000 tries');
}

/** Whether this point ends the server, and if so once it has. */
async function endsSoon(server: Server, point: KillPoint): Promise<boolean> {
  if (server.child.exitCode === null && server.child.signalCode === null) {
    const mayMiss = point.kind === 'statement' || point.kind === 'none';
    if (mayMiss) return false;
  }
  await server.ended;
  return server.child.signalCode === 'SIGKILL';
}

async function kill({ child, ended }: Server): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

function formOf({ resource }: Fixture, { client }: Tokens, refreshToken: string): string {
  return new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: client.clientId,
    refresh_token: refreshToken,
    resource,
  }).toString();
}

/** One request on a connection of its own. Rejects unless the whole answer came. */
function post(
  port: number,
  form: string,
): Promise<{ status: number; text: string; json: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    const sent = httpRequest(
      `http://127.0.0.1:${port}/token`,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          host: `localhost:${port}`,
          'x-refresh': '1',
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (!response.complete) return reject(new Error('cut off'));
          return resolve({
            status: response.statusCode ?? 0,
            text,
            json: JSON.parse(text) as Record<string, unknown>,
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(form);
  });
}

function startServer(script: string, args: readonly string[]): Server {
  const { child, promise } = startNode([script, ...args], { timeoutMs: 3_600_000 });
  const lines: Record<string, unknown>[] = [];
  const waiting: ((line: Record<string, unknown>) => void)[] = [];
  if (child.stdout === null) throw new Error('no output');
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>;
    const next = waiting.shift();
    if (next === undefined) lines.push(line);
    else next(line);
  });
  const ended = promise.then((outcome) => {
    if (outcome.code !== null && outcome.code !== 0) throw new Error(outcome.stderr);
    return outcome;
  });
  return {
    child,
    ended,
    line() {
      const line = lines.shift();
      const next = new Promise<Record<string, unknown>>((resolve) => waiting.push(resolve));
      if (line === undefined) {
        return Promise.race([
          next,
          ended.then(() => Promise.reject(new Error('the server ended before it was ready'))),
        ]);
      }
      waiting.pop();
      return Promise.resolve(line);
    },
  };
}

/** One file: it starts in a fraction of the time. */
async function bundleServer(): Promise<string> {
  const outfile = join(ROOT, 'test-artifacts', `refresh-server.${process.pid}.mjs`);
  await build({
    entryPoints: [join(ROOT, 'test/chaos/refresh-server.child.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'error',
  });
  return outfile;
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
