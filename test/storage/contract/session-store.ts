import { describe, expect, it } from 'vitest';
import type { EventLog, SessionRecord, SessionStore } from '../../../src/server/core/ports.js';

export const sessionRecord: SessionRecord = {
  id: 'session-one',
  issuer: 'local',
  subject: 'ada',
  clientId: 'client',
  protocolVersion: '2025-11-25',
  initializeParams: { clientInfo: { name: 'x', version: '1' }, capabilities: {} },
  isInitialized: false,
  logLevel: undefined,
  createdAt: 1000,
  expiresAt: 2000,
};

const record = sessionRecord;

/** What every {@link SessionStore} and {@link EventLog} has to do. `make` opens both over one empty database. */
export function describeSessionStores(
  engine: string,
  make: () => Promise<{ sessions: SessionStore; events: EventLog; dump(): Promise<string> }>,
): void {
  describe(`session store on ${engine}`, () => {
    it('gives back what was created, until it expires', async () => {
      const { sessions } = await make();
      await sessions.create(record);
      expect(await sessions.find(record.id, 1999)).toEqual(record);
      expect(await sessions.find(record.id, 2000)).toBeUndefined();
      expect(await sessions.find('another', 1999)).toBeUndefined();
    });

    it('changes only what is named', async () => {
      const { sessions } = await make();
      await sessions.create(record);
      await sessions.update(record.id, { isInitialized: true });
      await sessions.update(record.id, { logLevel: 'error' });
      await sessions.update(record.id, { expiresAt: 3000 });
      expect(await sessions.find(record.id, 2500)).toEqual({
        ...record,
        isInitialized: true,
        logLevel: 'error',
        expiresAt: 3000,
      });
    });

    it('deletes a session once, with its events', async () => {
      const { sessions, events } = await make();
      await sessions.create(record);
      const eventId = (await events.append(record.id, 'stream', { jsonrpc: '2.0' })) ?? '';
      expect(await sessions.delete(record.id)).toBe(true);
      expect(await sessions.delete(record.id)).toBe(false);
      expect(await events.streamOf(record.id, eventId)).toBeUndefined();
    });

    it('deletes what has expired and says how much', async () => {
      const { sessions } = await make();
      await sessions.create(record);
      await sessions.create({ ...record, id: 'session-two', expiresAt: 5000 });
      expect(await sessions.deleteExpired(2000)).toBe(1);
      expect(await sessions.find('session-two', 2000)).toBeDefined();
    });

    it('does not keep the id itself', async () => {
      const { sessions, dump } = await make();
      await sessions.create(record);
      expect(await dump()).not.toContain(record.id);
    });
  });

  describe(`event log on ${engine}`, () => {
    it('replays the later events of one stream, oldest first, within the limit', async () => {
      const { sessions, events } = await make();
      await sessions.create(record);
      const first = (await events.append(record.id, 'a', { n: 1 })) ?? '';
      await events.append(record.id, 'b', { n: 2 });
      await events.append(record.id, 'a', { n: 3 });
      await events.append(record.id, 'a', { n: 4 });

      const later = await events.after(record.id, first, 10);
      expect(later.map((event) => event.message)).toEqual([{ n: 3 }, { n: 4 }]);
      expect(await events.after(record.id, first, 1)).toHaveLength(1);
      expect(await events.streamOf(record.id, first)).toBe('a');
    });

    it('gives every event of a session its own id, growing', async () => {
      const { sessions, events } = await make();
      await sessions.create(record);
      const ids = [];
      for (let n = 0; n < 12; n++) ids.push(Number(await events.append(record.id, 'a', { n })));
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    });

    it.each(['', '0', '-1', 'x', '1e3', '99', '1; DROP TABLE mcp_event'])(
      'knows no event %j',
      async (eventId) => {
        const { sessions, events } = await make();
        await sessions.create(record);
        await events.append(record.id, 'a', {});
        expect(await events.streamOf(record.id, eventId)).toBeUndefined();
        expect(await events.after(record.id, eventId, 10)).toEqual([]);
      },
    );

    it('knows nothing of the events of another session', async () => {
      const { sessions, events } = await make();
      await sessions.create(record);
      await sessions.create({ ...record, id: 'session-two' });
      const eventId = (await events.append(record.id, 'a', {})) ?? '';
      expect(await events.streamOf('session-two', eventId)).toBeUndefined();
    });
  });
}
