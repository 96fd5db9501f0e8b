import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Revocation,
  type RevocationFeed,
  createRevocations,
} from '../../../src/server/core/revocations.js';
import { ok } from '../../../src/shared/result.js';
import { silentLogger } from '../../../src/shared/logger.js';
import { watchCredential } from '../../../src/server/stdio/watch-credential.js';

const NOW = 1_800_000_000;
const clock = { nowMs: () => NOW * 1000 };

class MemoryFeed implements RevocationFeed {
  readonly rows: Revocation[] = [];
  isDown = false;
  reads = 0;
  swept = 0;

  add(credentialId: string, expiresAt = NOW + 600): void {
    this.rows.push({ position: this.rows.length + 1, credentialId, expiresAt });
  }

  async after(position: number, limit: number): Promise<readonly Revocation[]> {
    this.reads += 1;
    if (this.isDown) throw new Error('the database is away');
    return this.rows.filter((row) => row.position > position).slice(0, limit);
  }

  async deleteExpired(): Promise<number> {
    this.swept += 1;
    return 0;
  }
}

let feed: MemoryFeed;
beforeEach(() => {
  vi.useFakeTimers();
  feed = new MemoryFeed();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('createRevocations', () => {
  it('knows what was revoked before it started, and hears of the rest within a poll', async () => {
    feed.add('a');
    const revocations = createRevocations({ feed, clock, pollMs: 1500 });
    await revocations.ready();
    expect(revocations.isRevoked('a')).toBe(true);
    const { epoch } = revocations;
    await vi.advanceTimersByTimeAsync(1500);
    expect(revocations.epoch).toBe(epoch);
    feed.add('b');
    expect(revocations.isRevoked('b')).toBe(false);
    await vi.advanceTimersByTimeAsync(1500);
    expect(revocations.isRevoked('b')).toBe(true);
    expect(revocations.epoch).toBeGreaterThan(epoch);
    expect(revocations.isRevoked(undefined)).toBe(false);
    revocations.close();
  });

  it('tells listeners which credentials it was, until they leave', async () => {
    const revocations = createRevocations({ feed, clock });
    await revocations.ready();
    const heard: string[][] = [];
    const leave = revocations.subscribe((ids) => heard.push([...ids]));
    feed.add('a');
    feed.add('b');
    await revocations.refresh();
    leave();
    feed.add('c');
    await revocations.refresh();
    expect(heard).toEqual([['a', 'b']]);
    revocations.close();
  });

  it('reads a feed that is longer than a page to its end', async () => {
    for (let at = 0; at < 2500; at++) feed.add(`id-${at}`);
    const revocations = createRevocations({ feed, clock });
    await revocations.ready();
    expect(revocations.isRevoked('id-2499')).toBe(true);
    revocations.close();
  });

  it('sees with a refresh what was written before it, also while another read is under way', async () => {
    const revocations = createRevocations({ feed, clock });
    await revocations.ready();
    const slow = revocations.refresh();
    feed.add('late');
    await Promise.all([slow, revocations.refresh()]);
    expect(revocations.isRevoked('late')).toBe(true);
    revocations.close();
  });

  it('says once that the feed cannot be read, keeps what it knows, and goes on when it can', async () => {
    feed.add('a');
    const error = vi.fn<(message: string) => void>();
    const logger = { ...silentLogger, error };
    const revocations = createRevocations({ feed, clock, logger, pollMs: 1000 });
    await revocations.ready();
    feed.isDown = true;
    await vi.advanceTimersByTimeAsync(5000);
    expect(error).toHaveBeenCalledTimes(1);
    expect(revocations.isRevoked('a')).toBe(true);
    feed.isDown = false;
    feed.add('b');
    await vi.advanceTimersByTimeAsync(1000);
    expect(revocations.isRevoked('b')).toBe(true);
    revocations.close();
  });

  it('is not ready while the feed was never read', async () => {
    feed.isDown = true;
    const revocations = createRevocations({ feed, clock });
    await expect(revocations.ready()).rejects.toThrow('the database is away');
    feed.isDown = false;
    await expect(revocations.ready()).resolves.toBeUndefined();
    revocations.close();
  });

  it('forgets what has expired, and sweeps the feed, once a minute', async () => {
    let nowMs = NOW * 1000;
    feed.add('a', NOW + 30);
    const revocations = createRevocations({ feed, clock: { nowMs: () => nowMs }, pollMs: 1000 });
    await revocations.ready();
    nowMs += 61_000;
    await vi.advanceTimersByTimeAsync(2000);
    expect(revocations.isRevoked('a')).toBe(false);
    expect(feed.swept).toBe(1);
    revocations.close();
  });

  it('reads nothing after it was closed', async () => {
    const revocations = createRevocations({ feed, clock });
    await revocations.ready();
    const { reads } = feed;
    revocations.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(feed.reads).toBe(reads);
  });
});

describe('the credential of a connection that lasts', () => {
  const ada = {
    issuer: 'local',
    subject: 'ada',
    tenant: 'acme',
    scopes: [],
    clientId: 'api-key:1',
    method: 'api-key',
    expiresAt: NOW + 60,
    credentialId: 'api-key:1',
  } as const;

  it('is refused with what to do from its revocation on', async () => {
    const watched = watchCredential({
      credential: ok(ada),
      revocations: feed,
      credentialAdvice: 'make a new one',
      clock,
      logger: silentLogger,
    });
    expect(watched.refusal()).toBeUndefined();
    feed.add('api-key:1');
    await vi.advanceTimersByTimeAsync(1500);
    expect(watched.refusal()).toBe('the credential of this connection was revoked: make a new one');
    watched.close();
  });

  it('is refused from its expiry on', () => {
    let nowMs = NOW * 1000;
    const watched = watchCredential({
      credential: ok(ada),
      clock: { nowMs: () => nowMs },
      logger: silentLogger,
    });
    expect(watched.refusal()).toBeUndefined();
    nowMs += 60_000;
    expect(watched.refusal()).toContain('has expired');
    watched.close();
  });
});
