import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { hashId } from '../../shared/ids.js';
import { deriveKeys } from '../../shared/sealing.js';
import type { Federation, FlowOwner } from '../federation/federation.js';
import { type Locations, ROUTES } from '../locations.js';
import type { ResolvedOptions } from '../options.js';
import { renderAccountPage, renderSignedOutPage } from '../pages/account-page.js';
import { renderDeniedPage } from '../pages/denied-page.js';
import { type PageTexts, chooseTexts } from '../pages/language.js';
import { renderSignInPage } from '../pages/sign-in-page.js';
import type { AuthorizationUser } from '../ports.js';
import { type AccountSession, type AccountSessions, readCookie } from './account-sessions.js';
import type { ConnectedApps } from './connected-apps.js';
import type { AuthorizationEvent } from './events.js';
import {
  type CsrfTokens,
  csrfTokensFor,
  readOwnForm,
  redirect,
  sendErrorPage,
  sendPage,
} from './page-response.js';
import type { SignInDesk, SignInOutcome } from './sign-in-desk.js';

export interface AccountHandlerParts {
  readonly provider: Provider;
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly desk: SignInDesk;
  readonly federation: Federation;
  readonly sessions: AccountSessions;
  readonly apps: ConnectedApps;
  readonly addressOf: (request: IncomingMessage) => string;
  readonly record: (event: AuthorizationEvent) => Promise<void>;
}

interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly texts: PageTexts;
  /** What the browser holds, and has to be told to hold from now on. */
  readonly browser: string;
  readonly cookie: Readonly<Record<string, string>>;
  readonly csrfTokens: CsrfTokens;
  readonly owner: FlowOwner;
  readonly person:
    | { readonly user: AuthorizationUser; readonly session: AccountSession }
    | undefined;
}

const SIGNED_OUT = `${ROUTES.account}/signed-out`;
const COME_BACK = `${ROUTES.account}/idp`;

/** Serves "your connected apps": a person signs in, sees who may act for them, and ends what they do not want. */
export function createAccountHandler(
  parts: AccountHandlerParts,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const csrfKeys = deriveKeys(parts.options.masterSecret, 'authorization:account-csrf');
  return async (request, response) => {
    const texts = chooseTexts({ acceptLanguage: request.headers['accept-language'] });
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host.invalid');
    try {
      if (pathname === SIGNED_OUT) {
        sendPage(response, 200, await signedOutPage(parts, undefined, undefined, texts));
        return;
      }
      const visit = await enter(parts, csrfKeys, request, response, texts);
      if (pathname === COME_BACK)
        await act(parts, visit, await parts.desk.comeBack(searchParams, visit.owner));
      else if (pathname !== ROUTES.account)
        await sendErrorPage(response, 404, 'not_found', undefined, texts);
      else if (request.method === 'POST') await post(parts, visit);
      else await show(parts, visit, undefined);
    } catch (error) {
      parts.options.logger.error('account page failed', { error });
      await sendErrorPage(response, 500, 'server_error', undefined, texts);
    }
  };
}

async function enter(
  { sessions, options, federation }: AccountHandlerParts,
  csrfKeys: readonly [Uint8Array, ...Uint8Array[]],
  request: IncomingMessage,
  response: ServerResponse,
  texts: PageTexts,
): Promise<Visit> {
  const held = sessions.browserOf(request);
  const made = held === undefined ? sessions.newBrowser() : undefined;
  const browser = held ?? made?.browser ?? '';
  const session = held === undefined ? undefined : await sessions.find(held);
  const user = session === undefined ? undefined : await options.stores.users.find(session.userId);
  const isWelcome =
    user !== undefined && !user.isDisabled && (await federation.isStillSignedIn(user.id));
  return {
    request,
    response,
    texts,
    browser,
    cookie: made === undefined ? {} : { 'Set-Cookie': made.cookie },
    csrfTokens: csrfTokensFor(csrfKeys, browser),
    owner: { hop: COME_BACK, id: `account:${hashId(browser)}` },
    person: isWelcome && session !== undefined ? { user, session } : undefined,
  };
}

async function show(
  { desk, apps, locations }: AccountHandlerParts,
  { response, texts, csrfTokens, cookie, person }: Visit,
  again:
    | {
        readonly status?: number;
        readonly notice?: string;
        readonly userName?: string | undefined;
        readonly revoked?: string;
        readonly headers?: Readonly<Record<string, string>>;
      }
    | undefined,
): Promise<void> {
  const action = `${locations.basePath}${ROUTES.account}`;
  const headers = { ...cookie, ...again?.headers };
  if (person !== undefined) {
    const { user } = person;
    const list = await apps.list(user.id, texts.language);
    const view = { displayName: user.displayName, apps: list, action, csrfToken: csrfTokens[0] };
    const page = await renderAccountPage({ ...view, revoked: again?.revoked }, texts);
    sendPage(response, 200, page, headers);
    return;
  }
  const choices = await desk.choices({
    sessionUser: undefined,
    mayContinue: false,
    userName: again?.userName,
  });
  const page = await renderSignInPage(
    { notice: again?.notice, form: { choices, action, csrfToken: csrfTokens[0] } },
    texts,
  );
  sendPage(response, again?.status ?? 200, page, headers);
}

