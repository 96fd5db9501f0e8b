import { describe, expect, it } from 'vitest';
import { runAgent } from '../../src/agent/agent.js';
import { InsufficientScopeError } from '../../src/agent/errors.js';
import { modelPlanner } from '../../src/agent/model-planner.js';
import type { Step } from '../../src/agent/state.js';
import { FAKE_COURSES, FakeScriptedChatModel, FakeToolSource, fakeCatalog } from './fakes.js';

const NURSE = 'I am a nurse and want to become a data analyst, 4 hours a week';
const idsOf = (answer: Awaited<ReturnType<typeof runAgent>>): string[] =>
  answer.recommendations.map(({ id }) => id);
const enrollments = (source: FakeToolSource): unknown[] =>
  source.calls.filter(({ name }) => name === 'enroll').map(({ args }) => args);
const run = (model: FakeScriptedChatModel): ReturnType<typeof runAgent> =>
  runAgent(NURSE, { source: fakeCatalog(), planner: modelPlanner(model, 'fake:scripted') });

describe('the agent without a model', () => {
  it('recommends courses that exist, each with catalog fields and values as reasons', async () => {
    const answer = await runAgent(NURSE, { source: fakeCatalog() });
    expect(answer.planner).toBe('deterministic');
    expect(answer.text).toContain('deterministic planner');
    expect(idsOf(answer)).toContain('data-analyst-start');
    for (const { id, reasons } of answer.recommendations) {
      const course = FAKE_COURSES.find((candidate) => candidate['id'] === id);
      expect(course).toBeDefined();
      expect(reasons.length).toBeGreaterThan(0);
      for (const reason of reasons.filter((candidate) => candidate.course === id)) {
        const value = course?.[reason.field];
        expect(Array.isArray(value) ? value : [value]).toContainEqual(reason.value);
      }
    }
  });

  it('leaves out what does not fit the time and says so', async () => {
    const answer = await runAgent(NURSE, { source: fakeCatalog() });
    expect(idsOf(answer)).not.toContain('analyst-bootcamp');
    expect(answer.text).toContain('asks for 25 hours a week, you have 4');
  });

  it('puts a prerequisite before the course that builds on it', async () => {
    const answer = await runAgent(NURSE, { source: fakeCatalog() });
    const ids = idsOf(answer);
    expect(ids.indexOf('sql-basics')).toBeGreaterThanOrEqual(0);
    expect(ids.indexOf('sql-basics')).toBeLessThan(ids.indexOf('sql-for-analysts'));
  });

  it('says plainly that nothing fits, and does not fill the answer with something else', async () => {
    const answer = await runAgent('I want to become a lighthouse keeper', {
      source: fakeCatalog(),
    });
    expect(answer.recommendations).toEqual([]);
    expect(answer.text).toMatch(/^Nothing in this catalog fits "lighthouse keeper"\./);
  });

  it('explains with the closest courses when a condition rules all of them out', async () => {
    const answer = await runAgent('learn watercolor painting in Korean', { source: fakeCatalog() });
    expect(answer.recommendations).toEqual([]);
    expect(answer.text).toContain('Watercolor painting (watercolor): is in English, not in Korean');
  });

  it('leaves out courses that the person has completed', async () => {
    const learner = { history: [{ course: 'data-analyst-start', state: 'completed' }] };
    const answer = await runAgent(NURSE, { source: fakeCatalog({ learner }) });
    expect(idsOf(answer)).not.toContain('data-analyst-start');
  });

  it('uses stored goals when the sentence names none', async () => {
    const learner = { goals: [{ kind: 'text', text: 'watercolor painting' }], history: [] };
    const answer = await runAgent('What should I take next?', { source: fakeCatalog({ learner }) });
    expect(idsOf(answer)).toEqual(['watercolor']);
    expect(answer.text).toContain('your stored goals count');
  });

  it('tells its steps in the order of the graph', async () => {
    const steps: Step[] = [];
    await runAgent(NURSE, { source: fakeCatalog(), onStep: (step) => steps.push(step) });
    const nodes = steps.map(({ node }) => node).filter((node, at, all) => node !== all[at - 1]);
    expect(nodes).toEqual(['understand', 'profile', 'gather', 'choose', 'verify', 'answer']);
  });

  it('gives the same answer twice', async () => {
    const [first, second] = [
      await runAgent(NURSE, { source: fakeCatalog() }),
      await runAgent(NURSE, { source: fakeCatalog() }),
    ];
    expect(first).toEqual(second);
  });

  it('says which tools are missing and works with the rest', async () => {
    const source = fakeCatalog({ without: ['recommend_courses', 'get_learner', 'get_course'] });
    const answer = await runAgent(NURSE, { source });
    expect(idsOf(answer)).toContain('data-analyst-start');
    expect(answer.notes).toContainEqual(expect.stringContaining('no tool get_course'));
    expect(answer.notes).toContainEqual(expect.stringContaining('no tool recommend_courses'));
  });

  it('sends only arguments that the tool has, within its limits', async () => {
    const source = fakeCatalog();
    await runAgent('learn data analysis in English, at most 12 hours', { source });
    const searches = source.calls
      .filter(({ name }) => name === 'search_courses')
      .map(({ args }) => args);
    expect(searches).toEqual([
      { query: 'data analysis', limit: 10 },
      { query: 'data analysis', limit: 10, language: 'en', maxMinutes: 720 },
    ]);
  });

  it('reports a tool that fails and goes on', async () => {
    const source = new FakeToolSource({
      search_courses: () => 'the index is being rebuilt',
      get_learner: () => 'scope learner:read is missing',
    });
    const answer = await runAgent(NURSE, { source });
    expect(answer.recommendations).toEqual([]);
    expect(answer.text).toContain('search_courses failed: the index is being rebuilt');
    expect(answer.text).toContain('your profile could not be read: scope learner:read is missing');
  });

  it('keeps control characters of a catalog text away from the terminal', async () => {
    const source = new FakeToolSource({
      search_courses: () => ({ courses: [{ id: 'x', title: 'SQL\u001B[31m red', summary: '' }] }),
    });
    const answer = await runAgent('sql', { source });
    expect(answer.text).toContain('(x)');
    expect(answer.text).not.toContain('\u001B');
  });

  it.each([
    ['', 5],
    ['sql', 0],
    ['sql', 21],
  ])('refuses the request %j with at most %d courses', async (text, maxRecommendations) => {
    await expect(runAgent(text, { source: fakeCatalog(), maxRecommendations })).rejects.toThrow(
      TypeError,
    );
  });
});

