import { setTimeout as delay } from 'node:timers/promises';
import { ToolkitError } from '../../shared/errors.js';
import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { NetworkError } from '../../net/errors.js';
import { LoginRequiredError } from '../errors.js';
import { type Changes, LIST_CHANGED } from './changes.js';
import { ConnectionRefusedError, type Connector, type FirstContact } from './connector.js';
import { withInputRounds } from './input-rounds.js';
import { LegacyUpstream } from './legacy-upstream.js';
import { MODERN, type Reply, type RpcError, textOf } from './messages.js';
import { isRepeatable, mayHaveRun, retryDelay } from './retry.js';
import { SIGN_IN_TOOL, signInTool } from './sign-in.js';
import type { SignInCounter } from './sign-in-counter.js';
import type { Toolbox } from './toolbox.js';
import {
  stampEnvelope,
  toLegacyParams,
  toLegacyResult,
  toModernError,
  toModernResult,
} from './translate.js';
import {
  type AskHost,
  type Era,
  type HostIdentity,
  HttpStatusError,
  type Upstream,
} from './upstream.js';

/** A request of the host, in the form of the host's era. */
export interface HostCall {
  readonly era: Era;
  readonly method: string;
  readonly params: JsonObject | undefined;
  readonly identity: HostIdentity;
  readonly contact: FirstContact;
  readonly signal: AbortSignal;
  readonly onNotification: (method: string, params: JsonObject | undefined) => Promise<void>;
  readonly ask: AskHost;
}

export interface GatewayOptions {
  readonly serverUrl: string;
  readonly connector: Connector;
  readonly toolbox: Toolbox;
  readonly changes: Changes;
  readonly counter: SignInCounter;
  readonly logger: Logger;
  /** Aborted when the proxy ends. */
  readonly signal: AbortSignal;
}

