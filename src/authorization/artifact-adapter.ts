import {
  Provider,
  type Adapter,
  type AdapterPayload,
  type KoaContextWithOIDC,
  errors,
} from 'oidc-provider';
import { type Clock, nowSeconds } from '../shared/clock.js';
import { hashId } from '../shared/ids.js';
import type { Sealer } from '../shared/sealing.js';
import { LIFETIMES } from './options.js';
import type {
  ArtifactRecord,
  ArtifactStore,
  ArtifactWrite,
  AuthorizationUserStore,
} from './ports.js';
import { endFamily, findReplay, replayContext } from './refresh-replay.js';
import { currentUnit } from './token-unit.js';

/** Models that die with their grant. */
const GRANTED = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);

export interface ArtifactAdapterOptions {
  readonly artifacts: ArtifactStore;
  readonly users: AuthorizationUserStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
}

/**
 * The engine's storage interface for one model, on our ports. Inside a `/token` request writes are collected, and a
 * refresh token that was spent before is judged here, before the engine sees it.
 */
export class ArtifactAdapter implements Adapter {
  readonly #model: string;
  readonly #options: ArtifactAdapterOptions;

  constructor(model: string, options: ArtifactAdapterOptions) {
    this.#model = model;
    this.#options = options;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<undefined> {
    const record = this.#toRecord(id, payload, expiresIn);
    const unit = currentUnit();
    if (unit !== undefined && this.#model === 'RefreshToken') unit.successorHash = record.idHash;
    // An assertion counts once: its row is only ever inserted.
    const kind = this.#model === 'ReplayDetection' ? 'insert' : 'upsert';
    await this.#write({ kind, record }, ...this.#signsOfUse(record));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const record = await this.#options.artifacts.find(this.#model, hashId(id));
    if (record === undefined) return undefined;
    const unit = currentUnit();
    if (unit !== undefined) {
      unit.seen.set(record.idHash, record);
      if (this.#model === 'RefreshToken' && record.consumedAt !== undefined) {
        const ctx = Provider.ctx;
        if (ctx?.oidc.params?.['grant_type'] === 'refresh_token')
          await this.#judge(id, record, ctx);
      }
    }
    return this.#toPayload(record);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const record = await this.#options.artifacts.findByUid(this.#model, hashId(uid));
    return record === undefined ? undefined : this.#toPayload(record);
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const record = await this.#options.artifacts.findByUserCode(this.#model, hashId(userCode));
    return record === undefined ? undefined : this.#toPayload(record);
  }

  async consume(id: string): Promise<undefined> {
    const unit = currentUnit();
    if (unit !== undefined && this.#model === 'RefreshToken') unit.spentToken = id;
    await this.#write({
      kind: 'consume',
      model: this.#model,
      idHash: hashId(id),
      consumedAt: nowSeconds(this.#options.clock),
    });
  }

  async destroy(id: string): Promise<undefined> {
    await this.#write({ kind: 'destroy', model: this.#model, idHash: hashId(id) });
  }

  async revokeByGrantId(grantId: string): Promise<undefined> {
    await this.#write({ kind: 'revokeGrant', grantHash: hashId(grantId) });
  }

  /** A spent refresh token: the kept answer for an honest repeat, the end of the family for anything else. */
  async #judge(token: string, record: ArtifactRecord, ctx: KoaContextWithOIDC): Promise<never> {
    const unit = currentUnit();
    const { artifacts, users, clock } = this.#options;
    const replay = await findReplay(artifacts, token, replayContext(ctx), nowSeconds(clock));
    const user = record.accountId === undefined ? undefined : await users.find(record.accountId);
    if (unit !== undefined) {
      if (replay !== undefined && user?.isDisabled === false) unit.replay = replay;
      else unit.writes.push(...endFamily(record));
    }
    throw new errors.InvalidGrant('refresh token already used');
  }

  /** A person has allowed the client something: it counts as used from now on, not only once it redeems the code. */
  #signsOfUse({ clientId, accountId }: ArtifactRecord): ArtifactWrite[] {
    const isAllowed =
      this.#model === 'AuthorizationCode' ||
      (this.#model === 'DeviceCode' && accountId !== undefined);
    if (clientId === undefined || !isAllowed) return [];
    const lastUsedAt = nowSeconds(this.#options.clock);
    const expiresAt = lastUsedAt + LIFETIMES.usedClient;
    return [{ kind: 'touchClient', clientId, lastUsedAt, expiresAt }];
  }

  async #write(...writes: readonly ArtifactWrite[]): Promise<void> {
    const unit = currentUnit();
    if (unit !== undefined) {
      unit.writes.push(...writes);
      return;
    }
    const outcome = await this.#options.artifacts.commit(writes);
    if (!outcome.ok) throw new errors.InvalidGrant(`${outcome.error.model} was already used`);
  }

  #toRecord(id: string, payload: AdapterPayload, expiresIn: number | undefined): ArtifactRecord {
    const now = nowSeconds(this.#options.clock);
    const idHash = hashId(id);
    const { grantId, uid, userCode, clientId, accountId } = payload;
    return {
      model: this.#model,
      idHash,
      payload: this.#options.sealer.seal(JSON.stringify(payload), this.#context(idHash)),
      grantHash:
        GRANTED.has(this.#model) && typeof grantId === 'string' ? hashId(grantId) : undefined,
      uidHash: typeof uid === 'string' ? hashId(uid) : undefined,
      userCodeHash: typeof userCode === 'string' ? hashId(userCode) : undefined,
      clientId: typeof clientId === 'string' ? clientId : undefined,
      accountId: typeof accountId === 'string' ? accountId : undefined,
      consumedAt: undefined,
      expiresAt: expiresIn === undefined ? undefined : now + expiresIn,
      createdAt: now,
    };
  }

  #toPayload(record: ArtifactRecord): AdapterPayload | undefined {
    const opened = this.#options.sealer.open(record.payload, this.#context(record.idHash));
    if (opened === undefined) return undefined;
    const payload = JSON.parse(opened) as AdapterPayload;
    return record.consumedAt === undefined ? payload : { ...payload, consumed: record.consumedAt };
  }

  #context(idHash: string): string {
    return `${this.#model}:${idHash}`;
  }
}
