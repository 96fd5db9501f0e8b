import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { nowSeconds } from '../../shared/clock.js';
import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { canonicalResource } from '../../oauth/resource.js';
import type { SafeExchange } from '../../net/safe-exchange.js';
import { AuthorizedSession } from '../authorized-fetch.js';
import type { Broker } from '../broker.js';
import { LoginRequiredError } from '../errors.js';
import { isUsable } from '../grant.js';
import type { FetchLike } from '../token-endpoint.js';
import { Changes } from './changes.js';
import { Connector } from './connector.js';
import { Gateway } from './gateway.js';
import { HostLink } from './host-link.js';
import { HttpLink } from './http-link.js';
import { LegacyFront } from './legacy-front.js';
import { Memory } from './memory.js';
import {
  type Message,
  type RequestId,
  type RpcResponse,
  claimedVersion,
  isRequestId,
  textOf,
} from './messages.js';
import { ModernFront } from './modern-front.js';
import { type LaunchHelper, SignInDesk } from './sign-in.js';
import { SignInCounter } from './sign-in-counter.js';
import { Toolbox } from './toolbox.js';
import type { UpstreamEvents } from './upstream.js';

export interface ProxyOptions {
  readonly serverUrl: string;
  readonly input: Readable;
  readonly output: Writable;
  readonly broker: Broker;
  /** The broker's folder. */
  readonly home: string;
  readonly exchange: SafeExchange;
  /** For discovery after a 401. */
  readonly oauthFetch: FetchLike;
  /** Sent to the server with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** False: the headers are the credentials; nobody is ever signed in. */
  readonly usesOAuth: boolean;
  readonly launchHelper: LaunchHelper;
  /** Opens the sign-in page when a login is found missing, without being asked. Default false. */
  readonly signsInAtStart?: boolean;
  readonly allowTools?: readonly string[] | undefined;
  readonly denyTools?: readonly string[] | undefined;
  readonly strictTools?: boolean | undefined;
  readonly acceptTools?: boolean | undefined;
  readonly version: string;
  readonly logger: Logger;
}

export interface Proxy {
  /** Settled when the host has closed its end. */
  readonly closed: Promise<void>;
  /** Waits for the answers that are under way, for a host that said all it had to say at once. */
  drain(limitMs: number): Promise<void>;
  /** Ends every call, tells the server, and writes down what is not on disk yet. */
  close(): Promise<void>;
}

/** A login or logout by another process is noticed within this time; the file is not read for each call. */
const TOKEN_REUSE_MS = 1_000;
/** Requests of the host that run at once. */
const MAX_RUNNING = 1_024;

/**
 * A stdio server that is another server over HTTP: speaks both eras on both sides, signs people in apart from its own
 * process, and never sends a call twice that may do something twice.
 *
 * Writes nothing but protocol to `output`. Does NOT end the process: see {@link Proxy.closed}.
 */
export function startProxy(options: ProxyOptions): Proxy {
  return new ProxyProcess(options);
}

class ProxyProcess implements Proxy {
  readonly #options: ProxyOptions;
  readonly #host: HostLink;
  readonly #legacy: LegacyFront;
  readonly #modern: ModernFront;
  readonly #gateway: Gateway;
  readonly #connector: Connector;
  readonly #toolbox: Toolbox;
  readonly #running = new Map<RequestId, AbortController>();
  /** Those of {@link #running} that end by themselves. */
  readonly #answering = new Set<Promise<void>>();
  readonly #ended = new AbortController();

