import { type Adapter, type AdapterPayload, Provider, errors } from 'oidc-provider';
import { type Clock, nowSeconds } from '../shared/clock.js';
import type { Sealer } from '../shared/sealing.js';
import type { DocumentResolver } from './clients/document-resolver.js';
import { isDocumentUrl, withAuthMethod } from './clients/metadata-document.js';
import { hashSource, sourceOf } from './clients/request-source.js';
import { type ClientTrustPolicy, applyTrust } from './clients/trust.js';
import { LIFETIMES } from './options.js';
import type { AuthorizationClientStore } from './ports.js';

export interface ClientAdapterOptions {
  readonly clients: AuthorizationClientStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly maxClients: number;
  /** Turns the address of a registration into what is stored. */
  readonly sourceKey: Uint8Array;
  /** Undefined: URLs are not taken for client ids. */
  readonly documents: DocumentResolver | undefined;
  readonly trust: ClientTrustPolicy | undefined;
}

/** The engine's storage interface for clients: those in the store, and those whose id is the URL of a document. */
export class ClientAdapter implements Adapter {
  readonly #options: ClientAdapterOptions;

  constructor(options: ClientAdapterOptions) {
    this.#options = options;
  }

  async upsert(clientId: string, metadata: AdapterPayload): Promise<undefined> {
    const { clients, sealer, clock, maxClients, sourceKey, trust } = this.#options;
    const now = nowSeconds(clock);
    const source = sourceOf(Provider.ctx?.req);
    await applyTrust(trust, 'registered', { ...metadata });
    const isStored = await clients.save(
      {
        clientId,
        metadata: sealer.seal(JSON.stringify(metadata), clientId),
        source: 'registered',
        registeredFrom: source === undefined ? undefined : hashSource(sourceKey, source),
        createdAt: now,
        lastUsedAt: undefined,
        expiresAt: now + LIFETIMES.unusedClient,
      },
      { maxRegistered: maxClients, nowSeconds: now },
    );
    if (!isStored) {
      throw new errors.TemporarilyUnavailable('no more clients can be registered at the moment');
    }
  }

  async find(clientId: string): Promise<AdapterPayload | undefined> {
    const { clients, sealer, clock, trust } = this.#options;
    if (isDocumentUrl(clientId)) return this.#findDocument(clientId);
    const record = await clients.find(clientId, nowSeconds(clock));
    const opened = record === undefined ? undefined : sealer.open(record.metadata, clientId);
    if (record === undefined || opened === undefined) return undefined;
    const metadata = JSON.parse(opened) as AdapterPayload & Record<string, unknown>;
    return record.source === 'operator' ? metadata : applyTrust(trust, 'registered', metadata);
  }

  async #findDocument(clientId: string): Promise<AdapterPayload | undefined> {
    const { documents, trust } = this.#options;
    if (documents === undefined) return undefined;
    const ctx = Provider.ctx;
    const found = await documents(clientId, sourceOf(ctx?.req));
    if (!found.ok) {
      throw new errors.InvalidClient(
        `the client's metadata document cannot be used: ${found.error}`,
      );
    }
    const hasAssertion = ctx?.oidc?.params?.['client_assertion'] !== undefined;
    const metadata = withAuthMethod(found.value, hasAssertion);
    return applyTrust(trust, 'document', { ...metadata });
  }

  async destroy(clientId: string): Promise<undefined> {
    await this.#options.clients.delete(clientId);
  }

  findByUid(): Promise<undefined> {
    return unsupported();
  }

  findByUserCode(): Promise<undefined> {
    return unsupported();
  }

  consume(): Promise<undefined> {
    return unsupported();
  }

  revokeByGrantId(): Promise<undefined> {
    return unsupported();
  }
}

function unsupported(): Promise<undefined> {
  return Promise.reject(new TypeError('a client has no such operation'));
}
