import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { HttpLink } from './http-link.js';
import { InitializeRefusedError } from './legacy-session.js';
import { LegacyUpstream } from './legacy-upstream.js';
import type { Memory } from './memory.js';
import { LATEST_LEGACY, MODERN, type RpcError } from './messages.js';
import { ModernUpstream, describeDiscovered, discoverServer } from './modern-upstream.js';
import {
  type Era,
  type HostIdentity,
  HttpStatusError,
  type Upstream,
  type UpstreamEvents,
} from './upstream.js';

/** What the host said first: it decides what is tried first, so that equal eras need no bridge. */
export interface FirstContact {
  readonly era: Era;
  readonly identity: HostIdentity;
  /** Parameters of the host's own `initialize`. */
  readonly initialize?: JsonObject;
}

export interface ConnectorOptions {
  readonly link: HttpLink;
  readonly memory: Memory;
  readonly events: UpstreamEvents;
  readonly logger: Logger;
  /** Whether a token was needed; noted for the next start. */
  readonly needsLogin: () => Promise<boolean>;
}

/** The server speaks neither era, or refuses this host. */
export class ConnectionRefusedError extends Error {
  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

type Attempt = { readonly upstream: Upstream } | { readonly refusal: RpcError | HttpStatusError };

const FALLBACK_CLIENT = { name: 'catalog-client', version: '0.1.0' };

/** Finds out which era the server speaks, and connects in it. */
export class Connector {
  readonly #options: ConnectorOptions;
  #attempt: Promise<Upstream> | undefined;
  current: Upstream | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /**
   * The connection, made once for all that ask together; a failed attempt is made again by whoever asks next.
   *
   * @throws {ConnectionRefusedError | HttpStatusError} and what the link throws
   */
  connect(contact: FirstContact, signal: AbortSignal): Promise<Upstream> {
    if (this.current !== undefined) return Promise.resolve(this.current);
    this.#attempt ??= this.#connect(contact, signal).finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async close(): Promise<void> {
    await this.current?.close();
    this.#options.link.close();
  }

  async #connect(contact: FirstContact, signal: AbortSignal): Promise<Upstream> {
    const { memory, logger } = this.#options;
    const known = memory.knownEra(await memory.read());
    const first = known ?? contact.era;
    const order: readonly Era[] = first === 'modern' ? ['modern', 'legacy'] : ['legacy', 'modern'];
    const refusals: (RpcError | HttpStatusError)[] = [];
    for (const era of order) {
      const attempt =
        era === 'modern'
          ? await this.#tryModern(contact, signal)
          : await this.#tryLegacy(contact, signal);
      if ('upstream' in attempt) {
        this.current = attempt.upstream;
        const isForced = era !== contact.era;
        // What an earlier process found out is used, not found out: it ages.
        if (!isForced || refusals.length > 0)
          this.#note(attempt.upstream, isForced ? era : undefined);
        logger.info('connected', { server: this.#options.link.serverUrl, era });
        return attempt.upstream;
      }
      refusals.push(attempt.refusal);
    }
    const own = refusals[order.indexOf(contact.era)];
    if (own instanceof HttpStatusError) throw own;
    throw new ConnectionRefusedError(own ?? { code: -32603, message: 'the server cannot be used' });
  }

  async #tryModern(contact: FirstContact, signal: AbortSignal): Promise<Attempt> {
    const { link, events, logger } = this.#options;
    const identity: HostIdentity =
      contact.era === 'modern'
        ? contact.identity
        : { ...contact.identity, protocolVersion: MODERN };
    try {
      let reply = await discoverServer(link, identity, signal);
      if ('error' in reply && offers(reply.error, MODERN)) {
        reply = await discoverServer(link, { ...identity, protocolVersion: MODERN }, signal);
      }
      if ('error' in reply) return { refusal: reply.error };
      const description = describeDiscovered(reply.result);
      if (description === undefined) {
        return {
          refusal: { code: -32603, message: 'the answer to server/discover is unreadable' },
        };
      }
      return { upstream: new ModernUpstream({ link, description, identity, events, logger }) };
    } catch (error) {
      if (isAboutEra(error)) return { refusal: error };
      throw error;
    }
  }

  async #tryLegacy(contact: FirstContact, signal: AbortSignal): Promise<Attempt> {
    const { link, events, logger } = this.#options;
    const { identity } = contact;
    const initialize = contact.initialize ?? {
      protocolVersion: LATEST_LEGACY,
      capabilities: identity.capabilities,
      clientInfo: identity.clientInfo ?? FALLBACK_CLIENT,
    };
    try {
      const options = { link, initialize, events, logger };
      return { upstream: await LegacyUpstream.open(options, signal) };
    } catch (error) {
      if (error instanceof InitializeRefusedError) return { refusal: error.error };
      if (isAboutEra(error)) return { refusal: error };
      throw error;
    }
  }

  #note(upstream: Upstream, only: Era | undefined): void {
    const { memory, needsLogin, logger } = this.#options;
    needsLogin()
      .then((needs) => memory.noteServer(only, upstream.description, needs))
      .catch((error: unknown) => logger.debug('nothing noted of the server', { error }));
  }
}

/** What is wrong with the credentials, or too much at the moment, says nothing about the era. */
function isAboutEra(error: unknown): error is HttpStatusError {
  return error instanceof HttpStatusError && ![401, 403, 429].includes(error.status);
}

/** Whether a refused version is answered with a list that has this one. */
function offers({ code, data }: RpcError, version: string): boolean {
  if (code !== -32022 || !isJsonObject(data)) return false;
  const { supported } = data;
  return Array.isArray(supported) && supported.includes(version);
}

/** The last of what the server said it can, or everything: a host that asks is answered with empty lists. */
export function assumedCapabilities(known: JsonObject | undefined): JsonObject {
  const base = known ?? {
    resources: { subscribe: true, listChanged: true },
    prompts: { listChanged: true },
    logging: {},
    completions: {},
  };
  return withToolChanges(base);
}

/** The proxy itself changes the list of tools: when somebody signs in, or out. */
export function withToolChanges(capabilities: JsonObject): JsonObject {
  const { tools } = capabilities;
  return { ...capabilities, tools: { ...(isJsonObject(tools) ? tools : {}), listChanged: true } };
}
