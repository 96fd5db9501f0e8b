import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { nowSeconds } from '../shared/clock.js';
import { deriveKeys } from '../shared/sealing.js';
import { clientFingerprint, describeAnswer } from './client-policy.js';
import { isWarnedAbout } from './clients/trust.js';
import type { FlowOwner } from './federation/federation.js';
import { consentScopeOf, fillGrant, freshLoginOf } from './interaction-policy.js';
import { type Locations, ROUTES } from './locations.js';
import type { ResolvedOptions } from './options.js';
import { renderDeniedPage } from './pages/denied-page.js';
import { type PageTexts, chooseTexts } from './pages/language.js';
import { renderConsentPage } from './pages/sign-in-page.js';
import type { AuthorizationEvent } from './people/events.js';
import {
  type CsrfTokens,
  csrfTokensFor,
  readOwnForm,
  redirect,
  sendErrorPage,
  sendPage,
} from './people/page-response.js';
import type { SignInDesk, SignInOutcome, SignedIn } from './people/sign-in-desk.js';
import type { AuthorizationUser } from './ports.js';
import { type ResourceRegistry, scopeText } from './resources.js';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Client = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

export interface InteractionHandlerParts {
  readonly provider: Provider;
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly resources: ResourceRegistry;
  readonly desk: SignInDesk;
  /** Where a request comes from, for limits. */
  readonly addressOf: (request: IncomingMessage) => string;
  readonly record: (event: AuthorizationEvent) => Promise<void>;
}

/** One request to a page of one interaction, by the browser that began it. */
interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly interaction: Interaction;
  readonly client: Client;
  readonly csrfTokens: CsrfTokens;
  readonly texts: PageTexts;
  readonly owner: FlowOwner;
  /** Whom this browser is signed in as. */
  readonly sessionUser: AuthorizationUser | undefined;
}

const COME_BACK = '/idp';

/**
 * Serves the page between `/authorize` and the code: who signs in, and what the client may do. The person allows it
 * here first; only then does an identity provider hear of them, and what it answers counts for this browser alone.
 */
export function createInteractionHandler(
  parts: InteractionHandlerParts,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const csrfKeys = deriveKeys(parts.options.masterSecret, 'authorization:csrf');
  return async (request, response) => {
    const { headers } = request;
    let texts = chooseTexts({ acceptLanguage: headers['accept-language'] });
    try {
      // Reads the signed cookie whose path is this very interaction: the browser that began it, or nobody.
      const interaction = await parts.provider.interactionDetails(request, response);
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://host.invalid');
      const hop = `${ROUTES.interaction}/${interaction.uid}${COME_BACK}`;
      if (pathname !== hop && `${pathname}${COME_BACK}` !== hop) {
        throw new errors.SessionNotFound('wrong interaction');
      }
      const client = await parts.provider.Client.find(String(interaction.params['client_id']));
      if (client === undefined) throw new errors.SessionNotFound('client is gone');
      const uiLocales = interaction.params['ui_locales'];
      texts = chooseTexts({ uiLocales, acceptLanguage: headers['accept-language'] });
      const accountId = interaction.session?.accountId;
      const visit: Visit = {
        request,
        response,
        interaction,
        client,
        texts,
        csrfTokens: csrfTokensFor(csrfKeys, interaction.uid),
        owner: { hop, id: `interaction:${interaction.uid}` },
        sessionUser:
          accountId === undefined ? undefined : await parts.options.stores.users.find(accountId),
      };
      if (request.method === 'POST' && pathname !== hop) await decide(parts, visit);
      else if (pathname === hop)
        await act(parts, visit, await parts.desk.comeBack(searchParams, visit.owner));
      else await showConsent(parts, visit, {});
    } catch (error) {
      if (error instanceof errors.SessionNotFound) {
        await sendErrorPage(response, 400, 'invalid_request', texts.t('error.stale'), texts);
        return;
      }
      parts.options.logger.error('sign-in page failed', { error });
      await sendErrorPage(response, 500, 'server_error', undefined, texts);
    }
  };
}

