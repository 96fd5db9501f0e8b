import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { type Clock, nowSeconds } from '../shared/clock.js';
import type { Sealer } from '../shared/sealing.js';
import { LIFETIMES } from './options.js';
import type { AuthorizationClientStore } from './ports.js';

export interface ClientAdapterOptions {
  readonly clients: AuthorizationClientStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly maxClients: number;
}

/** The engine's storage interface for registered clients. */
export class ClientAdapter implements Adapter {
  readonly #options: ClientAdapterOptions;

  constructor(options: ClientAdapterOptions) {
    this.#options = options;
  }

  async upsert(clientId: string, metadata: AdapterPayload): Promise<undefined> {
    const { clients, sealer, clock, maxClients } = this.#options;
    const now = nowSeconds(clock);
    const isStored = await clients.save(
      {
        clientId,
        metadata: sealer.seal(JSON.stringify(metadata), clientId),
        source: 'registered',
        registeredFrom: undefined,
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
    const { clients, sealer, clock } = this.#options;
    const record = await clients.find(clientId, nowSeconds(clock));
    const opened = record === undefined ? undefined : sealer.open(record.metadata, clientId);
    return opened === undefined ? undefined : (JSON.parse(opened) as AdapterPayload);
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