describe('enrolling', () => {
  it('does not happen unless it is asked for', async () => {
    const source = fakeCatalog();
    const answer = await runAgent(NURSE, { source, confirm: () => Promise.resolve(true) });
    expect(enrollments(source)).toEqual([]);
    expect(answer.enrollment).toBeUndefined();
  });

  it('happens once, after a confirmation, in the first recommendation', async () => {
    const source = fakeCatalog();
    const questions: string[] = [];
    const answer = await runAgent('enroll me in a course on watercolor painting', {
      source,
      confirm: ({ question }) => {
        questions.push(question);
        return Promise.resolve(true);
      },
    });
    expect(questions).toEqual(['Enroll you in "Watercolor painting" (watercolor)?']);
    expect(enrollments(source)).toEqual([{ courseId: 'watercolor' }]);
    expect(answer.enrollment).toMatchObject({ courseId: 'watercolor', status: 'enrolled' });
  });

  it('does not happen when the person says no', async () => {
    const source = fakeCatalog();
    const answer = await runAgent('watercolor', {
      source,
      enroll: true,
      confirm: () => Promise.resolve(false),
    });
    expect(enrollments(source)).toEqual([]);
    expect(answer.enrollment).toMatchObject({ status: 'declined' });
  });

  it('does not happen when there is nobody to confirm', async () => {
    const source = fakeCatalog();
    const answer = await runAgent('watercolor', { source, enroll: true });
    expect(enrollments(source)).toEqual([]);
    expect(answer.enrollment).toMatchObject({ status: 'unconfirmed' });
    expect(answer.text).toContain('enrolling needs your confirmation');
  });
});

