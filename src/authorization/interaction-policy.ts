import { type KoaContextWithOIDC, interactionPolicy } from 'oidc-provider';
import { formatScope, parseScope } from '../oauth/scope.js';
import { clientFingerprint } from './client-policy.js';
import { PROTOCOL_SCOPES } from './metadata.js';
import type { AuthorizationStores, AuthorizationUser } from './ports.js';
import type { ResourceRegistry } from './resources.js';

type Grant = NonNullable<KoaContextWithOIDC['oidc']['grant']>;

/** The engine's prompts, plus: a person who is gone or disabled has to sign in as somebody else. */
export function buildInteractionPolicy(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'account_gone',
        'End-User account is not available',
        (ctx) => ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined,
      ),
    );
  return policy;
}

/** Whether the client wants the person to prove who they are now, signed in or not (`prompt=login`, `max_age`). */
export function freshLoginOf(interaction: {
  readonly prompt: { readonly name: string; readonly reasons: readonly string[] };
}): boolean {
  const { name, reasons } = interaction.prompt;
  return name === 'login' && reasons.some((reason) => FRESH_LOGIN.has(reason));
}

const FRESH_LOGIN: ReadonlySet<string> = new Set(['login_prompt', 'max_age']);

/** The parts of an authorization request that a consent is about. */
export interface ConsentScope {
  /** Canonical resources. */
  readonly resources: readonly string[];
  readonly requestedScopes: readonly string[];
}

export function consentScopeOf(params: Readonly<Record<string, unknown>>): ConsentScope {
  const { resource, scope } = params;
  const resources = (Array.isArray(resource) ? resource : [resource]).filter(
    (value): value is string => typeof value === 'string',
  );
  return {
    resources: [...new Set(resources)],
    requestedScopes: parseScope(typeof scope === 'string' ? scope : undefined),
  };
}

/**
 * Fills a grant: what was asked for and this person may give is granted, the rest is marked as refused, so that the
 * engine does not ask for it again.
 *
 * @returns the resource scopes granted
 */
export function fillGrant(
  grant: Grant,
  user: AuthorizationUser,
  scope: ConsentScope,
  resources: ResourceRegistry,
): string[] {
  const granted: string[] = [];
  for (const id of scope.resources) {
    const known = Object.keys(resources.get(id)?.scopes ?? {});
    const asked = scope.requestedScopes.filter((name) => known.includes(name));
    const allowed = asked.filter((name) => user.scopes.includes(name));
    const refused = asked.filter((name) => !allowed.includes(name));
    if (allowed.length > 0) grant.addResourceScope(id, formatScope(allowed));
    if (refused.length > 0) grant.rejectResourceScope(id, formatScope(refused));
    granted.push(...allowed);
  }
  const protocol = PROTOCOL_SCOPES.filter((name) => scope.requestedScopes.includes(name));
  if (protocol.length > 0) grant.addOIDCScope(formatScope(protocol));
  return granted;
}

/**
 * The grant an authorization request stands on: the one the person has just made on the page, or, for a web client
 * that was allowed all of it before, a new one from the remembered consent. Every login has a grant of its own.
 * Native clients never get here silently: anyone on the machine can pose as one. Nor do devices: somebody else may have
 * started what a person is talked into.
 */
export function createGrantLoader(
  stores: AuthorizationStores,
  resources: ResourceRegistry,
): (ctx: KoaContextWithOIDC) => Promise<Grant | undefined> {
  return async (ctx) => {
    const { oidc } = ctx;
    const fresh = oidc.result?.consent?.grantId;
    if (fresh !== undefined) return oidc.provider.Grant.find(fresh);
    const { account, client, params } = oidc;
    const isAskedAlways = client?.applicationType === 'native' || oidc.deviceCode !== undefined;
    if (account === undefined || client === undefined || isAskedAlways) return undefined;
    const user = await stores.users.find(account.accountId);
    if (user === undefined) return undefined;
    const scope = consentScopeOf(params ?? {});
    const fingerprint = clientFingerprint(client.clientName, client.redirectUris ?? []);
    for (const resource of scope.resources) {
      const consent = await stores.consents.find(user.id, client.clientId, resource);
      const known = Object.keys(resources.get(resource)?.scopes ?? {});
      const wanted = scope.requestedScopes.filter(
        (name) => known.includes(name) && user.scopes.includes(name),
      );
      const isCovered =
        consent?.clientFingerprint === fingerprint &&
        wanted.every((name) => consent.scopes.includes(name));
      if (!isCovered) return undefined;
    }
    const grant = new oidc.provider.Grant({ accountId: user.id, clientId: client.clientId });
    if (fillGrant(grant, user, scope, resources).length === 0) return undefined;
    await grant.save();
    return grant;
  };
}
