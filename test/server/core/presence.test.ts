import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPresence, createPresenceWatch } from '../../../src/server/core/presence.js';
import { silentLogger } from '../../../src/shared/logger.js';
import { testClock } from '../support/test-server.js';

/** The beats of an event log, in memory. */
function createBeats() {
  const beats = new Map<string, number>();
  let isBroken = false;
  return {
    beats,
    break: () => (isBroken = true),
    log: {
      async beat(processId: string) {
        if (isBroken) throw new Error('no database');
        beats.set(processId, (beats.get(processId) ?? 0) + 1);
      },
      leave: async (processId: string) => void beats.delete(processId),
      beats: async () => new Map(beats),
    },
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the presence of a process', () => {
  it('beats before the work begins, while it lasts and a little longer, and not at all when idle', async () => {
    const { beats, log } = createBeats();
    const presence = createPresence(log, silentLogger);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats.size).toBe(0);

    const release = await presence.hold();
    expect(beats.get(presence.processId)).toBe(1);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(beats.get(presence.processId)).toBe(31);
    release();
    release();
    await vi.advanceTimersByTimeAsync(5000);
    expect(beats.get(presence.processId)).toBe(36);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(beats.size).toBe(0);

    await presence.hold();
    expect(beats.get(presence.processId)).toBe(1);
    await presence.close();
    expect(beats.size).toBe(0);
  });

  it('is idle when all that was held is done', async () => {
    const { log } = createBeats();
    const presence = createPresence(log, silentLogger);
    await presence.idle();
    const releases = [await presence.hold(), await presence.hold()];
    let isIdle = false;
    void presence.idle().then(() => (isIdle = true));
    for (const release of releases) {
      await vi.advanceTimersByTimeAsync(0);
      expect(isIdle).toBe(false);
      release();
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(isIdle).toBe(true);
    await presence.close();
  });

  it('is not claimed when the first beat cannot be written', async () => {
    const { log, ...beats } = createBeats();
    beats.break();
    const presence = createPresence(log, silentLogger);
    await expect(presence.hold()).rejects.toThrow('no database');
    await presence.idle();
    await presence.close();
  });
});

describe('watching other processes', () => {
  it('takes one that said goodbye, or never was, for gone at once', async () => {
    const { log } = createBeats();
    const watch = createPresenceWatch(log, testClock());
    expect(await watch.isGone('never')).toBe(true);
    await log.beat('one');
    expect(await watch.isGone('one')).toBe(false);
    await log.leave('one');
  });

  it('takes one for gone whose beat stands still for more than eight seconds, and not one that is slow', async () => {
    const { log } = createBeats();
    const clock = testClock();
    const watch = createPresenceWatch(log, clock);
    for (const processId of ['dead', 'slow']) await log.beat(processId);
    const gone: boolean[] = [];
    for (let second = 0; second <= 10; second++) {
      gone.push(await watch.isGone('dead'));
      expect(await watch.isGone('slow')).toBe(false);
      if (second % 5 === 4) await log.beat('slow');
      clock.advance(1);
    }
    expect(gone.indexOf(true)).toBe(9);
  });

  it('judges nobody by what it saw long ago', async () => {
    const { log } = createBeats();
    const clock = testClock();
    const watch = createPresenceWatch(log, clock);
    await log.beat('one');
    expect(await watch.isGone('one')).toBe(false);
    clock.advance(3600);
    expect(await watch.isGone('one')).toBe(false);
  });

  it('forgets the dead, and nobody else', async () => {
    const { beats, log } = createBeats();
    const watch = createPresenceWatch(log, testClock());
    for (const processId of ['dead', 'alive']) await log.beat(processId);
    await watch.sweep();
    await log.beat('alive');
    await watch.sweep();
    expect([...beats.keys()]).toEqual(['alive']);
  });
});
