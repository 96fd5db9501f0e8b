import { afterAll, describe, expect, it } from 'vitest';
import type { PermitStore, Rate } from '../../../src/server/core/permits.js';
import {
  type Bucket,
  RateCounter,
  leaseSize,
  newBucket,
} from '../../../src/server/core/rate-counter.js';
import { silentLogger } from '../../../src/shared/logger.js';
import { createSqliteEngine } from '../../../src/storage/sqlite/engine.js';
import { openSqlite } from '../../../src/storage/sqlite/database.js';
import { migrate } from '../../../src/storage/sqlite/migrate.js';
import { createPermitStore } from '../../../src/storage/stores/permit-store.js';
import { testClock } from '../support/test-server.js';

// 10 a second, 50 at once: a process leases 5.
const rate: Rate = { intervalUs: 100_000, burst: 50 };
const database = openSqlite(':memory:');
migrate(database);
afterAll(() => database.close());
let names = 0;

/** Some processes over one store, and what each knows of one caller. */
function processes(count: number, store?: PermitStore) {
  const clock = testClock();
  names += 1;
  const name = `caller ${names}`;
  let leases = 0;
  const shared = createPermitStore(createSqliteEngine(database));
  const counting: PermitStore = store ?? {
    lease(...args) {
      leases += 1;
      return shared.lease(...args);
    },
    deleteFull: (nowUs) => shared.deleteFull(nowUs),
  };
  const members = Array.from({ length: count }, () => {
    const counter = new RateCounter(rate, counting, clock, silentLogger);
    const bucket = newBucket();
    return { bucket, take: () => counter.take(bucket, () => name) };
  });
  return { clock, members, leases: () => leases };
}

/** How many of so many calls, dealt out in turn, got a permit. */
async function served(
  members: readonly { readonly take: () => number | Promise<number> }[],
  calls: number,
): Promise<number> {
  let count = 0;
  for (let n = 0; n < calls; n += 1) {
    if ((await members[n % members.length]?.take()) === 0) count += 1;
  }
  return count;
}

describe('calls counted by several processes', () => {
  it('are never more than the burst at first, however they are dealt out', async () => {
    expect(await served(processes(1).members, 200)).toBe(50);
    expect(await served(processes(2).members, 200)).toBe(50);
    expect(await served(processes(7).members, 700)).toBe(50);
  });

  it('exceed the burst by less than a lease for each process, and the rate not at all', async () => {
    const { clock, members } = processes(3);
    // Each takes one, and holds the rest of its lease.
    expect(await served(members, 3)).toBe(3);
    const held = members.reduce((sum, { bucket }) => sum + bucket.left, 0);
    expect(held).toBe(3 * (leaseSize(rate) - 1));
    clock.advance(3600);
    // The worst case: everything held, and a full burst.
    expect(await served(members, 300)).toBe(50 + held);
    let total = 0;
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1);
      total += await served(members, 60);
    }
    expect(total).toBe(600);
  });

  it('cost one lease in five, and none while the store has nothing to give', async () => {
    const { members, leases } = processes(1);
    expect(await served(members, 50)).toBe(50);
    expect(leases()).toBe(10);
    expect(await served(members, 1000)).toBe(0);
    expect(leases()).toBe(11);
  });

  it('that come at the same time share a lease', async () => {
    const { members, leases } = processes(1);
    const waits = await Promise.all(Array.from({ length: 80 }, async () => members[0]?.take()));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(50);
    expect(waits.filter((wait) => wait !== 0)).toEqual(Array.from({ length: 30 }, () => 100_000));
    expect(leases()).toBeLessThanOrEqual(4);
  });

  it('are counted by each process alone when the store fails, and together again after', async () => {
    let isDown = true;
    const shared = createPermitStore(createSqliteEngine(database));
    const store: PermitStore = {
      lease: (...args) =>
        isDown ? Promise.reject(new Error('no connection')) : shared.lease(...args),
      deleteFull: () => Promise.resolve(0),
    };
    const { members, clock } = processes(2, store);
    expect(await served(members, 300)).toBe(100);
    isDown = false;
    clock.advance(3600);
    expect(await served(members, 300)).toBe(50);
  });

  it('without a store are answered at once', () => {
    const counter = new RateCounter(rate, undefined, testClock(), silentLogger);
    const bucket: Bucket = newBucket();
    const waits = Array.from({ length: 51 }, () => counter.take(bucket, () => 'nobody'));
    expect(waits).toEqual([...Array.from({ length: 50 }, () => 0), 100_000]);
  });
});
