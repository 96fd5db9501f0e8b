import { inspect } from 'node:util';
import { modernRequest } from '../../server/support/wire.js';
import { type SessionClient, openSessionClient } from './session-client.js';

export interface MixedCallsOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly count: number;
  /** Clients that call at the same time, half of them of each era. */
  readonly clients: number;
  readonly seed: number;
  /** Told now and then how many are done. */
  readonly onProgress?: (done: number) => void;
  /** Ends early when it fires. */
  readonly until?: AbortSignal;
}

export interface MixedCallsReport {
  readonly done: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly sessionsOpened: number;
  /** What was no success, in words: nothing is repeated. */
  readonly errors: readonly string[];
  readonly seconds: number;
}

// A client of the 2025 era opens a new session after so many calls.
const CALLS_PER_SESSION = 50;
const SEARCHES = ['sql', 'data', 'statistics', 'python', 'nursing', 'writing'];

/** Mulberry32: a small generator of numbers from 0 to 1, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Operation {
  readonly method: string;
  readonly params: object;
}

function pick<Value>(random: () => number, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

function callOf(random: () => number): Operation {
  const query = pick(random, SEARCHES);
  const progress = random() < 0.2 ? { _meta: { progressToken: 'p' } } : {};
  return pick(random, [
    {
      method: 'tools/call',
      params: { name: 'search_courses', arguments: { query, limit: 3 }, ...progress },
    },
    {
      method: 'tools/call',
      params: { name: 'get_course', arguments: { id: 'sql-basics' }, ...progress },
    },
    { method: 'tools/call', params: { name: 'get_learner', arguments: {}, ...progress } },
    { method: 'tools/list', params: {} },
    { method: 'resources/read', params: { uri: 'course://sql-basics' } },
    { method: 'prompts/list', params: {} },
  ]);
}

function sessionCallOf(random: () => number): Operation {
  return random() < 0.75
    ? callOf(random)
    : pick(random, [
        { method: 'ping', params: {} },
        { method: 'logging/setLevel', params: { level: pick(random, ['debug', 'error']) } },
        { method: 'resources/subscribe', params: { uri: 'course://sql-basics' } },
        { method: 'resources/unsubscribe', params: { uri: 'course://sql-basics' } },
        { method: 'resources/templates/list', params: {} },
      ]);
}

/** Calls of both eras at random, several at a time. Every answer has to be a result. */
export async function runMixedCalls(options: MixedCallsOptions): Promise<MixedCallsReport> {
  const { url, apiKey, count, clients } = options;
  const byKind: Record<string, number> = {};
  const errors: string[] = [];
  const startedAt = performance.now();
  let begun = 0;
  let done = 0;
  let sessionsOpened = 0;

  const attempt = async (kind: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      const answer = (await work()) as { readonly result?: { readonly isError?: boolean } };
      if (answer.result === undefined || answer.result.isError === true) {
        errors.push(`${kind}: ${JSON.stringify(answer)}`);
      }
    } catch (error) {
      errors.push(`${kind}: ${inspect(error)}`);
    }
    byKind[kind] = (byKind[kind] ?? 0) + 1;
    done += 1;
    if (done % 1000 === 0) options.onProgress?.(done);
  };
  const next = (): boolean => {
    if (begun >= count || options.until?.aborted === true) return false;
    begun += 1;
    return true;
  };

  const modernClient = async (random: () => number): Promise<void> => {
    while (next()) {
      const { method, params } = callOf(random);
      await attempt(`2026 ${method}`, async () => {
        const { _meta: _token, ...plain } = params as { _meta?: object };
        const response = await fetch(
          url,
          modernRequest(method, plain, { headers: { 'x-api-key': apiKey } }),
        );
        const text = await response.text();
        if (!response.ok) throw new Error(`${response.status} ${text}`);
        return JSON.parse(text);
      });
    }
  };

  const sessionClient = async (random: () => number): Promise<void> => {
    let client: SessionClient | undefined;
    let calls = 0;
    while (next()) {
      const { method, params } = sessionCallOf(random);
      await attempt(`2025 ${method}`, async () => {
        if (client === undefined) {
          client = await openSessionClient(url, { apiKey });
          sessionsOpened += 1;
        }
        return client.post(method, params);
      });
      calls += 1;
      if (calls % CALLS_PER_SESSION !== 0) continue;
      const ended = client;
      client = undefined;
      await ended?.end().catch((error: unknown) => errors.push(`2025 DELETE: ${String(error)}`));
    }
    await client?.end().catch((error: unknown) => errors.push(`2025 DELETE: ${String(error)}`));
  };

  await Promise.all(
    Array.from({ length: clients }, (_, n) =>
      (n % 2 === 0 ? modernClient : sessionClient)(createRandom(options.seed + n)),
    ),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return { done, byKind, sessionsOpened, errors, seconds };
}
