import type { IncomingMessage, ServerResponse } from 'node:http';
import { readForm } from '../form-request.js';
import type { Locations } from '../locations.js';
import { chooseTexts } from '../pages/language.js';
import { redirect, sendErrorPage } from '../people/page-response.js';
import { answerJson } from '../request-guard.js';
import type { BackchannelLogout } from './backchannel-logout.js';
import type { Federation } from './federation.js';

/**
 * Takes what identity providers send browsers back with. Cookies of a sign-in are not sent here, so the browser goes on
 * to where they are: there it is found out whether it is the one that began.
 */
export function createCallbackHandler(
  federation: Federation,
  locations: Locations,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const { search, searchParams } = new URL(request.url ?? '/', 'http://host.invalid');
    const states = searchParams.getAll('state');
    const hop =
      request.method === 'GET' && states.length === 1
        ? await federation.hopOf(states[0] ?? '')
        : undefined;
    if (hop === undefined) {
      const texts = chooseTexts({ acceptLanguage: request.headers['accept-language'] });
      await sendErrorPage(response, 400, 'invalid_request', texts.t('error.state'), texts);
      return;
    }
    redirect(response, `${locations.basePath}${hop}${search}`);
  };
}

/** Takes logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5 and §2.8). */
export function createLogoutHandler(
  logout: BackchannelLogout,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const form = request.method === 'POST' ? await readForm(request) : undefined;
    const token = form?.get('logout_token') ?? undefined;
    const isDone = token !== undefined && (await logout(token));
    if (isDone) response.writeHead(200, { 'Cache-Control': 'no-store' }).end();
    else answerJson(response, 400, { error: 'invalid_request' });
  };
}
