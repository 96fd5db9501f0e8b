import type { IncomingMessage, ServerResponse } from 'node:http';
import { nowSeconds } from '../../shared/clock.js';
import { sourceOf } from '../clients/request-source.js';
import type { Locations } from '../locations.js';
import type { ResolvedOptions } from '../options.js';
import { renderErrorPage } from '../pages/error-page.js';
import { chooseTexts } from '../pages/language.js';
import { PAGE_HEADERS } from '../pages/layout.js';
import { isPlausibleCode, rememberPrefill } from './device-feature.js';

/**
 * Codes that one source may send in ten minutes, right ones included: a sign-in takes two. Of 25 billion codes, with a
 * thousand alive, a source that does nothing else hits one in 16 years on average.
 */
const MAX_CODES = 30;
const WINDOW_SECONDS = 600;

type Work = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/**
 * The page for devices: who guesses codes is held up, and the code of a link is filled in, never sent by itself (the
 * engine would, with a script).
 */
export function deviceRoute(options: ResolvedOptions, locations: Locations, work: Work): Work {
  return async (request, response) => {
    if (request.method === 'POST') {
      const wait = await secondsToWait(request, options);
      if (wait > 0) {
        await refuse(request, response, 429, wait);
        return;
      }
      const { origin } = request.headers;
      if (origin !== undefined && origin !== locations.origin) {
        await refuse(request, response, 403, undefined);
        return;
      }
    } else {
      takePrefill(request, locations);
    }
    await work(request, response);
  };
}

function takePrefill(request: IncomingMessage, locations: Locations): void {
  const url = new URL(request.url ?? '/', locations.origin);
  const userCode = url.searchParams.get('user_code');
  if (userCode === null) return;
  url.searchParams.delete('user_code');
  request.url = `${url.pathname}${url.search}`;
  if (isPlausibleCode(userCode)) rememberPrefill(request, userCode);
}

/** Counted before the code is looked up, so that many at once cannot slip past the limit. */
async function secondsToWait(
  request: IncomingMessage,
  { stores, clock }: ResolvedOptions,
): Promise<number> {
  const now = nowSeconds(clock);
  const { count, resetsAt } = await stores.counters.increment(
    `device-code:${sourceOf(request)}`,
    WINDOW_SECONDS,
    now,
  );
  return count <= MAX_CODES ? 0 : Math.max(1, resetsAt - now);
}

async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  wait: number | undefined,
): Promise<void> {
  const texts = chooseTexts({ acceptLanguage: request.headers['accept-language'] });
  const page = await renderErrorPage(
    wait === undefined
      ? { error: 'access_denied', description: texts.t('error.form') }
      : {
          error: 'slow_down',
          description: texts.t('device.tooMany', { seconds: wait }),
        },
    texts,
  );
  const headers = {
    ...PAGE_HEADERS,
    ...(wait === undefined ? {} : { 'Retry-After': String(wait) }),
  };
  response.writeHead(status, headers).end(page);
}
