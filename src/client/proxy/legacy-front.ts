import { setTimeout as delay } from 'node:timers/promises';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Changes } from './changes.js';
import {
  ConnectionRefusedError,
  type FirstContact,
  assumedCapabilities,
  withToolChanges,
} from './connector.js';
import type { Gateway } from './gateway.js';
import type { HostLink } from './host-link.js';
import { LegacyUpstream } from './legacy-upstream.js';
import type { Memory } from './memory.js';
import {
  LATEST_LEGACY,
  LEGACY_VERSIONS,
  type Reply,
  type RpcNotification,
  type RpcRequest,
  textOf,
} from './messages.js';
import type { AskHost, HostIdentity, Upstream } from './upstream.js';

export interface LegacyFrontOptions {
  readonly serverUrl: string;
  readonly host: HostLink;
  readonly gateway: Gateway;
  readonly changes: Changes;
  readonly memory: Memory;
  /** Whether a connection is likely to succeed without anybody's help. */
  readonly mayConnect: () => Promise<boolean>;
  /** Name and version of the proxy, shown while the server's own are not known. */
  readonly ownInfo: JsonObject;
}

/** Hosts give up on a start after 30 s or so: by then they have an answer, whatever the server does. */
const INITIALIZE_LIMIT_MS = 8_000;
const KEY = Symbol('the 2025 session of the host');

/** The host's 2025 session. */
export class LegacyFront {
  readonly #options: LegacyFrontOptions;
  #contact: FirstContact | undefined;
  #level: string | undefined;
  readonly #uris = new Set<string>();
  #hasStarted = false;

  constructor(options: LegacyFrontOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#contact !== undefined;
  }

  /** @param ask - puts the server's questions to the host */
  async handle(request: RpcRequest, signal: AbortSignal, ask: AskHost): Promise<Reply> {
    const { gateway } = this.#options;
    const { method, params } = request;
    if (method === 'initialize') return this.#initialize(params ?? {});
    if (method === 'ping') return { result: {} };
    const contact = this.#contact;
    if (contact === undefined) {
      return {
        error: { code: -32600, message: 'send initialize first, or the 2026-07-28 envelope' },
      };
    }
    if (method === 'resources/subscribe' || method === 'resources/unsubscribe') {
      return this.#subscribe(method, params);
    }
    if (method === 'logging/setLevel') {
      this.#level = textOf(params?.['level']);
      const { current } = gateway;
      // It goes with every request to a 2026 server, and is set once the login is done.
      if (current === undefined || current.era === 'modern') return { result: {} };
    }
    return gateway.call({
      era: 'legacy',
      method,
      params,
      identity: { ...contact.identity, logLevel: this.#level },
      contact,
      signal,
      onNotification: (name, values) => this.#options.host.notify(name, values),
      ask,
    });
  }

  async notice({ method, params }: RpcNotification): Promise<void> {
    const { gateway } = this.#options;
    if (method === 'notifications/initialized') {
      this.#hasStarted = true;
      await this.#startUpstream();
      return;
    }
    if (gateway.current?.era === 'legacy') await gateway.current.notify(method, params);
  }

  async #initialize(params: JsonObject): Promise<Reply> {
    const { gateway, mayConnect } = this.#options;
    const contact: FirstContact = {
      era: 'legacy',
      identity: identityFrom(params),
      initialize: params,
    };
    this.#contact = contact;
    this.#listen();
    const isLikely = await mayConnect();
    const connecting = gateway.connect(contact).then(
      (upstream) => ({ upstream }),
      (error: unknown) => ({ error }),
    );
    const wait = new AbortController();
    const outcome = isLikely
      ? await Promise.race([
          connecting,
          delay(INITIALIZE_LIMIT_MS, undefined, { signal: wait.signal }).catch(() => undefined),
        ])
      : undefined;
    wait.abort();
    if (outcome !== undefined && 'upstream' in outcome) {
      return { result: this.#serverAnswer(outcome.upstream, params) };
    }
    if (outcome !== undefined && outcome.error instanceof ConnectionRefusedError) {
      return { error: outcome.error.error };
    }
    // The connection goes on, and starts what the host has missed.
    connecting.then(() => this.#startUpstream()).catch(() => undefined);
    return { result: await this.#ownAnswer(params) };
  }

  #serverAnswer(upstream: Upstream, params: JsonObject): JsonObject {
    const { raw, capabilities, serverInfo, instructions } = upstream.description;
    if (upstream.era === 'legacy') {
      return isJsonObject(capabilities['tools'])
        ? { ...raw, capabilities: withToolChanges(capabilities) }
        : raw;
    }
    return {
      protocolVersion: versionFor(params),
      capabilities: withToolChanges(forLegacyHost(capabilities)),
      serverInfo: serverInfo ?? this.#options.ownInfo,
      ...(instructions !== undefined && { instructions }),
    };
  }

  async #ownAnswer(params: JsonObject): Promise<JsonObject> {
    const { memory, ownInfo, serverUrl } = this.#options;
    const known = await memory.read();
    const hint = `If ${serverUrl} shows only the tool sign_in, nobody is signed in yet: call it when the person wants to use this server.`;
    return {
      protocolVersion: versionFor(params),
      capabilities: assumedCapabilities(
        known.capabilities === undefined ? undefined : forLegacyHost(known.capabilities),
      ),
      serverInfo: known.serverInfo ?? ownInfo,
      instructions: known.instructions === undefined ? hint : `${known.instructions}\n\n${hint}`,
    };
  }

  #listen(): void {
    const { changes, host } = this.#options;
    const filter = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: this.#uris,
    };
    changes.set(KEY, filter, async (method, params) => {
      if (this.#hasStarted) await host.notify(method, params);
    });
  }

  async #startUpstream(): Promise<void> {
    const { current } = this.#options.gateway;
    if (!this.#hasStarted || !(current instanceof LegacyUpstream)) return;
    await current.start();
  }

  async #subscribe(method: string, params: JsonObject | undefined): Promise<Reply> {
    const uri = textOf(params?.['uri']);
    if (uri === undefined)
      return { error: { code: -32602, message: 'params.uri has to be a text' } };
    if (method === 'resources/subscribe') this.#uris.add(uri);
    else this.#uris.delete(uri);
    const refusal = await this.#options.gateway.refreshInterest();
    if (refusal === undefined) return { result: {} };
    this.#uris.delete(uri);
    return { error: refusal };
  }
}

function identityFrom(params: JsonObject): HostIdentity {
  const { protocolVersion, capabilities, clientInfo } = params;
  return {
    protocolVersion: textOf(protocolVersion) ?? LATEST_LEGACY,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    clientInfo: isJsonObject(clientInfo) ? clientInfo : undefined,
    logLevel: undefined,
  };
}

function versionFor(params: JsonObject): string {
  const asked = textOf(params['protocolVersion']);
  return asked !== undefined && LEGACY_VERSIONS.includes(asked) ? asked : LATEST_LEGACY;
}

/** What the 2026 era dropped, the proxy does itself; its extensions a 2025 host does not know. */
function forLegacyHost(capabilities: JsonObject): JsonObject {
  const { extensions: _extensions, ...rest } = capabilities;
  return rest;
}
