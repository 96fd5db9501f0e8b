import type { JsonObject } from '../../shared/json.js';
import { isJsonObject } from '../../shared/json.js';
import { type Changes, formatFilter, readFilter } from './changes.js';
import {
  ConnectionRefusedError,
  type FirstContact,
  assumedCapabilities,
  withToolChanges,
} from './connector.js';
import type { Gateway, HostCall } from './gateway.js';
import type { HostLink } from './host-link.js';
import { LegacyUpstream } from './legacy-upstream.js';
import type { Memory } from './memory.js';
import { META, MODERN, type Reply, type RequestId, type RpcRequest, metaOf } from './messages.js';
import { ParkedCall, ParkedCalls } from './parked-calls.js';
import { identityOf, toModernResult } from './translate.js';
import type { Upstream } from './upstream.js';

export interface ModernFrontOptions {
  readonly serverUrl: string;
  readonly host: HostLink;
  readonly gateway: Gateway;
  readonly changes: Changes;
  readonly memory: Memory;
  readonly mayConnect: () => Promise<boolean>;
  readonly ownInfo: JsonObject;
  readonly signal: AbortSignal;
}

/** Methods of the 2025 era that the 2026 era does not have. */
const RETIRED = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);
/** Methods whose result may ask for input. */
const ASKING = new Set(['tools/call', 'prompts/get', 'resources/read']);
const MAX_LISTENS = 256;

/** The host's requests of the 2026 era, each of which stands for itself. */
export class ModernFront {
  readonly #options: ModernFrontOptions;
  readonly #parked = new ParkedCalls();
  /** Calls that the server works on, and what may be asked for each, oldest first. */
  readonly #open = new Map<ParkedCall, HostCall>();
  #listens = 0;
  #level: string | undefined;

