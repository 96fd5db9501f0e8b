import {
  type AuthInfo,
  CLIENT_CAPABILITIES_META_KEY,
  type CacheHint,
  type CallToolResult,
  type InputRequiredResult,
  McpServer,
  type McpRequestContext,
  type ServerCapabilities,
} from '@modelcontextprotocol/server';
import type { Clock } from '../../shared/clock.js';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { Era } from '../core/context.js';
import type { AuditWriter } from '../core/audit-writer.js';
import type { CallPolicy } from '../core/call-policy.js';
import { mayHearOf } from '../core/policy.js';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import { warnOfSchemas } from '../core/schema-subset.js';
import { visibleRegistry } from '../core/visible.js';
import type { Tasks } from '../core/tasks.js';
import type { Upstreams } from '../core/upstream.js';
import type { Observer } from '../observe/observer.js';
import { type LogLevels, isBelow, registerHandlers } from './handlers.js';
import { compileSchemas } from './json-schema.js';
import { inputSchemaOf, outputSchemaOf } from './listing.js';
import type { OperationContext, OperationEnvironment } from './operation.js';
import type { RequestStateCodec } from './request-state.js';
import { TASKS_EXTENSION, registerTaskHandlers, taskOf } from './tasks.js';
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
  readonly upstreams?: Upstreams | undefined;
  /** Undefined: no call becomes a task. */
  readonly tasks?: Tasks | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stateCodec: RequestStateCodec;
  readonly policy: CallPolicy;
}

/** One instance for one connection or request, and what its legacy client subscribed to. */
export interface ServerInstance {
  readonly mcp: McpServer;
  readonly era: Era;
  readonly subscriptions: Set<string>;
  /** Whether the caller that the instance was made for may be told that the content behind a URI changed. */
  mayHear(uri: string): boolean;
  /** The lowest level of messages that the client of a session wants to hear; undefined: all. */
  setLogLevel(level: LogLevels['lowest']): void;
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
  context: Pick<McpRequestContext, 'era' | 'authInfo'>,
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
  const { authorize } = options.policy;
  const vetted = new WeakSet<Registry>();
  const vet = (registry: Registry): void => {
    if (vetted.has(registry)) return;
    vetted.add(registry);
    warnOfSchemas(registry, options.logger);
  };
  requireTaskStore(options);
  vet(options.registry());
  return ({ era, authInfo }, takeReplay) => {
    vet(options.registry());
    const caller = options.principal ?? principalOf(authInfo);
    const visible = (): Registry => visibleRegistry(options.registry(), caller, authorize);
    const mcp = new RegistryServer(visible, info, {
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
    server.registerCapabilities(capabilitiesOf(options, era));
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
    if (era === 'modern' && options.tasks !== undefined) {
      registerTaskHandlers(mcp, environment, options.tasks);
    }
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
      mayHear: (uri) => mayHearOf(visible(), uri, caller, authorize),
      setLogLevel: (level) => (levels.lowest = level),
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

function capabilitiesOf(
  { registry, isReplaceable, tasks }: ServerFactoryOptions,
  era: Era,
): ServerCapabilities {
  const { tools, prompts, resources, resourceTemplates } = registry();
  const has = (count: number): boolean => count > 0 || isReplaceable === true;
  return {
    logging: {},
    completions: {},
    ...(tasks !== undefined && era === 'modern' && { extensions: { [TASKS_EXTENSION]: {} } }),
    ...(has(tools.size) && { tools: { listChanged: true } }),
    ...(has(prompts.size) && { prompts: { listChanged: true } }),
    ...(has(resources.size + resourceTemplates.size) && {
      resources: { listChanged: true, subscribe: true },
    }),
  };
}

/** @throws {TypeError} that names the tool */
function requireTaskStore({ registry, tasks }: ServerFactoryOptions): void {
  if (tasks !== undefined) return;
  for (const tool of registry().tools.values()) {
    if (taskOf(tool)?.support !== 'required') continue;
    throw new TypeError(
      `tool ${JSON.stringify(tool.name)} always runs as a task: give the server a store for tasks`,
    );
  }
}

function asCapabilities(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
