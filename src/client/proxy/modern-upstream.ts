import { setTimeout as delay } from 'node:timers/promises';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { LoginRequiredError } from '../errors.js';
import type { HttpLink } from './http-link.js';
import {
  META,
  MODERN,
  type Reply,
  type RpcError,
  claimedVersion,
  metaOf,
  textOf,
} from './messages.js';
import { headerValue } from './param-headers.js';
import { stampEnvelope } from './translate.js';
import {
  CallLostError,
  type HostIdentity,
  HttpStatusError,
  type Interest,
  type ServerDescription,
  type Upstream,
  type UpstreamCall,
  type UpstreamEvents,
} from './upstream.js';

/** What a request's `Mcp-Name` header repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
const NO_HOST = { onRequest: (): Promise<Reply> => Promise.resolve(notFound()) };

/** Sends one request of the 2026 era and reads its answer. */
async function exchange(link: HttpLink, id: number, call: UpstreamCall): Promise<Reply> {
  const { method, params, signal } = call;
  const answer = await link.send({
    method: 'POST',
    headers: { ...standardHeaders(method, params), ...call.headers },
    message: { jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) },
    signal,
  });
  if (answer.error !== undefined) return { error: answer.error };
  if (answer.status < 200 || answer.status > 299) {
    throw new HttpStatusError(link.serverUrl, answer.status, answer.retryAfterMs);
  }
  try {
    for await (const { message } of answer.incoming) {
      if (message?.kind === 'response' && message.id === id) return message.reply;
      if (message?.kind === 'notification') {
        await call.onNotification(message.method, message.params);
      }
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new CallLostError(link.serverUrl, reasonOf(error), true, { cause: error });
  }
  throw new CallLostError(link.serverUrl, 'the stream ended before it', true);
}

function standardHeaders(method: string, params: JsonObject | undefined): Record<string, string> {
  const name = textOf(params?.[NAMED_BY[method] ?? '']);
  return {
    'mcp-protocol-version': claimedVersion(params) ?? MODERN,
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': headerValue(name) }),
  };
}

/** Asks a server what it is, in the words of the 2026 era. A server of 2025 answers with some error or other. */
export async function discoverServer(
  link: HttpLink,
  identity: HostIdentity,
  signal: AbortSignal,
): Promise<Reply> {
  return exchange(link, 0, {
    method: 'server/discover',
    params: stampEnvelope(undefined, identity),
    signal,
    onNotification: () => Promise.resolve(),
    ...NO_HOST,
  });
}

/** @returns undefined when the result is no answer of a server of the 2026 era */
export function describeDiscovered(raw: JsonObject): ServerDescription | undefined {
  const { supportedVersions, capabilities, instructions } = raw;
  if (!Array.isArray(supportedVersions) || !isJsonObject(capabilities)) return undefined;
  const serverInfo = metaOf(raw)?.[META.serverInfo];
  return {
    capabilities,
    serverInfo: isJsonObject(serverInfo) ? serverInfo : undefined,
    instructions: textOf(instructions),
    raw,
  };
}

export interface ModernUpstreamOptions {
  readonly link: HttpLink;
  readonly description: ServerDescription;
  /** For the stream of changes, which is nobody's single request. */
  readonly identity: HostIdentity;
  readonly events: UpstreamEvents;
  readonly logger: Logger;
}

/** A server of the 2026 era: every request stands for itself; changes come on one stream that is kept open. */
export class ModernUpstream implements Upstream {
  readonly era = 'modern';
  readonly description: ServerDescription;
  readonly #options: ModernUpstreamOptions;
  #nextId = 1;
  #listening: AbortController | undefined;

  constructor(options: ModernUpstreamOptions) {
    this.#options = options;
    this.description = options.description;
  }

  call(call: UpstreamCall): Promise<Reply> {
    return exchange(this.#options.link, this.#nextId++, call);
  }

  /** The era has no notifications from client to server over HTTP. */
  notify(): Promise<void> {
    return Promise.resolve();
  }

  setInterest(interest: Interest): Promise<RpcError | undefined> {
    this.#listening?.abort();
    const filter = this.#filterFor(interest);
    if (Object.keys(filter).length === 0) {
      this.#listening = undefined;
      return Promise.resolve(undefined);
    }
    const controller = new AbortController();
    this.#listening = controller;
    this.#listen(filter, controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted) this.#options.logger.warn('change stream', { error });
    });
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    this.#listening?.abort();
    return Promise.resolve();
  }

  /** Only what the server says it can tell. */
  #filterFor(interest: Interest): Record<string, true | string[]> {
    const { tools, prompts, resources } = this.description.capabilities;
    const can = (capability: unknown, what: string): boolean =>
      isJsonObject(capability) && capability[what] === true;
    return {
      ...(interest.tools && can(tools, 'listChanged') && { toolsListChanged: true as const }),
      ...(interest.prompts && can(prompts, 'listChanged') && { promptsListChanged: true as const }),
      ...(interest.resources &&
        can(resources, 'listChanged') && { resourcesListChanged: true as const }),
      ...(interest.uris.size > 0 &&
        can(resources, 'subscribe') && { resourceSubscriptions: [...interest.uris] }),
    };
  }

  async #listen(filter: JsonObject, signal: AbortSignal): Promise<void> {
    const { link, events, identity, logger } = this.#options;
    let waitMs = FIRST_RETRY_MS;
    for (let round = 0; !signal.aborted; round++) {
      let wasOpen = false;
      try {
        const reply = await exchange(link, this.#nextId++, {
          method: 'subscriptions/listen',
          params: stampEnvelope({ notifications: filter }, identity),
          signal,
          onNotification: async (method, params) => {
            if (method === 'notifications/subscriptions/acknowledged') {
              wasOpen = true;
              waitMs = FIRST_RETRY_MS;
              if (round > 0) events.onResync();
            } else {
              await events.onNotification(method, withoutSubscription(params));
            }
          },
          ...NO_HOST,
        });
        if ('error' in reply) {
          logger.warn('the server offers no stream of changes', { error: reply.error.message });
          return;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LoginRequiredError) {
          events.onSignedOut();
          return;
        }
        if (error instanceof HttpStatusError && error.status < 500 && error.status !== 429) return;
        logger.debug('change stream', { error });
      }
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
      if (!wasOpen) waitMs = Math.min(waitMs * 2, MAX_RETRY_MS);
    }
  }
}

function withoutSubscription(params: JsonObject | undefined): JsonObject | undefined {
  const meta = metaOf(params);
  if (params === undefined || meta?.[META.subscriptionId] === undefined) return params;
  const { [META.subscriptionId]: _id, ...rest } = meta;
  const { _meta, ...others } = params;
  return Object.keys(rest).length === 0 ? others : { ...others, _meta: rest };
}

function notFound(): Reply {
  return { error: { code: -32601, message: 'not here' } };
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
