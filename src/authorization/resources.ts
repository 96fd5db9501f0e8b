import { canonicalResource, isSameResource } from '../oauth/resource.js';

/** A protected resource that tokens are issued for. */
export interface ProtectedResource {
  /** Canonical resource identifier: the audience of its tokens. */
  readonly resource: string;
  /** Scope to what it allows, in words for the consent page. */
  readonly scopes: Readonly<Record<string, string>>;
  /** The same words in other languages of the pages: language to scope to text. */
  readonly scopeTranslations?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What a request without scope asks for. Default: every scope. */
  readonly defaultScopes?: readonly string[];
  /** Lifetime of its access tokens. Default 600. */
  readonly accessTokenTtlSeconds?: number;
  /** What its access tokens are signed with. Default ES256. */
  readonly accessTokenAlgorithm?: 'ES256' | 'RS256';
}

export interface ResourceRegistry {
  readonly all: readonly ProtectedResource[];
  /** The resource of a request that names none: the first one. */
  readonly fallback: ProtectedResource;
  /** Every scope of every resource, unique. */
  readonly scopes: readonly string[];
  get(canonical: string): ProtectedResource | undefined;
  /**
   * Maps what a client sent to the canonical resource: itself, another loopback spelling of it, or the bare origin
   * when it belongs to one resource alone (older clients send that).
   */
  resolve(requested: string): ProtectedResource | undefined;
}

/** @throws {TypeError} for no resource, a doubled one, or a default scope that the resource does not have */
export function createResourceRegistry(resources: readonly ProtectedResource[]): ResourceRegistry {
  const byId = new Map<string, ProtectedResource>();
  for (const entry of resources) {
    const resource = canonicalResource(entry.resource);
    if (byId.has(resource)) throw new TypeError(`resource ${JSON.stringify(resource)} is doubled`);
    const unknown = (entry.defaultScopes ?? []).find(
      (scope) => !Object.hasOwn(entry.scopes, scope),
    );
    if (unknown !== undefined) {
      throw new TypeError(
        `default scope ${JSON.stringify(unknown)} is not one of the scopes of ${JSON.stringify(resource)}`,
      );
    }
    byId.set(resource, { ...entry, resource });
  }
  const all = [...byId.values()];
  const [fallback] = all;
  if (fallback === undefined) throw new TypeError('resources must name at least one resource');
  return {
    all,
    fallback,
    scopes: [...new Set(all.flatMap((entry) => Object.keys(entry.scopes)))],
    get: (canonical) => byId.get(canonical),
    resolve(requested) {
      const exact = all.find((entry) => isSameResource(entry.resource, requested));
      if (exact !== undefined) return exact;
      const sameOrigin = all.filter((entry) =>
        isSameResource(new URL(entry.resource).origin, requested),
      );
      return sameOrigin.length === 1 ? sameOrigin[0] : undefined;
    },
  };
}

export function defaultScopesOf(resource: ProtectedResource): readonly string[] {
  return resource.defaultScopes ?? Object.keys(resource.scopes);
}

/** What a scope allows, in the language of a page where there is a translation. */
export function scopeText(
  resource: ProtectedResource | undefined,
  scope: string,
  language: string,
): string {
  return resource?.scopeTranslations?.[language]?.[scope] ?? resource?.scopes[scope] ?? scope;
}
