import { describe, expect, it } from 'vitest';
import { modernCall, startCatalog } from '../support/catalog-server.js';
import { temporaryFolder } from '../support/processes.js';

interface ToolAnswer {
  readonly result?: {
    readonly isError?: boolean;
    readonly structuredContent?: Record<string, unknown>;
  };
}

describe('kill -9 in the middle of enrollments', () => {
  it('keeps every acknowledged enrollment, once', async () => {
    const data = temporaryFolder();
    const first = await startCatalog([], { data });
    const call = async (
      server: typeof first,
      name: string,
      args: Record<string, unknown>,
    ): Promise<ToolAnswer> => {
      const key = { 'x-api-key': server.ready.apiKey };
      const params = { name, arguments: args };
      return (await (
        await modernCall(server.ready.mcp, 'tools/call', params, key)
      ).json()) as ToolAnswer;
    };
    // 100 enrollments: every course without a prerequisite, over and over, so that repeats are among them.
    const ids: string[] = [];
    for (let cursor: string | undefined, page = 0; page < 20; page++) {
      const answer = await call(first, 'search_courses', {
        limit: 20,
        detail: 'full',
        ...(cursor !== undefined && { cursor }),
      });
      const found = answer.result?.structuredContent as {
        courses: { id: string; prerequisites?: string[] }[];
        next_cursor?: string;
      };
      ids.push(
        ...found.courses
          .filter((course) => (course.prerequisites ?? []).length === 0)
          .map((course) => course.id),
      );
      cursor = found.next_cursor;
      if (cursor === undefined) break;
    }
    expect(ids.length).toBeGreaterThan(20);
    const wanted = Array.from({ length: 100 }, (_, at) => ids[at % ids.length] ?? '');
    const acknowledged = new Set<string>();
    const killed = new Promise((resolve) => first.child.once('exit', resolve));
    let answers = 0;
    await Promise.allSettled(
      wanted.map(async (id) => {
        const answer = await call(first, 'enroll', { id });
        if (answer.result?.isError !== true) acknowledged.add(id);
        answers++;
        if (answers === 30) first.child.kill('SIGKILL');
      }),
    );
    await killed;
    expect(answers).toBeGreaterThanOrEqual(30);
    expect(acknowledged.size).toBeGreaterThan(0);

    const second = await startCatalog([], { data });
    const learner = await call(second, 'get_learner', { history: 50 });
    const { history } = learner.result?.structuredContent as { history: { id: string }[] };
    const kept = history.map((entry) => entry.id);
    expect(new Set(kept).size).toBe(kept.length);
    expect(kept).toEqual(expect.arrayContaining([...acknowledged]));
    // What was not acknowledged can be asked for again.
    for (const id of new Set(wanted)) {
      expect((await call(second, 'enroll', { id })).result?.isError ?? false, id).toBe(false);
    }
    await second.stop();
  });
});
