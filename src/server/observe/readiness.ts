import type { Logger } from '../../shared/logger.js';

/** Throws, or settles with false, when what it looks at is not fit for use. */
export type ReadinessCheck = () => Promise<boolean> | boolean;

export interface ReadinessReport {
  readonly isReady: boolean;
  readonly isDraining: boolean;
  readonly checks: Readonly<Record<string, 'ok' | 'failed'>>;
}

/** Whether a load balancer should send requests here. */
export interface Readiness {
  /** False from the first call to {@link startDraining} on. */
  readonly isDraining: boolean;
  /** The process is about to end: new requests should go elsewhere. There is no way back. */
  startDraining(): void;
  addCheck(name: string, check: ReadinessCheck): void;
  /** Asks every check anew, at once. Does not throw. */
  report(): Promise<ReadinessReport>;
}

export interface ReadinessOptions {
  readonly logger: Logger;
  /** For one check. Default 2000. */
  readonly timeoutMs?: number;
}

export function createReadiness(options: ReadinessOptions): Readiness {
  const { logger, timeoutMs = 2000 } = options;
  const checks = new Map<string, ReadinessCheck>();
  let isDraining = false;
  const passes = async (name: string, check: ReadinessCheck): Promise<boolean> => {
    try {
      if (await withinTime(check, timeoutMs)) return true;
      logger.warn('not ready', { check: name });
    } catch (error) {
      logger.warn('not ready', { check: name, error });
    }
    return false;
  };
  return {
    get isDraining() {
      return isDraining;
    },
    startDraining() {
      isDraining = true;
    },
    addCheck: (name, check) => void checks.set(name, check),
    async report() {
      const outcomes = await Promise.all(
        [...checks].map(async ([name, check]) => [name, await passes(name, check)] as const),
      );
      return {
        isReady: !isDraining && outcomes.every(([, isPassed]) => isPassed),
        isDraining,
        checks: Object.fromEntries(
          outcomes.map(([name, isPassed]) => [name, isPassed ? 'ok' : 'failed'] as const),
        ),
      };
    },
  };
}

async function withinTime(check: ReadinessCheck, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } finally {
    clearTimeout(timer);
  }
}
