import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import type { HttpLink } from './http-link.js';
import { LegacySession, SessionLostError } from './legacy-session.js';
import type { Reply, RpcError } from './messages.js';
import {
  CallLostError,
  type Interest,
  type ServerDescription,
  type Upstream,
  type UpstreamCall,
  type UpstreamEvents,
} from './upstream.js';

export interface LegacyUpstreamOptions {
  readonly link: HttpLink;
  /** Parameters of `initialize`, which are sent again when the server has forgotten the session. */
  readonly initialize: JsonObject;
  readonly events: UpstreamEvents;
  readonly logger: Logger;
}

const CLOSE_LIMIT_MS = 1_000;

/**
 * A server of the 2025 era. A session that the server has lost is opened again, with what was set in it, and the call
 * that met the loss is sent again: the server did not look at it.
 */
export class LegacyUpstream implements Upstream {
  readonly era = 'legacy';
  readonly #options: LegacyUpstreamOptions;
  readonly #events: UpstreamEvents;
  #session: LegacySession;
  #started: Promise<void> | undefined;
  #reopening: Promise<void> | undefined;
  #logLevel: JsonObject | undefined;
  #uris: ReadonlySet<string> = new Set();

  private constructor(
    options: LegacyUpstreamOptions,
    session: LegacySession,
    events: UpstreamEvents,
  ) {
    this.#options = options;
    this.#session = session;
    this.#events = events;
  }

  static async open(options: LegacyUpstreamOptions, signal: AbortSignal): Promise<LegacyUpstream> {
    const box: { upstream?: LegacyUpstream } = {};
    const events: UpstreamEvents = {
      ...options.events,
      onResync: () => box.upstream?.resync(),
    };
    const session = await LegacySession.open(options.link, options.initialize, events, signal);
    const upstream = new LegacyUpstream(options, session, events);
    box.upstream = upstream;
    return upstream;
  }

  get description(): ServerDescription {
    return this.#session.description;
  }

  /** Tells the server that the host is ready. Called once the host has its answer to `initialize`. */
  start(): Promise<void> {
    this.#started ??= this.#session.start().catch((error: unknown) => {
      if (!(error instanceof SessionLostError)) throw error;
      return this.#reopen(this.#session);
    });
    return this.#started;
  }

  async call(call: UpstreamCall): Promise<Reply> {
    if (call.method === 'logging/setLevel') this.#logLevel = call.params;
    await this.start();
    return this.#inSession((session) => session.call(call));
  }

  async notify(method: string, params: JsonObject | undefined): Promise<void> {
    await this.start();
    return this.#inSession((session) => session.notify(method, params));
  }

  async setInterest({ uris }: Interest): Promise<RpcError | undefined> {
    const before = this.#uris;
    this.#uris = uris;
    let refusal: RpcError | undefined;
    for (const uri of uris) {
      if (before.has(uri)) continue;
      const reply = await this.call(this.#own('resources/subscribe', { uri }));
      if ('error' in reply) refusal ??= reply.error;
    }
    for (const uri of before) {
      if (!uris.has(uri)) await this.call(this.#own('resources/unsubscribe', { uri }));
    }
    return refusal;
  }

  async close(): Promise<void> {
    await this.#session.close('over', AbortSignal.timeout(CLOSE_LIMIT_MS)).catch(() => undefined);
  }

  /** The server may have been away: makes sure of the session, then everybody looks again. */
  resync(): void {
    const session = this.#session;
    const check = async (): Promise<void> => {
      try {
        await session.call(this.#own('ping', undefined));
      } catch (error) {
        if (!(error instanceof SessionLostError)) throw error;
        await this.#reopen(session);
      }
      this.#options.events.onResync();
    };
    check().catch((error: unknown) => this.#options.logger.debug('resync', { error }));
  }

  async #inSession<T>(task: (session: LegacySession) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const session = this.#session;
      try {
        return await task(session);
      } catch (error) {
        if (!(error instanceof SessionLostError)) throw error;
        if (attempt > 0) {
          const { serverUrl } = this.#options.link;
          throw new CallLostError(serverUrl, 'a new session is forgotten at once', false);
        }
        await this.#reopen(session);
      }
    }
  }

  /** One process-wide attempt, whatever number of calls meet the loss. */
  async #reopen(lost: LegacySession): Promise<void> {
    if (this.#session !== lost) return this.#reopening;
    this.#reopening ??= this.#openAgain(lost).finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async #openAgain(lost: LegacySession): Promise<void> {
    const { link, initialize, logger, events } = this.#options;
    logger.info('the server has lost the session: opening a new one', { server: link.serverUrl });
    const session = await LegacySession.open(
      link,
      initialize,
      this.#events,
      AbortSignal.timeout(60_000),
    );
    await session.start();
    this.#session = session;
    this.#started = Promise.resolve();
    await lost.close('lost');
    if (this.#logLevel !== undefined) await this.#restore('logging/setLevel', this.#logLevel);
    for (const uri of this.#uris) await this.#restore('resources/subscribe', { uri });
    events.onResync();
  }

  async #restore(method: string, params: JsonObject): Promise<void> {
    await this.#session.call(this.#own(method, params));
  }

  #own(method: string, params: JsonObject | undefined): UpstreamCall {
    const { events } = this.#options;
    return {
      method,
      params,
      signal: this.#session.signal,
      onNotification: events.onNotification,
      onRequest: events.onRequest,
    };
  }
}
