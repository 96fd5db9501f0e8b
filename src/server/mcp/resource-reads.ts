import {
  type InputRequiredResult,
  type ReadResourceResult,
  ResourceNotFoundError,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { RequestContext } from '../core/context.js';
import type { ResourceContents } from '../core/define.js';
import { type FoundResource, findResource } from '../core/registry.js';
import { type OperationEnvironment, runOperation } from './operation.js';
import { type Params, requireText } from './params.js';

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
      const found = findResource(environment.registry, uri);
      const contents = found === undefined ? undefined : await read(found, requestContext);
      if (found === undefined || contents === undefined) throw new ResourceNotFoundError(uri);
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

async function read(
  found: FoundResource,
  context: RequestContext,
): Promise<readonly ResourceContents[] | undefined> {
  return found.kind === 'resource'
    ? found.definition.read(context)
    : found.definition.read(found.variables, context);
}
