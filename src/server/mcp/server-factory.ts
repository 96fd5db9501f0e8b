import {
  type AuthInfo,
  CLIENT_CAPABILITIES_META_KEY,
  type CacheHint,
  type CallToolResult,
  type InputRequiredResult,
  McpServer,
  type McpRequestContext,
  type Resource,
  type Result,
  type ServerCapabilities,
  type ServerContext,
  type StandardSchemaV1,
} from '@modelcontextprotocol/server';
import type { Clock } from '../../shared/clock.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { type Era, type LogLevel, LOG_LEVELS, type RequestContext } from '../core/context.js';
import type { AuditWriter } from '../core/audit-writer.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import type { Observer } from '../observe/observer.js';
import { internalError, invalidParams, toWireError } from './errors.js';
import { compileSchemas } from './json-schema.js';
import { inputSchemaOf, listingOf, outputSchemaOf, pageOf } from './listing.js';
import { type OperationContext, type OperationEnvironment, requireAccess } from './operation.js';
import { observing } from './observation.js';
import { type Params, requireText } from './params.js';
import { complete, getPrompt } from './prompts.js';
import type { RequestStateCodec } from './request-state.js';
import { readResource } from './resource-reads.js';
import { callTool } from './tool-calls.js';

/** How the server names itself to clients. */
export interface ServerInfo {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  /** Told to the model by hosts that pass it on. */
  readonly instructions?: string;
}

export interface ServerFactoryOptions {
  /** Asked anew for every request, so that a registry may be replaced while the server runs. */
  readonly registry: () => Registry;
  /** Whether it may be: then clients are told of kinds of things that there are none of yet. Default false. */
  readonly isReplaceable?: boolean;
  readonly serverInfo: ServerInfo;
  readonly transport: 'http' | 'stdio';
  /** The caller when the connection has one for its whole life (stdio). Over HTTP it comes with each request. */
  readonly principal?: Principal | undefined;
  /** Whether lists may be cached for every caller. Never on a server that authenticates. */
  readonly isPublic: boolean;
  readonly audit: AuditWriter;
  readonly auditArguments?: boolean | undefined;
  readonly observer?: Required<Observer> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stateCodec: RequestStateCodec;
}

/** One instance for one connection or request, and what its legacy client subscribed to. */
export interface ServerInstance {
  readonly mcp: McpServer;
  readonly era: Era;
  readonly subscriptions: Set<string>;
  /** Runs a `tools/call` for a caller of its own, which has to encode what comes out. */
  callTool(
    params: JsonObject,
    context: OperationContext,
  ): Promise<CallToolResult | InputRequiredResult>;
}

/**
 * How a call that already runs, or has run, ends: returned or thrown. An instance that is given one puts it on the wire
 * and starts nothing.
 */
export type Replay = (
  context: OperationContext,
) => CallToolResult | InputRequiredResult | Promise<CallToolResult | InputRequiredResult>;

/** The replay for the call that came in this HTTP request. Given out once: a further round of questions is run. */
export type TakeReplay = (request: Request) => Replay | undefined;

export type ServerFactory = (
  context: Pick<McpRequestContext, 'era'>,
  takeReplay?: TakeReplay,
) => ServerInstance;

/** Replays by the request they answer. */
export class Replays {
  readonly #waiting = new WeakMap<Request, Replay>();

  give(request: Request, replay: Replay | undefined): void {
    if (replay !== undefined) this.#waiting.set(request, replay);
  }

  readonly take: TakeReplay = (request) => {
    const replay = this.#waiting.get(request);
    this.#waiting.delete(request);
    return replay;
  };
}

const LIST_TTL_MS = 60_000;
const MAX_SUBSCRIPTIONS = 1000;

/**
 * Builds the instances of both eras from one registry: the only builder there is, so that the eras and the transports
 * cannot drift apart. An instance is cheap: the registry's schemas and lists are made once, outside.
 *
 * @throws {TypeError} on a hand-written schema of the registry at hand that cannot be compiled
 */
