import type { HttpLimits } from '../../server/http/http-server.js';
import { DEFAULT_CALL_LIMITS } from '../../server/core/limits.js';

const { calls, completions, concurrency, maxRunning, timeoutMs, maxResultBytes } =
  DEFAULT_CALL_LIMITS;

type LimitName =
  | 'rateLimit'
  | 'rateBurst'
  | 'completionRateLimit'
  | 'callConcurrency'
  | 'maxRunningCalls'
  | 'callTimeout'
  | 'maxResultBytes'
  | 'failureLimit'
  | 'maxBodyBytes'
  | 'maxJsonDepth'
  | 'maxBatchMessages';

interface LimitSetting {
  readonly flags: string;
  readonly env: string;
  readonly description: string;
  readonly default?: string;
  readonly defaultText?: string;
}

/** The rows of `SETTINGS` that this file reads. 0 takes a limit away, where there can be none. */
export const LIMIT_SETTINGS: Readonly<Record<LimitName, LimitSetting>> = {
  rateLimit: {
    flags: '--rate-limit <calls>',
    env: 'CATALOG_RATE_LIMIT',
    description:
      'calls of tools, prompts and resources a minute by one person or machine, all processes together; 0: no limit',
    default: String(calls?.perMinute),
  },
  rateBurst: {
    flags: '--rate-burst <calls>',
    env: 'CATALOG_RATE_BURST',
    description: 'how many of them may come at once after a pause',
    defaultText: 'a sixth of --rate-limit',
  },
  completionRateLimit: {
    flags: '--completion-rate-limit <requests>',
    env: 'CATALOG_COMPLETION_RATE_LIMIT',
    description: 'completion requests a minute by one person or machine; 0: no limit',
    default: String(completions?.perMinute),
  },
  callConcurrency: {
    flags: '--call-concurrency <calls>',
    env: 'CATALOG_CALL_CONCURRENCY',
    description: 'calls of one person or machine that run at once in one process; 0: no limit',
    default: String(concurrency),
  },
  maxRunningCalls: {
    flags: '--max-running-calls <calls>',
    env: 'CATALOG_MAX_RUNNING_CALLS',
    description: 'calls that run at once in one process; 0: no limit',
    default: String(maxRunning),
  },
  callTimeout: {
    flags: '--call-timeout <seconds>',
    env: 'CATALOG_CALL_TIMEOUT',
    description: 'how long a call may take; 0: no limit',
    default: String((timeoutMs ?? 0) / 1000),
  },
  maxResultBytes: {
    flags: '--max-result-bytes <bytes>',
    env: 'CATALOG_MAX_RESULT_BYTES',
    description: 'a larger tool result becomes a page or a link; 0: no limit',
    default: String(maxResultBytes),
  },
  failureLimit: {
    flags: '--failure-limit <attempts>',
    env: 'CATALOG_FAILURE_LIMIT',
    description:
      'invalid credentials a minute from one address, loopback excepted; behind proxies only with --trusted-proxies; 0: no limit',
    default: '0',
  },
  maxBodyBytes: {
    flags: '--max-body-bytes <bytes>',
    env: 'CATALOG_MAX_BODY_BYTES',
    description: 'largest body of a request to /mcp',
    default: String(4 * 1024 * 1024),
  },
  maxJsonDepth: {
    flags: '--max-json-depth <levels>',
    env: 'CATALOG_MAX_JSON_DEPTH',
    description: 'how deep the JSON of a request may be nested',
    default: '128',
  },
  maxBatchMessages: {
    flags: '--max-batch <messages>',
    env: 'CATALOG_MAX_BATCH',
    description: 'messages in one body of a 2025-era client',
    default: '50',
  },
};

type RawLimits = { readonly [Name in LimitName]?: string };

/** @param parseWhole - checks a whole number, and throws an error that names the flag */
export function resolveLimits(
  raw: RawLimits,
  parseWhole: (flag: string, value: string, minimum: number, maximum: number) => number,
): HttpLimits {
  const whole = (name: keyof RawLimits, minimum: number, maximum: number): number => {
    const { flags, default: standard = '' } = LIMIT_SETTINGS[name];
    const [flag = ''] = flags.split(' ');
    return parseWhole(flag, raw[name] ?? standard, minimum, maximum);
  };
  const unlessZero = (value: number): number | undefined => (value === 0 ? undefined : value);
  const rateLimit = whole('rateLimit', 0, 6_000_000);
  const completionRate = whole('completionRateLimit', 0, 6_000_000);
  const failureLimit = whole('failureLimit', 0, 1_000_000);
  const burst = raw.rateBurst === undefined ? undefined : whole('rateBurst', 1, 1_000_000);
  return {
    calls:
      rateLimit === 0 ? undefined : { perMinute: rateLimit, ...(burst !== undefined && { burst }) },
    completions: completionRate === 0 ? undefined : { perMinute: completionRate },
    concurrency: unlessZero(whole('callConcurrency', 0, 1_000_000)),
    maxRunning: unlessZero(whole('maxRunningCalls', 0, 1_000_000)),
    timeoutMs: unlessZero(whole('callTimeout', 0, 86_400) * 1000),
    maxResultBytes: resultBytes(whole('maxResultBytes', 0, 100_000_000), parseWhole),
    failures: failureLimit === 0 ? undefined : { perMinute: failureLimit, burst: failureLimit },
    maxBodyBytes: whole('maxBodyBytes', 1024, 100_000_000),
    maxJsonDepth: whole('maxJsonDepth', 8, 1000),
    maxBatchMessages: whole('maxBatchMessages', 1, 10_000),
  };
}

function resultBytes(
  value: number,
  parseWhole: (flag: string, value: string, minimum: number, maximum: number) => number,
): number {
  return value === 0 ? 0 : parseWhole('--max-result-bytes', String(value), 1024, 100_000_000);
}
