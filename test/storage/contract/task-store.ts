import { describe, expect, it } from 'vitest';
import type { TaskRecord, TaskStore } from '../../../src/server/core/task-store.js';
import { hashId } from '../../../src/shared/ids.js';

export const taskRecord: TaskRecord = {
  id: 'task-one',
  issuer: 'local',
  subject: 'ada',
  tool: 'compute',
  status: 'working',
  statusMessage: undefined,
  createdAtMs: 1_000,
  updatedAtMs: 1_000,
  expiresAtMs: 61_000,
  pollIntervalMs: 500,
  inputRequests: {},
  outcome: undefined,
  runner: 'process-a',
  leaseUntilMs: 31_000,
};

const QUESTION = { method: 'elicitation/create', params: { message: 'Sure?' } };

/** What every {@link TaskStore} has to do. `make` opens one over an empty database. */
export function describeTaskStore(
  engine: string,
  make: () => Promise<{ tasks: TaskStore; dump(): Promise<string> }>,
): void {
  describe(`task store on ${engine}`, () => {
    it('gives back what was created, until it expires, and keeps no id in the clear', async () => {
      const { tasks, dump } = await make();
      expect(await tasks.create(taskRecord, 10)).toBe(true);
      expect(await tasks.find(taskRecord.id, 60_999)).toEqual(taskRecord);
      expect(await tasks.find(taskRecord.id, 61_000)).toBeUndefined();
      expect(await tasks.find('another', 1_000)).toBeUndefined();
      expect(await dump()).not.toContain(taskRecord.id);
    });

    it('keeps so many tasks of one owner, expired ones not counted', async () => {
      const { tasks } = await make();
      expect(await tasks.create(taskRecord, 2)).toBe(true);
      expect(await tasks.create({ ...taskRecord, id: 'two' }, 2)).toBe(true);
      expect(await tasks.create({ ...taskRecord, id: 'three' }, 2)).toBe(false);
      expect(await tasks.find('three', 1_000)).toBeUndefined();
      expect(await tasks.create({ ...taskRecord, id: 'three', subject: 'bob' }, 2)).toBe(true);
      const later = { ...taskRecord, id: 'three-later', createdAtMs: 61_000, expiresAtMs: 99_000 };
      expect(await tasks.create(later, 2)).toBe(true);
    });

    it('changes only what is named, and nothing after the end', async () => {
      const { tasks } = await make();
      await tasks.create(taskRecord, 10);
      expect(await tasks.update(taskRecord.id, { statusMessage: 'half', updatedAtMs: 2_000 })).toBe(
        true,
      );
      const outcome = { content: [{ type: 'text', text: 'done' }] };
      expect(
        await tasks.update(taskRecord.id, { status: 'completed', outcome, updatedAtMs: 3_000 }),
      ).toBe(true);
      expect(await tasks.update(taskRecord.id, { status: 'failed', updatedAtMs: 4_000 })).toBe(
        false,
      );
      expect(await tasks.update('another', { updatedAtMs: 4_000 })).toBe(false);
      expect(await tasks.find(taskRecord.id, 3_000)).toEqual({
        ...taskRecord,
        status: 'completed',
        statusMessage: 'half',
        outcome,
        updatedAtMs: 3_000,
      });
    });

    it('closes a question with its answer, and hands the answer to the runner once', async () => {
      const { tasks } = await make();
      await tasks.create(taskRecord, 10);
      await tasks.ask(taskRecord.id, { one: QUESTION }, 2_000);
      expect(await tasks.ask(taskRecord.id, { two: QUESTION }, 2_000)).toBe(true);
      await tasks.answer(taskRecord.id, { one: { action: 'accept' }, other: 1 }, 3_000);
      expect(await tasks.find(taskRecord.id, 3_000)).toMatchObject({
        status: 'input_required',
        inputRequests: { two: QUESTION },
      });
      expect(await tasks.takeInputs('process-b')).toEqual([]);
      expect(await tasks.takeInputs('process-a')).toEqual([
        {
          idHash: hashId(taskRecord.id),
          isCancelRequested: false,
          answers: { one: { action: 'accept' } },
        },
      ]);
      expect(await tasks.takeInputs('process-a')).toEqual([]);
      await tasks.answer(taskRecord.id, { one: 'again' }, 4_000);
      expect(await tasks.takeInputs('process-a')).toEqual([]);
      await tasks.answer(taskRecord.id, { two: null }, 4_000);
      const task = await tasks.find(taskRecord.id, 4_000);
      expect(task).toMatchObject({ status: 'working', updatedAtMs: 4_000 });
      expect(task?.inputRequests).toEqual({});
    });

    it('opens and closes no question of a task that is at its end', async () => {
      const { tasks } = await make();
      await tasks.create(taskRecord, 10);
      await tasks.ask(taskRecord.id, { one: QUESTION }, 2_000);
      await tasks.update(taskRecord.id, { status: 'cancelled', updatedAtMs: 3_000 });
      expect(await tasks.ask(taskRecord.id, { two: QUESTION }, 4_000)).toBe(false);
      await tasks.answer(taskRecord.id, { one: {} }, 4_000);
      await tasks.requestCancel(taskRecord.id, 4_000);
      expect(await tasks.takeInputs('process-a')).toEqual([]);
      expect(await tasks.find(taskRecord.id, 4_000)).toEqual({
        ...taskRecord,
        status: 'cancelled',
        updatedAtMs: 3_000,
      });
    });

    it('tells the runner of a cancellation', async () => {
      const { tasks } = await make();
      await tasks.create(taskRecord, 10);
      await tasks.requestCancel(taskRecord.id, 2_000);
      expect(await tasks.takeInputs('process-a')).toEqual([
        { idHash: hashId(taskRecord.id), isCancelRequested: true, answers: {} },
      ]);
    });

    it('fails the tasks of a process that no longer renews, and no others', async () => {
      const { tasks } = await make();
      const gone = { ...taskRecord, id: 'gone', runner: 'process-b' };
      const done = { ...gone, id: 'done' };
      for (const record of [taskRecord, gone, done]) await tasks.create(record, 10);
      await tasks.update('done', { status: 'completed', updatedAtMs: 2_000 });
      await tasks.renew('process-a', 50_000);
      const error = { code: -32603, message: 'gone' };
      expect(await tasks.failAbandoned(30_999, error)).toBe(0);
      expect(await tasks.failAbandoned(31_000, error)).toBe(1);
      expect(await tasks.find('gone', 31_000)).toMatchObject({ status: 'failed', outcome: error });
      expect(await tasks.find('done', 31_000)).toMatchObject({ status: 'completed' });
      expect(await tasks.find(taskRecord.id, 31_000)).toMatchObject({
        status: 'working',
        leaseUntilMs: 50_000,
      });
    });

    it('deletes what has expired and says how much', async () => {
      const { tasks } = await make();
      await tasks.create(taskRecord, 10);
      expect(await tasks.deleteExpired(60_999)).toBe(0);
      expect(await tasks.deleteExpired(61_000)).toBe(1);
    });
  });
}