const MAX_PAGES = 100;
const FIRST_LOOK_MS = 1_000;
const MAX_LOOK_MS = 30_000;
const EMPTY_LISTS: Readonly<Record<string, string>> = {
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

/** Takes the host's requests to the server and the answers back, whatever the two eras are. */
export class Gateway {
  readonly #options: GatewayOptions;
  #isWaiting = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    options.counter.onSignedIn = () => {
      this.#resume().catch((error: unknown) => options.logger.warn('after the login', { error }));
    };
  }

  get current(): Upstream | undefined {
    return this.#options.connector.current;
  }

  /** Connects, or throws why not: nobody is signed in, the server refuses, or cannot be reached. */
  async connect(contact: FirstContact): Promise<Upstream> {
    const { connector, counter, signal } = this.#options;
    counter.lastContact = contact;
    try {
      const isNew = connector.current === undefined;
      const upstream = await connector.connect(contact, signal);
      if (isNew) await this.refreshInterest();
      return upstream;
    } catch (error) {
      if (error instanceof LoginRequiredError) counter.signedOut(error);
      else if (isPassing(error)) this.#waitForServer(contact);
      throw error;
    }
  }

  /** Looks for a server that could not be reached, so that the host hears of it without asking again. */
  #waitForServer(contact: FirstContact): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    const { connector, signal, logger } = this.#options;
    const wait = async (): Promise<void> => {
      for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, MAX_LOOK_MS)) {
        await delay(waitMs, undefined, { signal, ref: false });
        // Somebody's call has come through meanwhile, and its host knows.
        if (connector.current !== undefined) return;
        try {
          await this.connect(contact);
          break;
        } catch (error) {
          if (!isPassing(error)) return;
        }
      }
      await this.announceAll();
    };
    wait()
      .catch((error: unknown) => logger.debug('waiting for the server', { error }))
      .finally(() => {
        this.#isWaiting = false;
      });
  }

  /** Tells the server what the host wants to hear of. @returns the server's refusal */
  async refreshInterest(): Promise<RpcError | undefined> {
    const { connector, changes } = this.#options;
    return connector.current?.setInterest(changes.interest);
  }

  /** Everybody on the host's side looks again. */
  async announceAll(): Promise<void> {
    this.#options.toolbox.invalidate();
    for (const method of LIST_CHANGED) await this.#options.changes.announce(method, undefined);
  }

  /** Answers every request; rejects only when the host took it back. */
  async call(call: HostCall): Promise<Reply> {
    const reply = await this.#callOrExplain(call);
    if ('error' in reply) {
      return call.era === 'modern' ? { error: toModernError(reply.error) } : reply;
    }
    return reply;
  }

  async #callOrExplain(call: HostCall): Promise<Reply> {
    const { toolbox, counter } = this.#options;
    try {
      if (call.method === 'tools/call') {
        const name = textOf(call.params?.['name']) ?? '';
        if (name === SIGN_IN_TOOL && !toolbox.has(SIGN_IN_TOOL)) {
          return this.#asResult(call, await counter.serve(call));
        }
        const refusal = toolbox.refusalFor(name);
        if (refusal !== undefined) return this.#toolError(call, refusal);
      }
      // Known to be futile: the answer need not wait for the server to say so.
      if (await counter.isStillSignedOut()) throw counter.refusal();
      const upstream = await this.connect(call.contact);
      return await this.#forward(upstream, call);
    } catch (error) {
      call.signal.throwIfAborted();
      return this.#explain(call, error);
    }
  }

  async #forward(upstream: Upstream, call: HostCall): Promise<Reply> {
    const { toolbox } = this.#options;
    const { method, params } = call;
    if (method === 'tools/list') return this.#list(upstream, call);
    if (method !== 'tools/call') return this.#send(upstream, call, undefined);
    const name = textOf(params?.['name']) ?? '';
    const needsDefinitions = toolbox.isStrict || (upstream.era === 'modern' && !toolbox.has(name));
    if (needsDefinitions && !toolbox.isComplete) await this.#listAll(upstream, call);
    const refusal = toolbox.refusalFor(name);
    if (refusal !== undefined) return this.#toolError(call, refusal);
    const args = params?.['arguments'];
    const headers = (): Record<string, string> | undefined =>
      upstream.era === 'modern' ? toolbox.headersFor(name, args) : undefined;
    const reply = await this.#send(upstream, call, headers());
    if (upstream.era !== 'modern' || !('error' in reply) || reply.error.code !== -32020)
      return reply;
    // The headers do not fit the definition any more: it is read again, once. The server has run nothing.
    await this.#listAll(upstream, call);
    return this.#send(upstream, call, headers());
  }

  async #list(upstream: Upstream, call: HostCall): Promise<Reply> {
    const { toolbox } = this.#options;
    const reply = await this.#send(upstream, call, undefined);
    if ('error' in reply) return reply;
    const admitted = await toolbox.admit(reply.result, upstream.era === 'modern');
    const isWhole =
      call.params?.['cursor'] === undefined && reply.result['nextCursor'] === undefined;
    if (isWhole) toolbox.isComplete = true;
    return { result: admitted };
  }

  /** Reads every definition, for a call that needs to know its own. */
  async #listAll(upstream: Upstream, call: HostCall): Promise<void> {
    const { toolbox } = this.#options;
    const meta = call.params?.['_meta'];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const params = {
        ...(cursor !== undefined && { cursor }),
        ...(call.era === 'modern' && meta !== undefined && { _meta: meta }),
      };
      const reply = await this.#send(
        upstream,
        { ...call, method: 'tools/list', params, onNotification: () => Promise.resolve() },
        undefined,
      );
      if ('error' in reply) return;
      await toolbox.admit(reply.result, upstream.era === 'modern');
      cursor = textOf(reply.result['nextCursor']);
      if (cursor === undefined) break;
    }
    toolbox.isComplete = true;
  }

  /** Sends, and sends again where that is safe. */
  async #send(
    upstream: Upstream,
    call: HostCall,
    headers: Readonly<Record<string, string>> | undefined,
  ): Promise<Reply> {
    const { toolbox, logger } = this.#options;
    const isSafe = isRepeatable(call.method, call.params, (name) => toolbox.isRepeatable(name));
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#sendOnce(upstream, call, headers);
      } catch (error) {
        if (call.signal.aborted) throw error;
        const waitMs = retryDelay(error, isSafe, attempt);
        if (waitMs === undefined) throw error;
        logger.debug('sending again', { method: call.method, error, waitMs });
        await delay(waitMs, undefined, { signal: call.signal });
      }
    }
  }

  async #sendOnce(
    upstream: Upstream,
    call: HostCall,
    headers: Readonly<Record<string, string>> | undefined,
  ): Promise<Reply> {
    const { method, signal, onNotification, ask, identity } = call;
    const base = { method, signal, headers, onNotification, onRequest: ask };
    if (upstream.era === call.era) {
      const reply = await upstream.call({ ...base, params: call.params });
      return call.era === 'modern' ? withResultType(reply) : reply;
    }
    if (upstream.era === 'modern') {
      const own = { ...identity, protocolVersion: MODERN };
      const reply = await withInputRounds(
        call.params,
        (params) => upstream.call({ ...base, params: stampEnvelope(params, own) }),
        ask,
        signal,
      );
      return 'error' in reply ? reply : { result: toLegacyResult(method, reply.result) };
    }
    const params = toLegacyParams(call.params);
    const reply = await upstream.call({
      ...base,
      params,
      onNotification: async (name, values) => {
        // A 2026 host hears of logs only where it asks for them.
        if (name !== 'notifications/message' || identity.logLevel !== undefined) {
          await onNotification(name, values);
        }
      },
    });
    if ('error' in reply) return reply;
    return { result: toModernResult(method, reply.result, upstream.description) };
  }

  #explain(call: HostCall, error: unknown): Reply {
    const { serverUrl, counter, logger } = this.#options;
    if (error instanceof ConnectionRefusedError) return { error: error.error };
    if (error instanceof LoginRequiredError) {
      counter.signedOut(error);
      return this.#signedOutAnswer(call, error);
    }
    logger.warn('call failed', { method: call.method, error });
    const reason = error instanceof ToolkitError ? error.message : `${serverUrl}: ${String(error)}`;
    if (call.method !== 'tools/call') return { error: { code: -32603, message: reason } };
    const warning =
      mayHaveRun(error) && !(error instanceof ToolkitError && NEVER_RAN.has(error.code))
        ? ' The server may have executed this call. It was not sent again: check before repeating it.'
        : ' The call was not executed.';
    return this.#toolError(call, `${reason}.${warning}`);
  }

  #signedOutAnswer(call: HostCall, error: LoginRequiredError): Reply {
    if (call.method === 'tools/list') {
      return this.#asResult(call, { tools: [signInTool(this.#options.serverUrl)] });
    }
    const list = EMPTY_LISTS[call.method];
    if (list !== undefined) return this.#asResult(call, { [list]: [] });
    const message = `${error.message}. Call the tool ${SIGN_IN_TOOL} to sign in, then try again.`;
    if (call.method === 'tools/call') return this.#toolError(call, message);
    return { error: { code: -32603, message } };
  }

  #toolError(call: HostCall, text: string): Reply {
    return this.#asResult(call, { content: [{ type: 'text', text }], isError: true });
  }

  #asResult(call: HostCall, result: JsonObject): Reply {
    return {
      result: call.era === 'modern' ? toModernResult(call.method, result, undefined) : result,
    };
  }

  /** Somebody signed in, here or anywhere else on this machine. */
  async #resume(): Promise<void> {
    const { counter } = this.#options;
    const contact = counter.lastContact;
    if (contact !== undefined) {
      const upstream = await this.connect(contact);
      if (upstream instanceof LegacyUpstream) await upstream.start();
    }
    await this.announceAll();
  }
}

/** What may be over in a moment. */
function isPassing(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof HttpStatusError && error.status >= 500);
}

/** An absent `resultType` means `complete`: said aloud, since some hosts do not know. */
function withResultType(reply: Reply): Reply {
  return 'error' in reply || 'resultType' in reply.result
    ? reply
    : { result: { ...reply.result, resultType: 'complete' } };
}

/** Failures before anything of a call ran. */
const NEVER_RAN = new Set([
  'ERR_CREDENTIALS_REJECTED',
  'ERR_SCOPE_REQUIRED',
  'ERR_LOGIN_FAILED',
  'ERR_LOGIN_TIMEOUT',
  'ERR_REFRESH_FAILED',
  'ERR_URL_NOT_ALLOWED',
  'ERR_ADDRESS_BLOCKED',
  'ERR_REDIRECT_REFUSED',
  'ERR_CREDENTIAL_STORE',
  'ERR_CREDENTIAL_KEY',
  'ERR_LOCK_TIMEOUT',
  'ERR_DISCOVERY',
]);
