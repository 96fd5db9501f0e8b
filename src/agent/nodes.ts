import { type LangGraphRunnableConfig, interrupt } from '@langchain/langgraph';
import { ToolkitError } from '../shared/errors.js';
import { composeAnswer } from './answer.js';
import { viewCourse } from './course-view.js';
import { type Evidence, collectCourses, mergeEvidence } from './evidence.js';
import { verify } from './grounding.js';
import { UNKNOWN_LEARNER, viewLearner } from './learner-view.js';
import { parseRequest } from './parse-request.js';
import type { Planner } from './planner.js';
import { conditionReasons } from './reasons.js';
import type { LearnerRequest } from './request.js';
import type { AgentState, Confirmation, Step } from './state.js';
import type { Answer, Argument, Toolbox } from './toolbox.js';

/** What the nodes work with: everything that is not state. */
export interface Workplace {
  readonly toolbox: Toolbox;
  readonly planner: Planner;
  readonly maxRecommendations: number;
  /** Enroll in the first recommendation even when the sentence does not ask for it. */
  readonly enroll: boolean;
  readonly signal: AbortSignal;
}

type Node = (state: AgentState, config: LangGraphRunnableConfig) => Promise<Partial<AgentState>>;

const ID = ['courseId', 'course_id', 'id', 'course'];
const LIMIT = ['limit', 'count', 'pageSize', 'page_size', 'max'];
/** Candidates whose details are read, and how deep the courses before them are followed. */
const MAX_DETAILS = 12;
const MAX_DEPTH = 3;

/** Asks before anything is written. Everything before the question runs again when the graph is resumed. */
const confirm: Node = (state) => {
  const first = state.recommendations[0];
  if (first === undefined) return Promise.resolve({ isConfirmed: false });
  const question: Confirmation = {
    kind: 'enroll',
    courseId: first.id,
    title: first.title,
    question: `Enroll you in "${first.title}" (${first.id})?`,
  };
  const answer: unknown = interrupt(question);
  if (answer === 'yes') return Promise.resolve({ isConfirmed: true });
  return Promise.resolve({
    isConfirmed: false,
    enrollment: {
      courseId: first.id,
      title: first.title,
      status: answer === 'unasked' ? ('unconfirmed' as const) : ('declined' as const),
      text:
        answer === 'unasked'
          ? 'not enrolled: enrolling needs your confirmation'
          : 'not enrolled: you said no',
    },
  });
};

