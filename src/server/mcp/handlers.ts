import type {
  McpServer,
  Resource,
  Result,
  ServerContext,
  StandardSchemaV1,
} from '@modelcontextprotocol/server';
import { LOG_LEVELS, type LogLevel, type RequestContext } from '../core/context.js';
import { mayHearOf } from '../core/policy.js';
import type { Registry } from '../core/registry.js';
import { internalError, invalidParams, toWireError } from './errors.js';
import { listingOf, pageOf } from './listing.js';
import { observing } from './observation.js';
import { type OperationEnvironment, requireAccess, requirePermit, visibleIn } from './operation.js';
import { type Params, requireText } from './params.js';
import { complete, getPrompt } from './prompts.js';
import { readResource } from './resource-reads.js';

const MAX_SUBSCRIPTIONS = 1000;

/** What a legacy client wants to hear, from `logging/setLevel`; a modern one says it in every request, to the SDK. */
export interface LogLevels {
  lowest: LogLevel | undefined;
}

export function isBelow(level: LogLevel, lowest: LogLevel | undefined): boolean {
  return lowest !== undefined && LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest);
}

// The SDK answers what does not fit its own schemas with -32603 and the whole report. Behind a schema that takes all,
// the handlers judge what they read.
const AS_THEY_ARE: StandardSchemaV1<Params> = {
  '~standard': {
    version: 1,
    vendor: 'catalog-mcp',
    validate: (params) => ({ value: params as Params }),
  },
};

/** Everything but `tools/call`, which a transport may have run already. */
export function registerHandlers(
  { server }: McpServer,
  environment: OperationEnvironment,
  subscriptions: Set<string>,
  levels: LogLevels,
): void {
  const capabilities = server.getCapabilities();
  const visible = (context: ServerContext): Registry =>
    visibleIn(environment, environment.principalOf(context));
  const handle = (
    method: string,
    handler: (params: Params, context: ServerContext) => object | Promise<object>,
  ): void => {
    server.setRequestHandler(
      method,
      { params: AS_THEY_ARE },
      observing(environment, method, handler) as (
        params: Params,
        context: ServerContext,
      ) => Result | Promise<Result>,
    );
  };
  const guarded = (
    method: string,
    work: (params: Params, context: ServerContext) => object | Promise<object>,
  ): void =>
    handle(method, async (params, context) => {
      try {
        requireAccess(environment, { method, params }, environment.principalOf(context));
        return await work(params, context);
      } catch (error) {
        const wireError = toWireError(error);
        if (wireError !== undefined) throw wireError;
        environment.logger.error('a request failed', { method, error });
        throw internalError();
      }
    });

  guarded('completion/complete', async (params, context) => {
    const principal = environment.principalOf(context);
    if (environment.transport === 'stdio') {
      await requirePermit(environment, { method: 'completion/complete', params }, principal);
    }
    return complete(visible(context), params, principal);
  });
  if (capabilities.tools !== undefined) {
    handle('tools/list', ({ cursor }, context) => {
      const { page, ...next } = pageOf(listingOf(visible(context)).tools, cursor);
      return { tools: page, ...next };
    });
  }
  if (capabilities.prompts !== undefined) {
    handle('prompts/list', ({ cursor }, context) => {
      const { page, ...next } = pageOf(listingOf(visible(context)).prompts, cursor);
      return { prompts: page, ...next };
    });
    handle('prompts/get', (params, context) => getPrompt(environment, params, context));
  }
  if (environment.era === 'legacy') {
    handle('logging/setLevel', ({ level }) => {
      const known = LOG_LEVELS.find((candidate) => candidate === level);
      if (known === undefined) {
        throw invalidParams(`params.level has to be one of ${LOG_LEVELS.join(', ')}`);
      }
      levels.lowest = known;
      return {};
    });
  }
  if (capabilities.resources === undefined) return;
  guarded('resources/list', async ({ cursor }, context) => {
    const all = [
      ...listingOf(visible(context)).resources,
      ...(await listedByTemplates(environment, context)),
    ];
    const { page, ...next } = pageOf(all, cursor);
    return { resources: page, ...next };
  });
  handle('resources/templates/list', ({ cursor }, context) => {
    const { page, ...next } = pageOf(listingOf(visible(context)).resourceTemplates, cursor);
    return { resourceTemplates: page, ...next };
  });
  handle('resources/read', (params, context) => readResource(environment, params, context));
  if (environment.era === 'modern') return;
  guarded('resources/subscribe', (params, context) => {
    const uri = requireText(params['uri'], 'params.uri');
    const principal = environment.principalOf(context);
    // As with a resource that does not exist: nothing is ever heard of it.
    if (!mayHearOf(visible(context), uri, principal, environment.policy.authorize)) return {};
    // The oldest goes: a client that subscribes without end must not fill the memory.
    if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
      for (const oldest of subscriptions) {
        subscriptions.delete(oldest);
        break;
      }
    }
    subscriptions.add(uri);
    return {};
  });
  handle('resources/unsubscribe', (params) => {
    subscriptions.delete(requireText(params['uri'], 'params.uri'));
    return {};
  });
}

/** What templates list of themselves, for callers that may read it. */
async function listedByTemplates(
  environment: OperationEnvironment,
  context: ServerContext,
): Promise<Resource[]> {
  const principal = environment.principalOf(context);
  const listed: Resource[] = [];
  for (const template of visibleIn(environment, principal).resourceTemplates.values()) {
    const isReadable =
      principal === undefined || template.scopes.every((scope) => principal.scopes.includes(scope));
    if (template.list === undefined || !isReadable) continue;
    const requestContext: RequestContext = {
      principal,
      era: environment.era,
      clock: environment.clock,
      signal: context.mcpReq.signal,
      clientCapabilities: environment.clientCapabilitiesOf(context),
      ask: () => Promise.reject(new TypeError('a list cannot ask for input')),
      log: (...message) => environment.log(context, ...message),
    };
    for (const resource of await template.list(requestContext)) {
      listed.push({
        ...(template.mimeType !== undefined && { mimeType: template.mimeType }),
        ...(template.description !== undefined && { description: template.description }),
        ...resource,
      });
    }
  }
  return listed;
}
