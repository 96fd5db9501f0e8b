import { type Clock, nowSeconds } from '../../shared/clock.js';
import { type JsonObject, isJsonObject, parseJson } from '../../shared/json.js';
import { type SealingSecret, createSealer } from '../../shared/sealing.js';
import type { ArtifactStore, AuthorizationClientStore, ClientRecord } from '../ports.js';
import { type PreRegisteredClient, toClientMetadata } from './configured-client.js';

/** A stored client, as its operator may see it: never with its secret. */
export interface StoredClient {
  readonly clientId: string;
  readonly clientName: string | undefined;
  readonly source: ClientRecord['source'];
  /** What it is, in the words of RFC 7591; undefined when it was sealed under another master secret. */
  readonly metadata: JsonObject | undefined;
  /** Epoch seconds, all of them. */
  readonly createdAt: number;
  readonly lastUsedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** The clients in the store, for their operator. Those of the configuration file and of documents are not in it. */
export interface ClientDirectory {
  /**
   * Stores a client that never expires. Its secret is sealed, and can never be had again.
   *
   * @returns false when there is one with this id
   * @throws {TypeError} naming the field and what would work
   */
  add(client: PreRegisteredClient): Promise<boolean>;
  list(options: {
    readonly source?: ClientRecord['source'];
    readonly limit: number;
  }): Promise<readonly StoredClient[]>;
  find(clientId: string): Promise<StoredClient | undefined>;
  /**
   * Deletes a client and ends all that it holds: grants, tokens, codes. For the URL of a document: what it holds; a
   * document can be kept out by the trust policy alone.
   *
   * @returns whether it was there
   */
  revoke(clientId: string): Promise<boolean>;
}

/** What the seal of a client's metadata is made for. */
export const CLIENT_SEAL = 'authorization:artifact';

const SECRETS = new Set(['client_secret']);

export function createClientDirectory(parts: {
  readonly clients: AuthorizationClientStore;
  readonly artifacts: ArtifactStore;
  readonly masterSecret: SealingSecret;
  readonly clock: Clock;
}): ClientDirectory {
  const { clients, artifacts, masterSecret, clock } = parts;
  const sealer = createSealer(masterSecret, CLIENT_SEAL);
  const describe = (record: ClientRecord): StoredClient => {
    const opened = sealer.open(record.metadata, record.clientId);
    const parsed = opened === undefined ? undefined : parseJson(opened);
    const metadata = parsed?.ok === true && isJsonObject(parsed.value) ? parsed.value : undefined;
    const { clientId, source, createdAt, lastUsedAt, expiresAt } = record;
    return {
      clientId,
      clientName:
        typeof metadata?.['client_name'] === 'string' ? metadata['client_name'] : undefined,
      source,
      metadata: metadata === undefined ? undefined : withoutSecrets(metadata),
      createdAt,
      lastUsedAt,
      expiresAt,
    };
  };
  return {
    async add(client) {
      const metadata = toClientMetadata(client);
      const { clientId } = client;
      const now = nowSeconds(clock);
      if ((await clients.find(clientId, now)) !== undefined) return false;
      return clients.save(
        {
          clientId,
          metadata: sealer.seal(JSON.stringify(metadata), clientId),
          source: 'operator',
          registeredFrom: undefined,
          createdAt: now,
          lastUsedAt: undefined,
          expiresAt: undefined,
        },
        { maxRegistered: 0, nowSeconds: now },
      );
    },
    async list(options) {
      return (await clients.list({ ...options, nowSeconds: nowSeconds(clock) })).map(describe);
    },
    async find(clientId) {
      const record = await clients.find(clientId, nowSeconds(clock));
      return record === undefined ? undefined : describe(record);
    },
    async revoke(clientId) {
      // First the record: nothing can be issued to it while what it holds ends.
      const wasThere = await clients.delete(clientId);
      await artifacts.commit([{ kind: 'revokeClient', clientId }]);
      return wasThere;
    },
  };
}

function withoutSecrets(metadata: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !SECRETS.has(name)));
}