async function post(parts: AccountHandlerParts, visit: Visit): Promise<void> {
  const { request, response, csrfTokens, texts, person } = visit;
  const form = await readOwnForm(request, parts.locations.origin, csrfTokens);
  if (form === undefined) {
    await sendErrorPage(response, 403, 'access_denied', texts.t('error.form'), texts);
    return;
  }
  if (person === undefined) {
    const wish = { prompt: undefined, uiLocales: undefined };
    const address = parts.addressOf(request);
    await act(parts, visit, await parts.desk.submit(form, visit.owner, address, wish));
    return;
  }
  const clientId = form.get('revoke');
  if (clientId !== null) await disconnect(parts, visit, person.user, clientId);
  else if (form.get('decision') === 'sign-out') await signOut(parts, visit, person);
  else await show(parts, visit, undefined);
}

async function disconnect(
  parts: AccountHandlerParts,
  visit: Visit,
  user: AuthorizationUser,
  clientId: string,
): Promise<void> {
  const name = (await parts.apps.nameOf(clientId)) ?? visit.texts.t('consent.unnamed');
  const wasThere = await parts.apps.disconnect(user.id, clientId);
  if (wasThere) {
    await parts.record({ ...eventOf('app-disconnected', user), clientId });
    await endUnusedTokens(parts, user);
  }
  await show(parts, visit, wasThere ? { revoked: name } : undefined);
}

async function signOut(
  parts: AccountHandlerParts,
  { request, response, browser, texts }: Visit,
  { user, session }: NonNullable<Visit['person']>,
): Promise<void> {
  const { sessions, provider, locations, federation } = parts;
  await sessions.end(browser);
  // The session that clients sign in with is the same person in the same browser: it ends, too.
  const held = readCookie(request, locations.cookieNames.session);
  const shared = held === undefined ? undefined : await provider.Session.find(held);
  await shared?.destroy();
  await parts.record(eventOf('sign-out', user));
  await endUnusedTokens(parts, user);
  const upstream = await federation.providerOf(user.id);
  const page = await signedOutPage(parts, upstream?.id, session.idToken, texts);
  sendPage(response, 200, page, { 'Set-Cookie': sessions.clearCookie });
}

/** Tokens of the identity provider are kept for connected apps: without any, they go back. */
async function endUnusedTokens(
  { apps, federation }: AccountHandlerParts,
  user: AuthorizationUser,
): Promise<void> {
  if ((await apps.list(user.id, 'en')).length === 0) await federation.endTokens(user.id);
}

async function signedOutPage(
  { federation, locations, options }: AccountHandlerParts,
  providerId: string | undefined,
  idToken: string | undefined,
  texts: PageTexts,
): Promise<string> {
  const client = providerId === undefined ? undefined : federation.client(providerId);
  let logoutUrl: string | undefined;
  try {
    logoutUrl = (await client?.logoutUrl(idToken, locations.urlOf(SIGNED_OUT)))?.href;
  } catch (error) {
    options.logger.warn('the way out of an identity provider is not known', { providerId, error });
  }
  return renderSignedOutPage(
    {
      signInUrl: `${locations.basePath}${ROUTES.account}`,
      upstream: client === undefined ? undefined : { label: client.provider.label, logoutUrl },
    },
    texts,
  );
}

async function act(
  parts: AccountHandlerParts,
  visit: Visit,
  outcome: SignInOutcome,
): Promise<void> {
  const { response, texts, csrfTokens, browser, cookie } = visit;
  const action = `${parts.locations.basePath}${ROUTES.account}`;
  switch (outcome.kind) {
    case 'signed-in': {
      const { user, method, idToken } = outcome;
      await parts.sessions.end(browser);
      const begun = await parts.sessions.begin({ userId: user.id, idToken });
      await parts.record({ ...eventOf('sign-in', user), method });
      response.setHeader('Set-Cookie', begun.cookie);
      redirect(response, action);
      return;
    }
    case 'redirect':
      if (cookie['Set-Cookie'] !== undefined)
        response.setHeader('Set-Cookie', cookie['Set-Cookie']);
      redirect(response, outcome.url.href);
      return;
    case 'again': {
      await parts.record({ ...eventOf('sign-in-refused', undefined), reason: outcome.reason });
      const { status, userName, retryAfterSeconds } = outcome;
      const headers: Record<string, string> =
        retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
      await show(parts, visit, { status, notice: outcome.notice(texts), userName, headers });
      return;
    }
    case 'denied':
    case 'disabled': {
      const { provider, displayName, kind } = outcome;
      await parts.record({
        ...eventOf('sign-in-refused', undefined),
        method: provider.id,
        reason: kind,
      });
      const page = await renderDeniedPage(
        {
          kind,
          displayName,
          provider,
          contact: provider.contact,
          action,
          csrfToken: csrfTokens[0],
          hasClient: false,
        },
        texts,
      );
      sendPage(response, 403, page, cookie);
      return;
    }
    case 'refused': {
      const isState = outcome.text === 'error.state';
      const code = isState ? 'invalid_request' : 'access_denied';
      await sendErrorPage(response, isState ? 400 : 403, code, texts.t(outcome.text), texts);
    }
  }
}

function eventOf(
  kind: AuthorizationEvent['kind'],
  user: AuthorizationUser | undefined,
): AuthorizationEvent {
  return {
    kind,
    outcome: kind === 'sign-in-refused' ? 'denied' : 'ok',
    userId: user?.id,
    tenant: user?.tenant,
    clientId: undefined,
    method: undefined,
  };
}
