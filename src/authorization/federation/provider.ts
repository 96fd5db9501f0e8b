import type { JsonObject } from '../../shared/json.js';
import type { ProviderEndpoints, ProviderProfile } from './profile.js';
import { PROFILES, type ProfileName } from './profiles/index.js';

/** Who of a provider's people may come in, as whom. Every condition that is given has to hold; the first rule wins. */
export interface AllowRule {
  /** Domain that the provider vouches for. Not a suffix: `example.com` does not take `a.example.com`. */
  readonly domain?: string | undefined;
  readonly group?: string | undefined;
  /** A claim with exactly this value, or a list with it. */
  readonly claim?: { readonly name: string; readonly value: string | number | boolean } | undefined;
  readonly subject?: string | undefined;
  /** Stands for a rule without conditions, so that nobody writes one by mistake. */
  readonly everyone?: true | undefined;
  /** Tenant of the person; with `tenantClaim` it is the one where the claim is missing. */
  readonly tenant?: string | undefined;
  /** Name of a claim that holds the tenant. */
  readonly tenantClaim?: string | undefined;
  /** What the person may grant to a client. Default: every scope of every resource. */
  readonly scopes?: readonly string[] | undefined;
}

/** An identity provider as the operator configures it. */
export interface UpstreamProvider {
  /** Names it in forms, logs and commands: lower case letters, digits, dashes. */
  readonly id: string;
  readonly profile: ProfileName;
  /** On the button. Default: the profile's. */
  readonly label?: string | undefined;
  /** Key of its people here; never change it. Default: the profile's, where there is one. */
  readonly issuer?: string | undefined;
  readonly clientId: string;
  /** Without one: a public client. */
  readonly clientSecret?: string | undefined;
  readonly clientAuthentication?: 'client_secret_basic' | 'client_secret_post' | undefined;
  /** Besides those of the profile. */
  readonly scopes?: readonly string[] | undefined;
  /** Besides those of the profile, on the way there. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** For plain OAuth: another place than the profile's, such as a server of one's own. */
  readonly endpoints?: ProviderEndpoints | undefined;
  /** In place of what the metadata says, or where it says nothing. */
  readonly endSessionEndpoint?: string | undefined;
  readonly groupsClaim?: string | undefined;
  /** Keeps the provider's tokens, sealed; when it refuses to refresh them, the person has to sign in anew. Default false. */
  readonly keepTokens?: boolean | undefined;
  /**
   * What a logout message of the provider ends: sessions of browsers, or the connected apps as well.
   * Default: sessions.
   */
  readonly logoutEnds?: 'sessions' | 'everything' | undefined;
  readonly allow?: readonly AllowRule[] | undefined;
  /** Whom a person who is refused should ask: a name or an address. */
  readonly contact?: string | undefined;
}

/** A provider with what its profile adds. */
export interface ResolvedProvider extends UpstreamProvider {
  readonly label: string;
  readonly issuer: string;
  readonly profileOf: ProviderProfile;
  readonly requestedScopes: readonly string[];
  readonly requestParameters: Readonly<Record<string, string>>;
}

/**
 * Fills a provider up from its profile.
 *
 * @throws {TypeError} naming the provider and the field, when the two do not fit
 */
export function resolveProvider(provider: UpstreamProvider): ResolvedProvider {
  const profile = PROFILES[provider.profile];
  const issuer = provider.issuer ?? profile.issuer;
  const refuse = (field: string, problem: string): never => {
    throw new TypeError(`provider ${JSON.stringify(provider.id)}: "${field}" ${problem}`);
  };
  if (issuer === undefined) {
    return refuse('issuer', `is missing: give it exactly, like ${profile.issuerExample}`);
  }
  const problem = profile.checkIssuer?.(issuer);
  if (problem !== undefined) {
    return refuse('issuer', `${JSON.stringify(issuer)} does not fit: ${problem}`);
  }
  if (
    profile.protocol === 'oauth2' &&
    provider.endpoints === undefined &&
    provider.issuer !== undefined &&
    provider.issuer !== profile.issuer
  ) {
    return refuse('endpoints', `is missing: the issuer is not ${String(profile.issuer)}`);
  }
  const keeps = provider.keepTokens === true;
  return {
    ...provider,
    label: provider.label ?? profile.label,
    issuer,
    profileOf: profile,
    requestedScopes: [
      ...new Set([
        ...profile.scopes,
        ...(provider.scopes ?? []),
        ...(keeps ? (profile.offline.scopes ?? []) : []),
      ]),
    ],
    requestParameters: {
      ...profile.parameters,
      ...(keeps ? profile.offline.parameters : {}),
      ...provider.parameters,
    },
  };
}

/** What a rule looks at. */
export interface RuleSubject {
  readonly subject: string;
  readonly domain: string | undefined;
  readonly groups: readonly string[];
  readonly claims: JsonObject;
}

const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Whether a person may come in, and as whom.
 *
 * @param defaults.openToAll - what no rule at all means: everybody (a server on loopback), or nobody
 * @returns undefined: not allowed
 */
export function applyRules(
  provider: Pick<UpstreamProvider, 'allow'>,
  person: RuleSubject,
  defaults: { readonly openToAll: boolean; readonly scopes: readonly string[] },
): { readonly tenant: string; readonly scopes: readonly string[] } | undefined {
  const rules: readonly AllowRule[] =
    provider.allow ?? (defaults.openToAll ? [{ everyone: true, tenant: 'default' }] : []);
  for (const rule of rules) {
    if (!matches(rule, person)) continue;
    const claimed = rule.tenantClaim === undefined ? undefined : person.claims[rule.tenantClaim];
    const tenant = typeof claimed === 'string' && claimed !== '' ? claimed : rule.tenant;
    // A claim may say anything: what is no name of a tenant opens none.
    if (tenant === undefined || !isTenantName(tenant)) continue;
    return { tenant, scopes: rule.scopes ?? defaults.scopes };
  }
  return undefined;
}

export function isTenantName(text: string): boolean {
  return TENANT.test(text);
}

function matches(rule: AllowRule, person: RuleSubject): boolean {
  const { domain, group, claim, subject, everyone } = rule;
  const conditions = [
    ...(domain === undefined ? [] : [person.domain === domain.toLowerCase()]),
    ...(group === undefined ? [] : [person.groups.includes(group)]),
    ...(claim === undefined ? [] : [holds(person.claims[claim.name], claim.value)]),
    ...(subject === undefined ? [] : [person.subject === subject]),
  ];
  return conditions.length === 0 ? everyone === true : conditions.every(Boolean);
}

function holds(claimed: unknown, wanted: string | number | boolean): boolean {
  return Array.isArray(claimed) ? claimed.includes(wanted) : claimed === wanted;
}