export function nodes(workplace: Workplace): Record<NodeName, Node> {
  const { toolbox, planner, signal } = workplace;
  const isWriting = (state: AgentState): boolean =>
    workplace.enroll || state.request.wantsEnrollment;

  const understand: Node = (state, config) => {
    const request = parseRequest(state.text);
    tell(config, 'understand', describe(request));
    const notes = [
      ...(planner.name === 'deterministic'
        ? ['no model is configured: a deterministic planner made this answer by rules']
        : []),
      ...toolbox.missing
        .filter((name) => name !== 'enroll' || isWriting({ ...state, request }))
        .map((name) => `the server has no tool ${name}: ${WITHOUT[name]}`),
      ...request.ignored.map((words) => `"${words}" was not taken into account`),
    ];
    return Promise.resolve({ request, notes });
  };

  const profile: Node = async (state, config) => {
    if (!toolbox.has('get_learner')) return { learner: UNKNOWN_LEARNER };
    const wanted = [{ names: ['history'], value: 50 }];
    const answer = await toolbox.call('get_learner', wanted, signal);
    const calls = [...state.calls, answer.record];
    if (answer.structured === undefined) {
      const notes = [...state.notes, `your profile could not be read: ${firstLine(answer.text)}`];
      return { learner: UNKNOWN_LEARNER, calls, notes };
    }
    const learner = viewLearner(answer.structured);
    const { completed, current, goals } = learner;
    tell(
      config,
      'profile',
      `${completed.length} completed, ${current.length} under way, ${goals.length} stored goals`,
    );
    return { learner, calls };
  };

  const gather: Node = async (state, config) => {
    const { request, learner, round } = state;
    const plan = await planner.plan({ request, learner, round, signal });
    const answers: (Answer & { query: string | undefined })[] = [];
    const ask = async (name: 'search_courses' | 'recommend_courses', args: readonly Argument[]) => {
      const query = args[0]?.value;
      const answer = await toolbox.call(name, args, signal);
      answers.push({ ...answer, query: typeof query === 'string' ? query : undefined });
    };
    for (const query of toolbox.has('search_courses') ? plan.queries : []) {
      tell(config, 'gather', `searching for "${query}"`);
      const plain = [
        { names: ['query', 'q', 'text'], value: query },
        { names: LIMIT, value: 20 },
      ];
      await ask('search_courses', plain);
      const filters = searchFilters(request);
      // Unfiltered for what was found and why it does not fit, filtered so that a large catalog cannot hide what does.
      if (filters.some(({ names }) => toolbox.accepts('search_courses', names))) {
        await ask('search_courses', [...plain, ...filters]);
      }
    }
    if (round === 0 && toolbox.has('recommend_courses')) {
      tell(config, 'gather', 'asking for recommendations');
      await ask('recommend_courses', recommendArguments(request));
    }
    const found = answers.flatMap(({ structured, record, query }) =>
      structured === undefined ? [] : collectCourses(structured, record.tool, query),
    );
    const known = mergeEvidence(state.evidence, found);
    tell(config, 'gather', `${Object.keys(known).length} courses found`);
    const details = await readDetails(known, config);
    const failed = answers.filter(({ isError }) => isError);
    return {
      queries: [...state.queries, ...plan.queries],
      round: round + 1,
      evidence: details.evidence,
      calls: [...state.calls, ...answers.map(({ record }) => record), ...details.calls],
      notes: [
        ...state.notes,
        ...plan.notes,
        ...failed.map(({ record, text }) => `${record.tool} failed: ${firstLine(text)}`),
      ],
    };
  };

  /** Reads what cards leave out, and the courses that candidates build on. */
  async function readDetails(
    known: Evidence,
    config: LangGraphRunnableConfig,
  ): Promise<{ evidence: Evidence; calls: AgentState['calls'] }> {
    if (!toolbox.has('get_course')) return { evidence: known, calls: [] };
    const calls: AgentState['calls'][number][] = [];
    let evidence = known;
    let wanted = byRank(known).slice(0, MAX_DETAILS);
    const asked = new Set<string>();
    for (let depth = 0; depth < MAX_DEPTH && wanted.length > 0; depth++) {
      tell(config, 'gather', `reading ${wanted.length} courses in full`);
      for (const id of wanted) {
        asked.add(id);
        const answer = await toolbox.call(
          'get_course',
          [
            { names: ID, value: id },
            { names: ['detail'], value: 'full' },
          ],
          signal,
        );
        calls.push(answer.record);
        if (answer.structured === undefined) continue;
        evidence = mergeEvidence(
          evidence,
          collectCourses(answer.structured, answer.record.tool, id).filter(
            (course) => course.id === id,
          ),
        );
      }
      const needed = wanted.flatMap((id) => {
        const course = evidence[id];
        return course === undefined ? [] : (viewCourse(course).prerequisites?.value ?? []);
      });
      wanted = [...new Set(needed)].filter((id) => !asked.has(id)).slice(0, MAX_DETAILS);
    }
    return { evidence, calls };
  }

  const choose: Node = async (state, config) => {
    const { request, learner, evidence } = state;
    const max = workplace.maxRecommendations;
    const choice = await planner.choose({ request, learner, evidence, max, signal });
    tell(config, 'choose', `${choice.proposals.length} courses proposed by ${planner.name}`);
    return { proposals: choice.proposals, notes: [...state.notes, ...choice.notes] };
  };

  const check: Node = (state, config) => {
    const { proposals, evidence, request, learner } = state;
    const max = workplace.maxRecommendations;
    const verdict = verify({ proposals, evidence, request, learner, max });
    const recommendations = verdict.recommendations.map((recommendation) => {
      const course = evidence[recommendation.id];
      if (course === undefined) return recommendation;
      const stated = new Set(recommendation.reasons.map(({ field }) => field));
      const conditions = conditionReasons(course, request).filter(
        ({ field }) => !stated.has(field),
      );
      return { ...recommendation, reasons: [...recommendation.reasons, ...conditions] };
    });
    const { rejections } = verdict;
    tell(config, 'verify', `${recommendations.length} hold, ${rejections.length} dropped`);
    return Promise.resolve({ recommendations, rejections });
  };

  const enroll: Node = async (state, config) => {
    const first = state.recommendations[0];
    if (first === undefined) return {};
    tell(config, 'enroll', `enrolling in "${first.title}"`);
    const { id: courseId, title } = first;
    let answer: Answer;
    try {
      answer = await toolbox.call('enroll', [{ names: ID, value: courseId }], signal);
    } catch (error) {
      // The recommendations stand, whatever became of the enrollment.
      signal.throwIfAborted();
      if (!(error instanceof ToolkitError)) throw error;
      const text = `not enrolled: ${error.message}`;
      return { enrollment: { courseId, title, status: 'failed', text } };
    }
    return {
      calls: [...state.calls, answer.record],
      enrollment: {
        courseId,
        title,
        status: answer.isForbidden ? 'forbidden' : answer.isError ? 'failed' : 'enrolled',
        text: answer.isError ? `not enrolled: ${firstLine(answer.text)}` : enrolledText(answer),
      },
    };
  };

  const answer: Node = (state, config) => {
    tell(config, 'answer', 'writing the answer');
    return Promise.resolve({ answer: composeAnswer(state, planner.name) });
  };

  return { understand, profile, gather, choose, verify: check, confirm, enroll, answer };
}