describe('a tool that may not be used', () => {
  const forbidden = new InsufficientScopeError('the credentials lack a scope for this');

  it('is told, and the rest of the run goes on', async () => {
    const source = fakeCatalog({ answers: { get_learner: forbidden } });
    const answer = await runAgent(NURSE, { source });
    expect(idsOf(answer)).toContain('data-analyst-start');
    expect(answer.text).toContain('your profile could not be read: the credentials lack a scope');
  });

  it('does not take the recommendations along when it is the enrollment', async () => {
    const source = fakeCatalog({ answers: { enroll: forbidden } });
    const answer = await runAgent('watercolor', {
      source,
      enroll: true,
      confirm: () => Promise.resolve(true),
    });
    expect(idsOf(answer)).toEqual(['watercolor']);
    expect(answer.enrollment).toMatchObject({ status: 'forbidden' });
  });
});

describe('the agent with a model', () => {
  const queries = { queries: ['data analysis'] };

  it('searches for what the model proposes and says what the model chose, in its words', async () => {
    const text = 'It is a start for people who want to work as a data analyst.';
    const value = 'people who want to work as a data analyst';
    const model = new FakeScriptedChatModel([
      queries,
      {
        recommendations: [
          { id: 'data-analyst-start', claims: [{ field: 'summary', value, text }] },
        ],
      },
    ]);
    const answer = await run(model);
    expect(answer.planner).toBe('fake:scripted');
    expect(idsOf(answer)).toEqual(['data-analyst-start']);
    expect(answer.recommendations[0]?.reasons[0]).toEqual({
      field: 'summary',
      value,
      course: 'data-analyst-start',
      text,
    });
    expect(answer.calls.find(({ tool }) => tool === 'search_courses')?.arguments).toMatchObject({
      query: 'data analysis',
    });
    expect(answer.text).not.toContain('deterministic');
  });

  it('catches a course id that the model invented', async () => {
    const model = new FakeScriptedChatModel([
      queries,
      {
        recommendations: [
          {
            id: 'data-science-for-nurses',
            claims: [{ field: 'title', value: 'Data science for nurses' }],
          },
          { id: 'sql-basics', claims: [{ field: 'title', value: 'SQL basics' }] },
        ],
      },
    ]);
    const answer = await run(model);
    expect(idsOf(answer)).toEqual(['sql-basics']);
    expect(answer.text).not.toContain('nurses');
    expect(answer.rejections).toMatchObject([
      { id: 'data-science-for-nurses', rule: 'unknown_course' },
    ]);
    expect(answer.text).toContain(
      '1 statement of fake:scripted had no ground in the catalog and were left out',
    );
  });

  it('catches a field that the model quotes wrongly', async () => {
    const model = new FakeScriptedChatModel([
      queries,
      {
        recommendations: [
          {
            id: 'sql-basics',
            claims: [
              { field: 'title', value: 'SQL basics' },
              { field: 'durationMinutes', value: 30, text: 'It takes only 30 minutes' },
            ],
          },
        ],
      },
    ]);
    const answer = await run(model);
    expect(answer.text).not.toContain('30 minutes');
    expect(answer.rejections).toMatchObject([{ id: 'sql-basics', rule: 'claim_not_in_catalog' }]);
  });

  it('holds a model to the conditions of the request', async () => {
    const bootcamp = {
      recommendations: [
        { id: 'analyst-bootcamp', claims: [{ field: 'title', value: 'Data analyst bootcamp' }] },
      ],
    };
    const answer = await run(new FakeScriptedChatModel([queries, bootcamp, queries, bootcamp]));
    expect(answer.recommendations).toEqual([]);
    expect(answer.text).toContain('asks for 25 hours a week, you have 4');
  });

  it.each([
    ['prose', 'I would take the SQL course!'],
    ['another shape', { courses: ['sql-basics'] }],
    ['a failure', new Error('429 rate limited')],
  ])('lets the rules decide when the model answers with %s, and says so', async (_name, bad) => {
    const answer = await run(new FakeScriptedChatModel([queries, bad]));
    expect(idsOf(answer)).toContain('data-analyst-start');
    expect(answer.notes).toContainEqual(expect.stringContaining('rules decided instead'));
  });

  it('accepts JSON in a code fence', async () => {
    const fenced = `Here you are:\n\`\`\`json\n${JSON.stringify({
      recommendations: [{ id: 'sql-basics', claims: [{ field: 'title', value: 'SQL basics' }] }],
    })}\n\`\`\``;
    expect(idsOf(await run(new FakeScriptedChatModel([queries, fenced])))).toEqual(['sql-basics']);
  });
});
