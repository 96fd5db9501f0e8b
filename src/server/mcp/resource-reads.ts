import {
  type InputRequiredResult,
  type ReadResourceResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { RequestContext } from '../core/context.js';
import type { ResourceContents } from '../core/define.js';
import { denialOf } from '../core/policy.js';
import type { Principal } from '../core/principal.js';
import { type FoundResource, findResource } from '../core/registry.js';
import { type OperationEnvironment, runOperation, visibleIn } from './operation.js';
import { type Params, requireText } from './params.js';
import { unknownResource } from './refusals.js';

/** Serves `resources/read`. */
export async function readResource(
  environment: OperationEnvironment,
  params: Params,
  context: ServerContext,
): Promise<ReadResourceResult | InputRequiredResult> {
  const uri = requireText(params['uri'], 'params.uri');
  return runOperation(
    environment,
    { method: 'resources/read', params },
    context,
    async (requestContext) => {
      const found = findVisible(environment, uri, requestContext.principal);
      const contents = found === undefined ? undefined : await read(found, requestContext);
      if (found === undefined || contents === undefined) throw unknownResource(uri);
      const { cache, mimeType } = found.definition;
      const result = {
        contents: contents.map((item) => ({
          uri: item.uri ?? uri,
          ...((item.mimeType ?? mimeType) !== undefined && { mimeType: item.mimeType ?? mimeType }),
          ...(item.blob !== undefined ? { blob: item.blob } : { text: item.text ?? '' }),
        })),
        ...(cache !== undefined && { ttlMs: cache.ttlMs, cacheScope: cache.scope }),
      };
      return { result, outcome: 'ok' };
    },
  );
}

/** A rule of the embedder's may hide single resources of a template. */
function findVisible(
  environment: OperationEnvironment,
  uri: string,
  principal: Principal | undefined,
): FoundResource | undefined {
  const registry = visibleIn(environment, principal);
  const request = { method: 'resources/read', params: { uri } };
  const { authorize } = environment.policy;
  const denial = authorize && denialOf(registry, request, principal, authorize);
  return denial === undefined ? findResource(registry, uri) : undefined;
}

async function read(
  found: FoundResource,
  context: RequestContext,
): Promise<readonly ResourceContents[] | undefined> {
  return found.kind === 'resource'
    ? found.definition.read(context)
    : found.definition.read(found.variables, context);
}
