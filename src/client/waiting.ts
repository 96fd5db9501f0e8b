export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

/** A promise that is settled from outside. */
export function defer<T>(): Deferred<T> {
  const box: { resolve?: (value: T) => void } = {};
  const promise = new Promise<T>((resolve) => {
    box.resolve = resolve;
  });
  return { promise, resolve: (value) => box.resolve?.(value) };
}

/** The promise's outcome, or the signal's reason when that comes first. The work behind the promise goes on. */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const aborted = defer<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const winner = await Promise.race([promise.then((value) => ({ value })), aborted.promise]);
    if (winner !== undefined) return winner.value;
    throw signal.reason;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
