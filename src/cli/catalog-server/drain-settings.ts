/** The rows of `SETTINGS` that this file reads. */
export const DRAIN_SETTINGS: Readonly<
  Record<
    'drainSeconds' | 'drainDelay',
    {
      readonly flags: string;
      readonly env: string;
      readonly description: string;
      readonly default: string;
    }
  >
> = {
  drainSeconds: {
    flags: '--drain-seconds <seconds>',
    env: 'CATALOG_DRAIN_SECONDS',
    description: 'how long running calls may go on after SIGTERM; a second signal ends at once',
    default: '10',
  },
  drainDelay: {
    flags: '--drain-delay <seconds>',
    env: 'CATALOG_DRAIN_DELAY',
    description:
      'how long new connections are still taken after SIGTERM, while /readyz says no: what a load balancer needs to notice',
    default: '0',
  },
};

export interface DrainConfig {
  readonly limitMs: number;
  readonly delayMs: number;
}

/** @param parseWhole - checks a whole number, and throws an error that names the flag */
export function resolveDrain(
  raw: { readonly drainSeconds?: string; readonly drainDelay?: string },
  parseWhole: (flag: string, value: string, minimum: number, maximum: number) => number,
): DrainConfig {
  const { drainSeconds, drainDelay } = DRAIN_SETTINGS;
  const limit = raw.drainSeconds ?? drainSeconds.default;
  const delay = raw.drainDelay ?? drainDelay.default;
  return {
    limitMs: parseWhole('--drain-seconds', limit, 0, 3600) * 1000,
    delayMs: parseWhole('--drain-delay', delay, 0, 3600) * 1000,
  };
}
