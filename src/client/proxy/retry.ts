import type { JsonObject } from '../../shared/json.js';
import { NetworkError } from '../../net/errors.js';
import { CallLostError, HttpStatusError } from './upstream.js';

/** Requests that only look. */
const READS = new Set([
  'ping',
  'server/discover',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
  'logging/setLevel',
  'tasks/get',
]);

const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 4_000;
/** About seven seconds: what a server needs to start again. */
const MAX_UNSENT_ATTEMPTS = 7;
const MAX_ATTEMPTS = 4;

/** Whether a request may reach the server twice. */
export function isRepeatable(
  method: string,
  params: JsonObject | undefined,
  isToolRepeatable: (name: string) => boolean,
): boolean {
  if (READS.has(method)) return true;
  const name = params?.['name'];
  return method === 'tools/call' && typeof name === 'string' && isToolRepeatable(name);
}

/**
 * How long to wait before a failed request is sent again.
 *
 * @param attempt - 0 for the first failure
 * @returns undefined when it must not, or need not, be sent again
 */
export function retryDelay(error: unknown, isSafe: boolean, attempt: number): number | undefined {
  const backoff = Math.min(FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS);
  if (!mayHaveRun(error)) return attempt < MAX_UNSENT_ATTEMPTS ? backoff : undefined;
  if (!isSafe || attempt >= MAX_ATTEMPTS) return undefined;
  if (error instanceof NetworkError || error instanceof CallLostError) return backoff;
  if (error instanceof HttpStatusError && [429, 502, 503, 504].includes(error.status)) {
    return error.retryAfterMs ?? backoff;
  }
  return undefined;
}

/** False only where it is certain that the server did nothing with the request. */
export function mayHaveRun(error: unknown): boolean {
  if (error instanceof NetworkError) return error.wasSent;
  return !(error instanceof CallLostError) || error.mayHaveRun;
}