export function createServerFactory(options: ServerFactoryOptions): ServerFactory {
  const { instructions } = options.serverInfo;
  const info = identityOf(options.serverInfo);
  compileSchemas(options.registry());
  const listHint: CacheHint = {
    ttlMs: LIST_TTL_MS,
    cacheScope: options.isPublic ? 'public' : 'private',
  };
  return ({ era }, takeReplay) => {
    const mcp = new RegistryServer(options.registry, info, {
      ...(instructions !== undefined && { instructions }),
      cacheHints: {
        'server/discover': listHint,
        'tools/list': listHint,
        'prompts/list': listHint,
        'resources/list': listHint,
        'resources/templates/list': listHint,
      },
    });
    const { server } = mcp;
    server.onerror = (error) => options.logger.debug('protocol error', { error });
    const levels: LogLevels = { lowest: undefined };
    const environment: OperationEnvironment = {
      ...options,
      get registry() {
        return options.registry();
      },
      era,
      log: (context, level, ...message) =>
        isBelow(level, levels.lowest) ? Promise.resolve() : context.mcpReq.log(level, ...message),
      principalOf: (context) => options.principal ?? principalOf(context.http?.authInfo),
      clientCapabilitiesOf: (context) =>
        asCapabilities(
          era === 'modern'
            ? context.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY as never]
            : server.getClientCapabilities(),
        ),
    };
    const subscriptions = new Set<string>();
    server.registerCapabilities(capabilitiesOf(options));
    const pinned = new WeakMap<AbortSignal, Registry>();
    // The rounds of a call that asks are one request in the older era: it ends with the code that it began with.
    const environmentOf = (context: OperationContext): OperationEnvironment => {
      if (era === 'modern' || options.isReplaceable !== true) return environment;
      const { signal } = context.mcpReq;
      const registry = pinned.get(signal) ?? options.registry();
      pinned.set(signal, registry);
      return { ...environment, registry };
    };
    const call = (
      request: { readonly method: string; readonly params?: unknown },
      context: OperationContext,
    ): Promise<CallToolResult | InputRequiredResult> =>
      callTool(
        environmentOf(context),
        (result, tool) => server.projectCallToolResult(result, outputSchemaOf(tool)),
        request,
        context,
      );
    registerHandlers(mcp, environment, subscriptions, levels);
    if (server.getCapabilities().tools !== undefined) {
      server.setRequestHandler('tools/call', async (request, context) => {
        const replay = context.http?.req && takeReplay?.(context.http.req);
        if (replay === undefined) return call(request, context);
        environmentOf(context);
        return replay(context);
      });
    }
    return {
      mcp,
      era,
      subscriptions,
      callTool: (params, context) => call({ method: 'tools/call', params }, context),
    };
  };
}

/** What every result names the server by. */
export function identityOf(serverInfo: ServerInfo): Omit<ServerInfo, 'instructions'> {
  const { instructions: _told, ...identity } = serverInfo;
  return identity;
}

/** Wraps a principal for the SDK's pass-through. The token itself never goes further than the gate. */
export function toAuthInfo(principal: Principal | undefined): AuthInfo | undefined {
  if (principal === undefined) return undefined;
  return {
    token: '',
    clientId: principal.clientId,
    scopes: [...principal.scopes],
    ...(principal.expiresAt !== undefined && { expiresAt: principal.expiresAt }),
    extra: { principal },
  };
}

function principalOf(authInfo: AuthInfo | undefined): Principal | undefined {
  return authInfo?.extra?.['principal'] as Principal | undefined;
}

/**
 * The SDK's server without its own registration: handlers read our registry directly, so an instance costs a few
 * closures however many tools there are.
 */
class RegistryServer extends McpServer {
  readonly #registry: () => Registry;

  constructor(registry: () => Registry, ...rest: ConstructorParameters<typeof McpServer>) {
    super(...rest);
    this.#registry = registry;
  }

  /** Read by the SDK's HTTP entry for its `Mcp-Param-*` check (SEP-2243). */
  override toolInputSchemaJson(name: string): Record<string, unknown> | undefined {
    const tool = this.#registry().tools.get(name);
    return tool === undefined ? undefined : inputSchemaOf(tool);
  }
}

function capabilitiesOf({ registry, isReplaceable }: ServerFactoryOptions): ServerCapabilities {
  const { tools, prompts, resources, resourceTemplates } = registry();
  const has = (count: number): boolean => count > 0 || isReplaceable === true;
  return {
    logging: {},
    completions: {},
    ...(has(tools.size) && { tools: { listChanged: true } }),
    ...(has(prompts.size) && { prompts: { listChanged: true } }),
    ...(has(resources.size + resourceTemplates.size) && {
      resources: { listChanged: true, subscribe: true },
    }),
  };
}

/** What a legacy client wants to hear, from `logging/setLevel`; a modern one says it in every request, to the SDK. */
interface LogLevels {
  lowest: LogLevel | undefined;
}

function isBelow(level: LogLevel, lowest: LogLevel | undefined): boolean {
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

function registerHandlers(
  { server }: McpServer,
  environment: OperationEnvironment,
  subscriptions: Set<string>,
  levels: LogLevels,
): void {
  const capabilities = server.getCapabilities();
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

  guarded('completion/complete', (params, context) =>
    complete(environment.registry, params, environment.principalOf(context)),
  );
  if (capabilities.tools !== undefined) {
    handle('tools/list', ({ cursor }) => {
      const { page, ...next } = pageOf(listingOf(environment.registry).tools, cursor);
      return { tools: page, ...next };
    });
  }
  if (capabilities.prompts !== undefined) {
    handle('prompts/list', ({ cursor }) => {
      const { page, ...next } = pageOf(listingOf(environment.registry).prompts, cursor);
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
      ...listingOf(environment.registry).resources,
      ...(await listedByTemplates(environment, context)),
    ];
    const { page, ...next } = pageOf(all, cursor);
    return { resources: page, ...next };
  });
  handle('resources/templates/list', ({ cursor }) => {
    const { page, ...next } = pageOf(listingOf(environment.registry).resourceTemplates, cursor);
    return { resourceTemplates: page, ...next };
  });
  handle('resources/read', (params, context) => readResource(environment, params, context));
  if (environment.era === 'modern') return;
  guarded('resources/subscribe', (params) => {
    const uri = requireText(params['uri'], 'params.uri');
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
  for (const template of environment.registry.resourceTemplates.values()) {
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

function asCapabilities(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
