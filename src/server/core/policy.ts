import { missingScopes, unionScopes } from '../../oauth/scope.js';
import { isJsonObject } from '../../shared/json.js';
import type { Principal } from './principal.js';
import { type Registry, findResource } from './registry.js';
import { type Authorize, wholeRegistry } from './visible.js';

/** A JSON-RPC request as far as policy looks at it. */
export interface OperationRequest {
  readonly method: string;
  readonly params?: unknown;
}

/** The tool, prompt or resource that a request means; undefined for operations on none. */
export function targetOf(request: OperationRequest): string | undefined {
  const params = isJsonObject(request.params) ? request.params : {};
  const target = request.method.startsWith('resources/') ? params['uri'] : params['name'];
  return typeof target === 'string' ? target : undefined;
}

/**
 * Every scope that one operation needs, complete, so that a single challenge names them all. Listing needs
 * authentication alone: what is listed may still be challenged when it is used. An unknown target needs none: that
 * it is unknown is the handler's to say.
 */
export function requiredScopes(registry: Registry, request: OperationRequest): readonly string[] {
  const params = isJsonObject(request.params) ? request.params : {};
  switch (request.method) {
    case 'tools/call':
      return registry.tools.get(textOf(params['name']))?.scopes ?? [];
    case 'prompts/get':
      return registry.prompts.get(textOf(params['name']))?.scopes ?? [];
    case 'resources/read':
    case 'resources/subscribe':
      return findResource(registry, textOf(params['uri']))?.definition.scopes ?? [];
    case 'completion/complete':
      return completionScopes(registry, params['ref']);
    case 'subscriptions/listen':
      return listenScopes(registry, params['notifications']);
    default:
      return [];
  }
}

/** Why a request is not for its caller. `hidden`: it is answered as one for something that does not exist. */
export type Denial =
  | { readonly reason: 'insufficient_scope'; readonly required: readonly string[] }
  | { readonly reason: 'hidden' | 'policy' };

/**
 * What a caller may not do, for operations that a status or an error can still refuse.
 *
 * @param registry - what the caller may see
 */
export function denialOf(
  registry: Registry,
  request: OperationRequest,
  principal: Principal | undefined,
  authorize: Authorize | undefined,
): Denial | undefined {
  const required = principal && insufficientScopes(registry, request, principal);
  if (required !== undefined) return { reason: 'insufficient_scope', required };
  if (authorize === undefined) return undefined;
  for (const { target, isHidable } of targetsOf(registry, request)) {
    if (authorize(principal, { method: request.method, target })) continue;
    // A stream is not refused for what does not exist for its caller: it hears nothing of it.
    if (isHidable && request.method === 'subscriptions/listen') continue;
    return { reason: isHidable ? 'hidden' : 'policy' };
  }
  return undefined;
}

/** Whether the target exists, and is kept from this caller. */
export function isHidden(registry: Registry, request: OperationRequest): boolean {
  const whole = wholeRegistry(registry);
  return (
    whole !== registry &&
    targetsOf(registry, request).length === 0 &&
    targetsOf(whole, request).length > 0
  );
}

interface Target {
  readonly target: string;
  readonly isHidable: boolean;
}

/** What of the registry a request means; nothing for what is not in it. */
function targetsOf(registry: Registry, { method, params: given }: OperationRequest): Target[] {
  const params = isJsonObject(given) ? given : {};
  const named = (target: string, definition: { readonly listing?: string } | undefined): Target[] =>
    definition === undefined
      ? []
      : [{ target, isHidable: definition.listing === 'when-permitted' }];
  const name = textOf(params['name']);
  switch (method) {
    case 'tools/call':
      return named(name, registry.tools.get(name));
    case 'prompts/get':
      return named(name, registry.prompts.get(name));
    case 'resources/read':
    case 'resources/subscribe': {
      const uri = textOf(params['uri']);
      return named(uri, findResource(registry, uri)?.definition);
    }
    case 'completion/complete': {
      const ref = isJsonObject(params['ref']) ? params['ref'] : {};
      const prompt = textOf(ref['name']);
      if (ref['type'] === 'ref/prompt') return named(prompt, registry.prompts.get(prompt));
      const uri = textOf(ref['uri']);
      return named(uri, registry.resourceTemplates.get(uri) ?? registry.resources.get(uri));
    }
    case 'subscriptions/listen':
      return subscribedUris(params['notifications']).flatMap((uri) =>
        named(uri, findResource(registry, uri)?.definition),
      );
    default:
      return [];
  }
}

/** Whether a caller may hear that a resource changed. An unknown one never changes. */
export function mayHearOf(
  registry: Registry,
  uri: string,
  principal: Principal | undefined,
  authorize: Authorize | undefined,
): boolean {
  const request = { method: 'resources/subscribe', params: { uri } };
  return (
    !isHidden(registry, request) && denialOf(registry, request, principal, authorize) === undefined
  );
}

/** @returns the required scopes, all of them, when the principal lacks one; undefined when it may go on */
function insufficientScopes(
  registry: Registry,
  request: OperationRequest,
  principal: Pick<Principal, 'scopes'>,
): readonly string[] | undefined {
  const required = requiredScopes(registry, request);
  return missingScopes(required, principal.scopes).length === 0 ? undefined : required;
}

function completionScopes(registry: Registry, ref: unknown): readonly string[] {
  if (!isJsonObject(ref)) return [];
  if (ref['type'] === 'ref/prompt') return registry.prompts.get(textOf(ref['name']))?.scopes ?? [];
  const uri = textOf(ref['uri']);
  return registry.resourceTemplates.get(uri)?.scopes ?? registry.resources.get(uri)?.scopes ?? [];
}

function listenScopes(registry: Registry, filter: unknown): readonly string[] {
  return unionScopes(
    ...subscribedUris(filter).map((uri) => findResource(registry, uri)?.definition.scopes ?? []),
  );
}

function subscribedUris(filter: unknown): string[] {
  const uris = isJsonObject(filter) ? filter['resourceSubscriptions'] : undefined;
  return Array.isArray(uris) ? uris.map(textOf) : [];
}

/** A value that should be a text; anything else names nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