  constructor(options: ProxyOptions) {
    this.#options = options;
    const { broker, home, logger, usesOAuth } = options;
    const serverUrl = canonicalResource(options.serverUrl);
    const { signal } = this.#ended;
    const memory = new Memory({ home, profile: broker.profile, serverUrl, clock: broker.clock });
    const desk = new SignInDesk({ serverUrl, broker, launch: options.launchHelper });
    const counter = new SignInCounter({ serverUrl, broker, desk, logger, signal });
    const session = usesOAuth ? authorizedSession(serverUrl, options, counter) : undefined;
    const link = new HttpLink({
      serverUrl,
      exchange: options.exchange,
      session,
      headers: options.headers,
    });
    const changes = new Changes();
    this.#host = new HostLink({
      input: options.input,
      output: options.output,
      logger,
      onMessage: (message) => this.#take(message),
    });
    this.#toolbox = new Toolbox({
      memory,
      allow: options.allowTools,
      deny: options.denyTools ?? [],
      isStrict: options.strictTools === true,
      isAccepting: options.acceptTools === true,
      logger,
      onChange: (tool, diff) => this.#tellChange(tool, diff),
    });
    this.#connector = new Connector({
      link,
      memory,
      logger,
      events: this.#events(changes),
      needsLogin: async () => (await broker.findGrant(serverUrl)) !== undefined,
    });
    this.#gateway = new Gateway({
      serverUrl,
      connector: this.#connector,
      toolbox: this.#toolbox,
      changes,
      counter,
      logger,
      signal,
    });
    counter.onSignedOut = () => {
      if (this.#gateway.current !== undefined) this.#gateway.announceAll().catch(() => undefined);
      if (options.signsInAtStart === true)
        desk.begin([], undefined).catch((error: unknown) => logger.warn('login', { error }));
    };
    const front = {
      serverUrl,
      host: this.#host,
      gateway: this.#gateway,
      changes,
      memory,
      ownInfo: { name: 'catalog-client-proxy', version: options.version } satisfies JsonObject,
      mayConnect: async (): Promise<boolean> => {
        if (!usesOAuth) return true;
        const grant = await broker.findGrant(serverUrl);
        if (isUsable(grant, nowSeconds(broker.clock))) return true;
        // A server that was open the last time.
        return grant === undefined && (await memory.read()).needsLogin === false;
      },
    };
    this.#legacy = new LegacyFront(front);
    this.#modern = new ModernFront({ ...front, signal });
    this.#host.start();
  }

  get closed(): Promise<void> {
    return this.#host.closed;
  }

  async drain(limitMs: number): Promise<void> {
    const limit = new AbortController();
    const tooLate = delay(limitMs, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([Promise.allSettled(this.#answering), tooLate]);
    limit.abort();
  }

  async close(): Promise<void> {
    this.#ended.abort(new Error('the proxy ends'));
    this.#host.close();
    for (const controller of this.#running.values())
      controller.abort(new Error('the host has gone'));
    await Promise.all([this.#connector.close().catch(() => undefined), this.#toolbox.flushed()]);
  }

  #take(message: Exclude<Message, RpcResponse>): void {
    if (message.kind === 'notification') {
      if (message.method === 'notifications/cancelled') {
        const id = message.params?.['requestId'];
        const reason = textOf(message.params?.['reason']) ?? 'cancelled by the host';
        if (isRequestId(id)) this.#running.get(id)?.abort(new Error(reason));
        return;
      }
      this.#legacy
        .notice(message)
        .catch((error: unknown) => this.#options.logger.debug('notification', { error }));
      return;
    }
    const { id } = message;
    if (this.#running.size >= MAX_RUNNING || this.#running.has(id)) {
      const problem = this.#running.has(id) ? 'this id is in use' : 'too many requests at once';
      this.#host.answer(id, { error: { code: -32600, message: problem } }).catch(() => undefined);
      return;
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    const { signal } = controller;
    const isModern = claimedVersion(message.params) !== undefined;
    const handling = isModern
      ? this.#modern.handle(message, signal)
      : this.#legacy.handle(message, signal, (question, questionSignal) =>
          this.#host.ask(
            question.method,
            question.params,
            AbortSignal.any([signal, questionSignal]),
          ),
        );
    const answered = handling
      .catch((error: unknown) => {
        // Taken back: nobody waits for an answer.
        if (signal.aborted) return undefined;
        this.#options.logger.error('request failed', { method: message.method, error });
        return { error: { code: -32603, message: 'internal error of the proxy' } };
      })
      .then((reply) => {
        this.#running.delete(id);
        this.#answering.delete(answered);
        return reply === undefined || signal.aborted ? undefined : this.#host.answer(id, reply);
      })
      .catch(() => undefined);
    if (message.method !== 'subscriptions/listen') this.#answering.add(answered);
  }

  #events(changes: Changes): UpstreamEvents {
    return {
      onNotification: async (method, params) => {
        if (Changes.isChange(method)) {
          if (method === 'notifications/tools/list_changed') this.#toolbox.invalidate();
          await changes.announce(method, params);
        } else if (this.#legacy.isOpen) {
          await this.#host.notify(method, params);
        }
      },
      onRequest: (request, signal) =>
        this.#legacy.isOpen
          ? this.#host.ask(request.method, request.params, signal)
          : this.#modern.ask(request, signal),
      onResync: () => {
        this.#gateway.announceAll().catch(() => undefined);
      },
      onSignedOut: () => this.#options.logger.debug('a stream needs a login'),
    };
  }

  #tellChange(tool: string, diff: readonly string[]): void {
    const { strictTools, logger } = this.#options;
    const what = strictTools === true ? 'withheld' : 'shown this once';
    logger.warn(`the definition of a tool has changed since it was first seen: ${what}`, { tool });
    for (const line of diff) logger.warn(`  ${line}`);
    if (!this.#legacy.isOpen) return;
    const text = `The definition of the tool ${JSON.stringify(tool)} has changed since it was first seen (${what}):\n${diff.join('\n')}`;
    this.#host
      .notify('notifications/message', {
        level: 'warning',
        logger: 'catalog-client proxy',
        data: text,
      })
      .catch(() => undefined);
  }
}

/** Renews tokens by itself; more scopes cost a visit of the person; a login only when the host asks for it. */
function authorizedSession(
  serverUrl: string,
  { broker, oauthFetch }: ProxyOptions,
  counter: SignInCounter,
): AuthorizedSession {
  return new AuthorizedSession({
    serverUrl,
    broker,
    oauthFetch,
    tokenReuseMs: TOKEN_REUSE_MS,
    signIn: (reason, request) => {
      if (reason === 'more-scopes') return counter.stepUp(request);
      counter.refuse(request.notGrant);
      throw new LoginRequiredError(serverUrl, request.because);
    },
  });
}
