import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { nowSeconds } from '../shared/clock.js';
import { deriveKey } from '../shared/sealing.js';
import { classifyRedirectUri, clientFingerprint } from './client-policy.js';
import { isForm, readForm } from './form-request.js';
import { consentScopeOf, fillGrant } from './interaction-policy.js';
import { type Locations, ROUTES } from './locations.js';
import type { ResolvedOptions } from './options.js';
import { renderErrorPage } from './pages/error-page.js';
import { PAGE_HEADERS } from './pages/layout.js';
import { renderSignInPage } from './pages/sign-in-page.js';
import type { AuthorizationUser } from './ports.js';
import type { ResourceRegistry } from './resources.js';

const MAX_PEOPLE = 50;

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Client = NonNullable<Awaited<ReturnType<Provider['Client']['find']>>>;

export interface InteractionHandlerParts {
  readonly provider: Provider;
  readonly options: ResolvedOptions;
  readonly locations: Locations;
  readonly resources: ResourceRegistry;
}

/** Serves the page between `/authorize` and the code: who signs in, and what the client may do. */
export function createInteractionHandler(
  parts: InteractionHandlerParts,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const csrfKey = deriveKey(parts.options.masterSecret, 'authorization:csrf');
  const csrfTokenOf = (interaction: Interaction): string =>
    createHmac('sha256', csrfKey).update(interaction.uid).digest('base64url');

  return async (request, response) => {
    try {
      // Reads the signed cookie whose path is this very interaction: the browser that began it, or nobody.
      const interaction = await parts.provider.interactionDetails(request, response);
      if (!isAddressOf(request, interaction)) throw new errors.SessionNotFound('wrong interaction');
      const client = await parts.provider.Client.find(String(interaction.params['client_id']));
      if (client === undefined) throw new errors.SessionNotFound('client is gone');
      if (request.method === 'POST') {
        await decide(parts, request, response, interaction, client, csrfTokenOf(interaction));
      } else {
        await showPage(parts, response, interaction, client, csrfTokenOf(interaction));
      }
    } catch (error) {
      if (error instanceof errors.SessionNotFound) {
        await showError(
          response,
          400,
          'invalid_request',
          'This sign-in is over or was started in another browser.',
        );
        return;
      }
      parts.options.logger.error('sign-in page failed', { error });
      await showError(response, 500, 'server_error', undefined);
    }
  };
}

function isAddressOf(request: IncomingMessage, interaction: Interaction): boolean {
  const { pathname } = new URL(request.url ?? '/', 'http://host.invalid');
  return pathname === `${ROUTES.interaction}/${interaction.uid}`;
}

async function showPage(
  { options, locations, resources }: InteractionHandlerParts,
  response: ServerResponse,
  interaction: Interaction,
  client: Client,
  csrfToken: string,
): Promise<void> {
  const redirectUri = String(interaction.params['redirect_uri']);
  const redirect = new URL(redirectUri);
  const scope = consentScopeOf(interaction.params);
  const people = (await options.stores.users.list(MAX_PEOPLE)).filter((user) => !user.isDisabled);
  const current = interaction.session?.accountId;
  const page = await renderSignInPage({
    clientName: client.clientName,
    clientId: client.clientId,
    redirectHost: redirect.host === '' ? redirect.protocol : redirect.host,
    redirectKind: classifyRedirectUri(redirectUri),
    resources: scope.resources,
    scopes: scope.resources.flatMap((id) =>
      Object.entries(resources.get(id)?.scopes ?? {})
        .filter(([name]) => scope.requestedScopes.includes(name))
        .map(([name, text]) => ({ name, text })),
    ),
    people: people
      .map(({ id, displayName, tenant }) => ({
        id,
        displayName,
        tenant,
        isCurrent: id === current,
      }))
      .toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent)),
    action: `${locations.basePath}${ROUTES.interaction}/${interaction.uid}`,
    csrfToken,
  });
  response.writeHead(200, PAGE_HEADERS).end(page);
}

async function decide(
  parts: InteractionHandlerParts,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Interaction,
  client: Client,
  csrfToken: string,
): Promise<void> {
  const form = isForm(request) ? await readForm(request) : undefined;
  const { origin } = request.headers;
  const isOwnOrigin = origin === undefined || origin === parts.locations.origin;
  if (form === undefined || !isOwnOrigin || !isEqual(form.get('csrf') ?? '', csrfToken)) {
    await showError(response, 403, 'access_denied', 'The form was not sent from the sign-in page.');
    return;
  }
  const finish = (result: Parameters<Provider['interactionFinished']>[2]) =>
    parts.provider.interactionFinished(request, response, result, {
      mergeWithLastSubmission: false,
    });
  const personId = form.get('person');
  if (personId === null) {
    await finish({ error: 'access_denied', error_description: 'the person did not allow it' });
    return;
  }
  const person = await parts.options.stores.users.find(personId);
  if (person === undefined || person.isDisabled) {
    await showError(response, 403, 'access_denied', 'This person cannot sign in.');
    return;
  }
  const grantId = await makeGrant(parts, interaction, client, person);
  if (grantId === undefined) {
    await finish({
      error: 'access_denied',
      error_description: 'this person may not grant any of the requested scopes',
    });
    return;
  }
  await leaveOtherSession(parts.provider, interaction, person);
  await finish({ login: { accountId: person.id }, consent: { grantId } });
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

function isEqual(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

async function showError(
  response: ServerResponse,
  status: number,
  error: string,
  description: string | undefined,
): Promise<void> {
  response.writeHead(status, PAGE_HEADERS).end(await renderErrorPage({ error, description }));
}
