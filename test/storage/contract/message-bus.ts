import { afterEach, describe, expect, it } from 'vitest';
import type { BusMessage, MessageBus } from '../../../src/server/core/message-bus.js';

/** What every {@link MessageBus} has to do. `make` opens two over one empty database, as two processes have them. */
export function describeMessageBus(
  engine: string,
  make: () => Promise<{
    readonly buses: readonly [MessageBus, MessageBus];
    /** The same, opened later. */
    another(): Promise<MessageBus>;
    run(sql: string): Promise<unknown>;
  }>,
): void {
  describe(`message bus on ${engine}`, () => {
    const ends: (() => void)[] = [];
    afterEach(() => {
      for (const end of ends.splice(0)) end();
    });

    function listen(bus: MessageBus): BusMessage[] {
      const heard: BusMessage[] = [];
      ends.push(bus.subscribe((message) => heard.push(message)));
      return heard;
    }

    it('tells every process, the sender included, in the same order and none twice', async () => {
      const { buses } = await make();
      const heard = buses.map(listen);
      await Promise.all(
        Array.from({ length: 40 }, (_, n) => buses[n % 2 === 0 ? 0 : 1].publish('t', { n })),
      );
      await expect.poll(() => heard.map(({ length }) => length)).toEqual([40, 40]);
      const [one = [], two = []] = heard;
      expect(one).toEqual(two);
      const numbers = one.map(({ no }) => no);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(new Set(one.map(({ body }) => body['n'])).size).toBe(40);
      expect(buses[0].position).toBe(numbers.at(-1));
    });

    it('tells within a second', async () => {
      const { buses } = await make();
      const heard = listen(buses[1]);
      await buses[0].publish('t', {});
      await expect.poll(() => heard.length, { timeout: 1000 }).toBe(1);
    });

    it('tells nothing of before to who comes later', async () => {
      const { buses, another } = await make();
      await buses[0].publish('t', { n: 1 });
      const late = await another();
      const heard = listen(late);
      await buses[0].publish('t', { n: 2 });
      await expect.poll(() => heard.map(({ body }) => body)).toEqual([{ n: 2 }]);
    });

    it('gives what came after a number, by topic and within the limit, as long as it is kept', async () => {
      const { buses, run } = await make();
      for (let n = 1; n <= 4; n++) {
        await buses[0].publish('t', { n });
        await buses[0].publish('other', { n });
      }
      const after = async (no: number, limit = 10) =>
        (await buses[1].after('t', no, limit))?.map(({ body }) => body['n']);
      expect(await after(0)).toEqual([1, 2, 3, 4]);
      expect(await after(3)).toEqual([3, 4]);
      expect(await after(0, 2)).toEqual([1, 2]);
      expect(await after(99)).toEqual([]);
      await run('DELETE FROM bus_message WHERE message_no < 5');
      expect(await after(3)).toBeUndefined();
      expect(await after(4)).toEqual([3, 4]);
    });

    it('stops telling who has ended the subscription', async () => {
      const { buses } = await make();
      const heard: BusMessage[] = [];
      const end = buses[0].subscribe((message) => heard.push(message));
      await buses[0].publish('t', { n: 1 });
      end();
      await buses[0].publish('t', { n: 2 });
      expect(heard.map(({ body }) => body)).toEqual([{ n: 1 }]);
    });
  });
}
