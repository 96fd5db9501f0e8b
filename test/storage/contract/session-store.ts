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

  describe(`subscriptions on ${engine}`, () => {
    const other = { ...record, id: 'session-two' };

    it('are found by resource, for the sessions asked about', async () => {
      const { sessions } = await make();
      for (const one of [record, other]) await sessions.create(one);
      await sessions.subscribe(record.id, 'a://1', 10);
      await sessions.subscribe(record.id, 'a://1', 10);
      await sessions.subscribe(record.id, 'a://2', 10);
      await sessions.subscribe(other.id, 'a://1', 10);
      const ids = [record.id, other.id, 'session-three'];
      expect(await sessions.subscriptionsAmong(['a://1', 'a://9'], ids)).toEqual([
        { id: record.id, uri: 'a://1' },
        { id: other.id, uri: 'a://1' },
      ]);
      expect(await sessions.subscriptionsAmong(['a://1'], [other.id])).toHaveLength(1);
      expect(await sessions.subscriptionsAmong([], ids)).toEqual([]);
      expect(await sessions.subscriptionsAmong(['a://1'], [])).toEqual([]);
    });

    it('end one by one, and with their session', async () => {
      const { sessions } = await make();
      for (const one of [record, other]) await sessions.create(one);
      for (const one of [record, other]) await sessions.subscribe(one.id, 'a://1', 10);
      await sessions.unsubscribe(record.id, 'a://1');
      await sessions.unsubscribe(record.id, 'a://never');
      const ids = [record.id, other.id];
      expect(await sessions.subscriptionsAmong(['a://1'], ids)).toEqual([
        { id: other.id, uri: 'a://1' },
      ]);
      await sessions.delete(other.id);
      expect(await sessions.subscriptionsAmong(['a://1'], ids)).toEqual([]);
    });

    it('of one session are limited: the oldest go first', async () => {
      const { sessions } = await make();
      await sessions.create(record);
      const uris = ['a://1', 'a://2', 'a://3', 'a://4'];
      for (const uri of uris) await sessions.subscribe(record.id, uri, 3);
      const kept = await sessions.subscriptionsAmong(uris, [record.id]);
      expect(kept.map(({ uri }) => uri)).toEqual(['a://2', 'a://3', 'a://4']);
    });

    it('take URIs of any length', async () => {
      const { sessions } = await make();
      await sessions.create(record);
      const uri = `a://${'x'.repeat(100_000)}`;
      await sessions.subscribe(record.id, uri, 10);
      expect(await sessions.subscriptionsAmong([uri], [record.id])).toHaveLength(1);
    });
  });

  describe(`questions on ${engine}`, () => {
    const answer = { jsonrpc: '2.0', id: 5, result: { action: 'accept' } };

    it('are answered once, by their own session, and taken once by the process that asked', async () => {
      const { sessions, events } = await make();
      for (const id of [record.id, 'session-two']) await sessions.create({ ...record, id });
      for (const processId of ['one', 'two']) await events.beat(processId);
      await sessions.ask(record.id, { requestId: 5, processId: 'one' });
      await sessions.ask(record.id, { requestId: 2 ** 47 - 1, processId: 'one' });

      expect(await sessions.answer('session-two', 5, answer)).toBeUndefined();
      expect(await sessions.answer(record.id, 6, answer)).toBeUndefined();
      expect(await sessions.answer(record.id, 5, answer)).toBe('one');
      expect(await sessions.answer(record.id, 5, answer)).toBeUndefined();
      expect(await sessions.takeAnswers('two')).toEqual([]);
      expect(await sessions.takeAnswers('one')).toEqual([{ requestId: 5, answer }]);
      expect(await sessions.takeAnswers('one')).toEqual([]);
      expect(await sessions.answer(record.id, 2 ** 47 - 1, answer)).toBe('one');
    });

    it('are withdrawn one by one, with their session and with the process that asked', async () => {
      const { sessions, events } = await make();
      for (const id of [record.id, 'session-two']) await sessions.create({ ...record, id });
      for (const processId of ['one', 'two']) await events.beat(processId);
      await sessions.ask(record.id, { requestId: 1, processId: 'one' });
      await sessions.ask(record.id, { requestId: 2, processId: 'two' });
      await sessions.ask('session-two', { requestId: 3, processId: 'one' });
      await sessions.ask(record.id, { requestId: 4, processId: 'one' });
      await sessions.withdraw([1, 99]);
      await sessions.withdraw([]);
      expect(await sessions.answer(record.id, 1, answer)).toBeUndefined();
      await sessions.delete('session-two');
      expect(await sessions.answer('session-two', 3, answer)).toBeUndefined();
      await events.leave('two');
      expect(await sessions.answer(record.id, 2, answer)).toBeUndefined();
      expect(await sessions.answer(record.id, 4, answer)).toBe('one');
    });
  });

  describe(`processes on ${engine}`, () => {
    it('have a beat that grows until they leave', async () => {
      const { events } = await make();
      for (const processId of ['one', 'one', 'two', 'one']) await events.beat(processId);
      expect(await events.beats()).toEqual(
        new Map([
          ['one', 3],
          ['two', 1],
        ]),
      );
      await events.leave('one');
      await events.leave('never');
      expect(await events.beats()).toEqual(new Map([['two', 1]]));
    });
  });

  describe(`event log on ${engine}`, () => {
    it('says whose a stream is and whether it has ended; nothing follows its end', async () => {
      const { sessions, events } = await make();
      await sessions.create(record);
      const call = { processId: 'one', requestIds: [7, 'eight'] };
      expect(await events.stateOf(record.id, 'a')).toBeUndefined();
      const first = (await events.append(record.id, 'a', {}, { call })) ?? '';
      expect(await events.stateOf(record.id, 'a')).toEqual({ call, hasEnded: false });
      expect(await events.append(record.id, 'b', {})).toBeDefined();
      expect(await events.stateOf(record.id, 'b')).toEqual({ call: undefined, hasEnded: false });
      expect(await events.append(record.id, 'a', { n: 1 }, { call, isLast: true })).toBeDefined();
      expect(await events.append(record.id, 'a', { n: 2 }, { call })).toBeUndefined();
      expect(await events.append(record.id, 'a', { n: 3 }, { call, isLast: true })).toBeUndefined();
      expect(await events.stateOf(record.id, 'a')).toEqual({ call, hasEnded: true });
      expect(await events.stateOf('another', 'a')).toBeUndefined();
      const later = await events.after(record.id, first, 10);
      expect(later.map(({ message }) => message)).toEqual([{ n: 1 }]);
      expect(await events.append(record.id, 'b', { n: 4 })).toBeDefined();
    });

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
