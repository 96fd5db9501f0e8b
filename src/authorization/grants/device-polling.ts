import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Clock, nowSeconds } from '../../shared/clock.js';
import { hashId } from '../../shared/ids.js';
import { ROUTES } from '../locations.js';
import { LIFETIMES } from '../options.js';
import type { CounterStore } from '../ports.js';

/** A device waits so long between two polls, and so much longer after each time it did not (RFC 8628 §3.5). */
const INTERVAL_SECONDS = 5;

type Middleware = (ctx: KoaContextWithOIDC, next: () => Promise<unknown>) => Promise<void>;

/**
 * What the engine leaves out of RFC 8628: it says how often to poll, and tells a device that polls more often to slow
 * down. Who has been allowed meanwhile gets the tokens all the same.
 */
export function devicePolling(options: {
  readonly counters: CounterStore;
  readonly clock: Clock;
}): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.method !== 'POST') return;
    if (ctx.path === ROUTES.deviceAuthorization && ctx.status === 200) {
      Object.assign(ctx.body as object, { interval: INTERVAL_SECONDS });
      return;
    }
    const { error } = (ctx.body ?? {}) as { error?: unknown };
    if (ctx.path !== ROUTES.token || error !== 'authorization_pending') return;
    const deviceCode = ctx.oidc.params?.['device_code'];
    if (typeof deviceCode !== 'string' || !(await isTooFast(deviceCode, options))) return;
    ctx.body = {
      error: 'slow_down',
      error_description: `poll ${INTERVAL_SECONDS} seconds less often than before`,
    };
  };
}

/** Counted in the store: the next poll may reach another process. */
async function isTooFast(
  deviceCode: string,
  { counters, clock }: { readonly counters: CounterStore; readonly clock: Clock },
): Promise<boolean> {
  const now = nowSeconds(clock);
  const id = hashId(deviceCode);
  const slowedDown = await counters.read(`device-slow:${id}`, now);
  const interval = INTERVAL_SECONDS * (1 + slowedDown);
  // A window that is one second short: devices whose timer is a little early are not meant.
  const { count } = await counters.increment(`device-poll:${id}`, interval - 1, now);
  if (count === 1) return false;
  await counters.increment(`device-slow:${id}`, LIFETIMES.deviceCode, now);
  return true;
}