async function showConsent(
  { locations, resources, desk }: InteractionHandlerParts,
  { response, interaction, client, csrfTokens, texts, sessionUser }: Visit,
  again: {
    readonly status?: number;
    readonly notice?: string;
    readonly userName?: string | undefined;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const answer = describeAnswer(interaction.params);
  const scope = consentScopeOf(interaction.params);
  const page = await renderConsentPage(
    {
      clientName: client.clientName,
      clientId: client.clientId,
      redirectHost: answer.host,
      redirectKind: answer.kind,
      isWarnedAbout: isWarnedAbout(client),
      resources: scope.resources,
      scopes: scope.resources.flatMap((id) => {
        const resource = resources.get(id);
        return Object.keys(resource?.scopes ?? {})
          .filter((name) => scope.requestedScopes.includes(name))
          .map((name) => ({ name, text: scopeText(resource, name, texts.language) }));
      }),
      notice: again.notice,
      form: {
        choices: await desk.choices({
          sessionUser,
          mayContinue: mayContinue(interaction, sessionUser),
          userName: again.userName,
        }),
        action: `${locations.basePath}${ROUTES.interaction}/${interaction.uid}`,
        csrfToken: csrfTokens[0],
      },
    },
    texts,
  );
  sendPage(response, again.status ?? 200, page, again.headers);
}

/** The engine asks for consent alone when the session is good enough; else the person has to sign in anew. */
function mayContinue(interaction: Interaction, user: AuthorizationUser | undefined): boolean {
  return interaction.prompt.name === 'consent' && user?.isDisabled === false;
}

async function decide(parts: InteractionHandlerParts, visit: Visit): Promise<void> {
  const { request, response, interaction, csrfTokens, texts, sessionUser } = visit;
  const form = await readOwnForm(request, parts.locations.origin, csrfTokens);
  if (form === undefined) {
    await sendErrorPage(response, 403, 'access_denied', texts.t('error.form'), texts);
    return;
  }
  if (form.get('decision') === 'deny') {
    await finish(parts, visit, {
      error: 'access_denied',
      error_description: 'the person did not allow it',
    });
    return;
  }
  if (
    form.get('continue') !== null &&
    sessionUser !== undefined &&
    mayContinue(interaction, sessionUser)
  ) {
    const signedIn = { kind: 'signed-in', user: sessionUser, method: 'session' } as const;
    await act(parts, visit, { ...signedIn, idToken: undefined });
    return;
  }
  const uiLocales = interaction.params['ui_locales'];
  const wish = {
    prompt: freshLoginOf(interaction) ? ('login' as const) : undefined,
    uiLocales: typeof uiLocales === 'string' ? uiLocales : undefined,
  };
  await act(
    parts,
    visit,
    await parts.desk.submit(form, visit.owner, parts.addressOf(request), wish),
  );
}

async function act(
  parts: InteractionHandlerParts,
  visit: Visit,
  outcome: SignInOutcome,
): Promise<void> {
  const { response, interaction, client, csrfTokens, texts } = visit;
  if (outcome.kind !== 'redirect' && outcome.kind !== 'signed-in') {
    await parts.record({
      kind: 'sign-in-refused',
      outcome: 'denied',
      userId: undefined,
      tenant: undefined,
      clientId: client.clientId,
      method: 'provider' in outcome ? outcome.provider.id : undefined,
      reason: outcome.kind === 'again' ? outcome.reason : outcome.kind,
    });
  }
  switch (outcome.kind) {
    case 'signed-in':
      await allow(parts, visit, outcome);
      return;
    case 'redirect':
      redirect(response, outcome.url.href);
      return;
    case 'again': {
      const { status, userName, retryAfterSeconds } = outcome;
      const headers: Record<string, string> =
        retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
      await showConsent(parts, visit, { status, notice: outcome.notice(texts), userName, headers });
      return;
    }
    case 'denied':
    case 'disabled': {
      const { provider, displayName } = outcome;
      const page = await renderDeniedPage(
        {
          kind: outcome.kind,
          displayName,
          provider,
          contact: provider.contact,
          action: `${parts.locations.basePath}${ROUTES.interaction}/${interaction.uid}`,
          csrfToken: csrfTokens[0],
          hasClient: true,
        },
        texts,
      );
      sendPage(response, 403, page);
      return;
    }
    case 'refused':
      await sendErrorPage(
        response,
        outcome.text === 'error.state' ? 400 : 403,
        outcome.text === 'error.state' ? 'invalid_request' : 'access_denied',
        texts.t(outcome.text),
        texts,
      );
  }
}

/** The person has allowed it and has signed in: back to the client with a grant of this login's own. */
async function allow(
  parts: InteractionHandlerParts,
  visit: Visit,
  { user, method }: SignedIn,
): Promise<void> {
  const { interaction, client } = visit;
  const grantId = await makeGrant(parts, interaction, client, user);
  await parts.record({
    kind: grantId === undefined ? 'sign-in-refused' : 'sign-in',
    outcome: grantId === undefined ? 'denied' : 'ok',
    userId: user.id,
    tenant: user.tenant,
    clientId: client.clientId,
    method,
    ...(grantId === undefined ? { reason: 'no scope to give' } : {}),
  });
  if (grantId === undefined) {
    await finish(parts, visit, {
      error: 'access_denied',
      error_description: 'this person may not grant any of the requested scopes',
    });
    return;
  }
  await leaveOtherSession(parts.provider, interaction, user);
  await finish(parts, visit, { login: { accountId: user.id }, consent: { grantId } });
}

async function finish(
  { provider, locations }: InteractionHandlerParts,
  { request, response, interaction }: Visit,
  result: Parameters<Provider['interactionFinished']>[2],
): Promise<void> {
  // The engine looks the interaction up by the path again: the answer may have come in at the hop.
  request.url = `${ROUTES.interaction}/${interaction.uid}`;
  Object.assign(request, { originalUrl: `${locations.basePath}${request.url}` });
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

/** A grant of its own for this login, and the consent for the next time. */
async function makeGrant(
  { provider, options, resources }: InteractionHandlerParts,
  interaction: Interaction,
  client: Client,
  person: AuthorizationUser,
): Promise<string | undefined> {
  const scope = consentScopeOf(interaction.params);
  const grant = new provider.Grant({ accountId: person.id, clientId: client.clientId });
  const granted = fillGrant(grant, person, scope, resources);
  if (granted.length === 0) return undefined;
  const grantId = await grant.save();
  for (const resource of scope.resources) {
    const known = Object.keys(resources.get(resource)?.scopes ?? {});
    await options.stores.consents.save({
      userId: person.id,
      clientId: client.clientId,
      resource,
      scopes: granted.filter((name) => known.includes(name)),
      clientFingerprint: clientFingerprint(client.clientName, client.redirectUris ?? []),
      grantedAt: nowSeconds(options.clock),
    });
  }
  return grantId;
}

/**
 * Somebody else was signed in with this browser: that session ends here. The engine would show a logout form of its
 * own, which needs a script.
 */
async function leaveOtherSession(
  provider: Provider,
  interaction: Interaction,
  person: AuthorizationUser,
): Promise<void> {
  const { session } = interaction;
  if (session === undefined || session.accountId === person.id) return;
  const stored = await provider.Session.findByUid(session.uid);
  await stored?.destroy();
  Object.assign(interaction, { session: undefined });
  await interaction.persist();
}