export type NodeName =
  | 'understand'
  | 'profile'
  | 'gather'
  | 'choose'
  | 'verify'
  | 'confirm'
  | 'enroll'
  | 'answer';

const WITHOUT: Readonly<Record<string, string>> = {
  search_courses: 'nothing could be searched for',
  get_course: 'prerequisites and details were not looked up',
  recommend_courses: 'the answer rests on searching alone',
  get_learner: 'your history and profile were not looked at',
  enroll: 'nobody can be enrolled through it',
};

function searchFilters(request: LearnerRequest): readonly Argument[] {
  const { languages, maxHours, budget, level } = request;
  const filters: readonly Argument[] = [
    { names: ['language'], value: languages.length === 1 ? languages[0] : undefined },
    {
      names: ['maxMinutes', 'max_minutes', 'maxDurationMinutes', 'max_duration_minutes'],
      value: maxHours === undefined ? undefined : maxHours * 60,
    },
    { names: ['maxHours', 'max_hours'], value: maxHours },
    { names: ['maxPrice', 'max_price'], value: budget?.max },
    {
      names: ['maxPriceMinor', 'max_price_minor'],
      value: budget === undefined ? undefined : budget.max * 100,
    },
    { names: ['level'], value: level },
  ];
  return filters.filter(({ value }) => value !== undefined);
}

function recommendArguments(request: LearnerRequest): readonly Argument[] {
  return [
    { names: ['goal', 'goalText', 'goal_text', 'query', 'for'], value: request.goal?.text },
    { names: LIMIT, value: 20 },
    {
      names: ['weeklyHours', 'weekly_hours', 'hoursPerWeek', 'hours_per_week'],
      value: request.hoursPerWeek,
    },
    { names: ['language'], value: request.languages[0] },
    { names: ['maxPrice', 'max_price'], value: request.budget?.max },
    { names: ['level'], value: request.level },
  ];
}

function byRank(evidence: Evidence): readonly string[] {
  const best = (id: string): number =>
    Math.min(...(evidence[id]?.foundBy.map(({ rank }) => rank) ?? [Number.MAX_SAFE_INTEGER]));
  return Object.keys(evidence).sort((a, b) => best(a) - best(b) || a.localeCompare(b));
}

function describe(request: LearnerRequest): string {
  const parts = [
    request.currentRole !== undefined && `you are: ${request.currentRole}`,
    request.goal !== undefined && `goal: ${request.goal.text}`,
    request.level !== undefined && `level: ${request.level}`,
    request.hoursPerWeek !== undefined && `${request.hoursPerWeek} hours a week`,
    request.maxHours !== undefined && `at most ${request.maxHours} hours`,
    request.languages.length > 0 && `in ${request.languages.join(' or ')}`,
    request.budget !== undefined &&
      (request.budget.max === 0
        ? 'free'
        : `at most ${request.budget.max} ${request.budget.currency ?? ''}`.trim()),
    request.excluded.length > 0 && `not: ${request.excluded.join(', ')}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? 'no goal or condition was named' : parts.join('; ');
}

/** A server may say that nothing changed because the enrollment was there before. */
function enrolledText({ structured }: Answer): string {
  const status = structured?.['status'];
  return typeof status === 'string' && status.startsWith('already')
    ? 'was enrolled before'
    : 'enrolled';
}

function tell(config: LangGraphRunnableConfig, node: string, message: string): void {
  const step: Step = { node, message };
  config.writer?.(step);
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 300);
}