  constructor(options: ModernFrontOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#parked.endAll(new Error('closed')), {
      once: true,
    });
  }

  async handle(request: RpcRequest, signal: AbortSignal): Promise<Reply> {
    const { gateway } = this.#options;
    const { method, params } = request;
    const identity = identityOf(params);
    const contact: FirstContact = { era: 'modern', identity };
    if (method === 'subscriptions/listen') return this.#listen(request, contact, signal);
    if (method === 'server/discover') return this.#discover(request, contact, signal);
    const isForeign = gateway.current?.era !== 'modern';
    if (isForeign && identity.protocolVersion !== MODERN)
      return unsupported(identity.protocolVersion);
    if (isForeign && RETIRED.has(method)) {
      return { error: { code: -32601, message: `${method} is not in ${MODERN}` } };
    }
    const call = this.#toCall(request, contact, signal);
    if (ASKING.has(method)) return this.#askingCall(call);
    return gateway.call(call);
  }

  #toCall({ method, params }: RpcRequest, contact: FirstContact, signal: AbortSignal): HostCall {
    const { host } = this.#options;
    return {
      era: 'modern',
      method,
      params,
      identity: contact.identity,
      contact,
      signal,
      onNotification: (name, values) => host.notify(name, values),
      ask: () =>
        Promise.resolve({ error: { code: -32601, message: 'the host takes no requests' } }),
    };
  }

  /** A call that a 2025 server may answer with questions first. */
  async #askingCall(call: HostCall): Promise<Reply> {
    const { gateway, signal: ended } = this.#options;
    const state = call.params?.['requestState'];
    const token = metaOf(call.params)?.['progressToken'];
    let parked: ParkedCall;
    if (ParkedCalls.isState(state)) {
      const found = this.#parked.take(state);
      if (found === undefined) {
        return { error: { code: -32602, message: 'params.requestState is of no call that waits' } };
      }
      parked = found;
      parked.onNotification = call.onNotification;
      parked.answer(call.params?.['inputResponses']);
    } else {
      await this.#setLevel(call);
      const own = new AbortController();
      const signal = AbortSignal.any([own.signal, ended]);
      parked = new ParkedCall(
        (ask, notify) =>
          gateway.call({
            ...call,
            signal,
            onNotification: notify,
            ask: async (question, questionSignal) =>
              canAsk(call, question.method)
                ? ask(question, questionSignal)
                : undeclared(question.method),
          }),
        (reason) => own.abort(reason),
        call.onNotification,
      );
      this.#open.set(parked, call);
      parked.over.then(() => this.#open.delete(parked)).catch(() => undefined);
    }
    parked.progressToken = token;
    const onAbort = (): void => parked.end(new Error('cancelled by the host'));
    call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      const outcome = await parked.next();
      call.signal.throwIfAborted();
      if (!('questions' in outcome)) return outcome;
      this.#parked.park(parked);
      return {
        result: {
          resultType: 'input_required',
          inputRequests: outcome.questions,
          requestState: parked.state,
        },
      };
    } finally {
      call.signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * A question that came on no call's stream, as servers send that do not say what it belongs to: it is put to the
   * latest call that may be asked.
   */
  ask(request: RpcRequest, signal: AbortSignal): Promise<Reply> {
    const [latest] = [...this.#open].findLast(([, call]) => canAsk(call, request.method)) ?? [];
    return latest?.ask(request, signal) ?? Promise.resolve(undeclared(request.method));
  }

  /** A 2025 server has one level for its whole session: the one that was asked for last. */
  async #setLevel(call: HostCall): Promise<void> {
    const { current } = this.#options.gateway;
    const level = call.identity.logLevel;
    if (level === undefined || level === this.#level || !(current instanceof LegacyUpstream))
      return;
    if (current.description.capabilities['logging'] === undefined) return;
    this.#level = level;
    await current
      .call({ ...call, method: 'logging/setLevel', params: { level }, onRequest: call.ask })
      .catch(() => undefined);
  }

  async #discover(request: RpcRequest, contact: FirstContact, signal: AbortSignal): Promise<Reply> {
    const { gateway, mayConnect } = this.#options;
    const wasConnected = gateway.current !== undefined;
    let upstream: Upstream | undefined = gateway.current;
    if (upstream === undefined) {
      const connecting = gateway.connect(contact);
      if (await mayConnect()) {
        try {
          upstream = await connecting;
        } catch (error) {
          if (error instanceof ConnectionRefusedError) return { error: error.error };
        }
      } else connecting.catch(() => undefined);
    }
    const isOwn = contact.identity.protocolVersion === MODERN;
    if (upstream?.era === 'modern') {
      // The connection itself has just asked the same question in the host's own words.
      const raw = wasConnected || !isOwn ? undefined : upstream.description.raw;
      const reply: Reply =
        raw === undefined
          ? await gateway.call(this.#toCall(request, contact, signal))
          : { result: raw };
      return 'error' in reply ? reply : { result: withChanges(reply.result) };
    }
    if (!isOwn) return unsupported(contact.identity.protocolVersion);
    return { result: await this.#ownAnswer(upstream) };
  }

  async #ownAnswer(upstream: Upstream | undefined): Promise<JsonObject> {
    const { memory, ownInfo } = this.#options;
    const known = upstream?.description ?? (await memory.read());
    const { capabilities, instructions } = known;
    return toModernResult(
      'server/discover',
      {
        supportedVersions: [MODERN],
        capabilities: assumedCapabilities(capabilities),
        ...(instructions !== undefined && { instructions }),
      },
      { serverInfo: known.serverInfo ?? ownInfo },
    );
  }

  /** A stream of changes lasts as long as the host wants it, whatever becomes of the one to the server. */
  async #listen(
    { id, params }: RpcRequest,
    contact: FirstContact,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { host, changes, gateway } = this.#options;
    const wanted = params?.['notifications'];
    if (!isJsonObject(wanted)) {
      return { error: { code: -32602, message: 'params.notifications has to be an object' } };
    }
    if (this.#listens >= MAX_LISTENS) {
      return { error: { code: -32603, message: `more than ${MAX_LISTENS} subscriptions at once` } };
    }
    this.#listens++;
    try {
      // Nobody signed in is no reason to refuse: that is what the host will hear of.
      await gateway.connect(contact).catch(() => undefined);
      if (gateway.current instanceof LegacyUpstream) await gateway.current.start();
      const filter = readFilter(wanted);
      await host.notify('notifications/subscriptions/acknowledged', {
        notifications: formatFilter(filter),
        _meta: { [META.subscriptionId]: id },
      });
      changes.set(id, filter, (method, values) => host.notify(method, tagged(values, id)));
      await gateway.refreshInterest();
      await untilAborted(signal, this.#options.signal);
    } finally {
      this.#listens--;
      if (changes.delete(id)) await gateway.refreshInterest().catch(() => undefined);
    }
    signal.throwIfAborted();
    return { result: { resultType: 'complete', _meta: { [META.subscriptionId]: id } } };
  }
}

function canAsk({ identity }: HostCall, method: string): boolean {
  const { capabilities } = identity;
  if (method === 'elicitation/create') return capabilities['elicitation'] !== undefined;
  if (method === 'sampling/createMessage') return capabilities['sampling'] !== undefined;
  return method === 'roots/list' && capabilities['roots'] !== undefined;
}

function undeclared(method: string): Reply {
  return { error: { code: -32601, message: `the host has not declared that it takes ${method}` } };
}

function withChanges(result: JsonObject): JsonObject {
  const { capabilities } = result;
  return isJsonObject(capabilities) && isJsonObject(capabilities['tools'])
    ? { ...result, capabilities: withToolChanges(capabilities) }
    : result;
}

function unsupported(requested: string): Reply {
  return {
    error: {
      code: -32022,
      message: `protocol version ${JSON.stringify(requested)} is not supported`,
      data: { supported: [MODERN], requested },
    },
  };
}

function tagged(params: JsonObject | undefined, id: RequestId): JsonObject {
  return { ...params, _meta: { ...metaOf(params), [META.subscriptionId]: id } };
}

function untilAborted(...signals: AbortSignal[]): Promise<void> {
  const signal = AbortSignal.any(signals);
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
