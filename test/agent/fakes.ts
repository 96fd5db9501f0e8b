import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import type { ToolDescription, ToolResult, ToolSource } from '../../src/agent/tool-source.js';
import type { JsonObject, JsonValue } from '../../src/shared/json.js';

type FakeTool = (args: JsonObject) => JsonObject | string | Error;

/** A tool source of functions. A string stands for an error result, an error for a call that throws. */
export class FakeToolSource implements ToolSource {
  readonly calls: { readonly name: string; readonly args: JsonObject }[] = [];
  isClosed = false;
  readonly #tools: Readonly<Record<string, FakeTool>>;

  constructor(tools: Readonly<Record<string, FakeTool>>) {
    this.#tools = tools;
  }

  listTools(): Promise<readonly ToolDescription[]> {
    return Promise.resolve(
      Object.keys(this.#tools).map((name) => ({
        name,
        server: 'fake',
        description: `fake ${name}`,
        inputSchema: SCHEMAS[name] ?? { type: 'object', properties: {} },
      })),
    );
  }

  callTool(name: string, args: JsonObject): Promise<ToolResult> {
    this.calls.push({ name, args });
    const answer = this.#tools[name]?.(args) ?? `unknown tool ${name}`;
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(
      typeof answer === 'string'
        ? { structured: undefined, text: answer, isError: true }
        : { structured: answer, text: JSON.stringify(answer), isError: false },
    );
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

const text = { type: 'string' };
const SCHEMAS: Readonly<Record<string, JsonObject>> = {
  search_courses: {
    type: 'object',
    properties: {
      query: text,
      language: text,
      maxMinutes: { type: 'integer' },
      limit: { type: 'integer', maximum: 10 },
    },
    required: ['query'],
  },
  get_course: { type: 'object', properties: { courseId: text }, required: ['courseId'] },
  recommend_courses: { type: 'object', properties: { goal: text, limit: { type: 'integer' } } },
  get_learner: { type: 'object', properties: {} },
  enroll: { type: 'object', properties: { courseId: text }, required: ['courseId'] },
};

/** A small catalog for agent tests: what its tools return is made up here and nowhere else. */
export const FAKE_COURSES: readonly JsonObject[] = [
  course('data-analyst-start', 'Data analysis for career changers', {
    teaches: ['data analysis', 'spreadsheets'],
    durationMinutes: 720,
    summary: 'A first course for people who want to work as a data analyst.',
  }),
  course('sql-for-analysts', 'SQL for data analysts', {
    teaches: ['sql'],
    level: 'intermediate',
    durationMinutes: 600,
    prerequisites: [{ course: 'sql-basics', kind: 'hard' }],
  }),
  course('sql-basics', 'SQL basics', {
    teaches: ['sql'],
    durationMinutes: 300,
    subject: 'Databases',
  }),
  course('datenanalyse', 'Datenanalyse: data analyst in drei Monaten', {
    language: 'de',
    durationMinutes: 900,
  }),
  course('analyst-bootcamp', 'Data analyst bootcamp', {
    durationMinutes: 18_000,
    weeks: 12,
    weeklyHours: 25,
  }),
  course('analyst-pro', 'Advanced data analyst practice', { level: 'expert', priceMinor: 49_900 }),
  course('watercolor', 'Watercolor painting', { subject: 'Art', teaches: ['painting'] }),
];

function course(id: string, title: string, more: JsonObject = {}): JsonObject {
  return {
    id,
    title,
    summary: '',
    subject: 'Data',
    provider: 'Harbour School',
    level: 'beginner',
    language: 'en',
    durationMinutes: 480,
    priceMinor: 0,
    currency: 'EUR',
    teaches: [],
    prerequisites: [],
    ...more,
  };
}

/** The usual five tools over {@link FAKE_COURSES}: search by words, no ranking beyond the order of the list. */
export function fakeCatalog(
  options: {
    readonly learner?: JsonObject;
    readonly without?: readonly string[];
    /** In place of the usual answer. */
    readonly answers?: Readonly<Record<string, JsonObject | string | Error>>;
  } = {},
): FakeToolSource {
  const tools: Record<string, FakeTool> = {
    search_courses: ({ query }) => {
      const words = JSON.stringify(query)
        .toLowerCase()
        .split(/\W+/)
        .filter((word) => word.length > 2);
      const found = FAKE_COURSES.filter((entry) =>
        words.some((word) => JSON.stringify(entry).toLowerCase().includes(word.slice(0, 5))),
      );
      return { courses: found.map((entry) => ({ ...entry, prerequisites: null })) };
    },
    get_course: ({ courseId }) => {
      const found = FAKE_COURSES.find(({ id }) => id === courseId);
      return found === undefined ? `no course ${JSON.stringify(courseId)}` : { course: found };
    },
    recommend_courses: () => ({ recommendations: [] }),
    get_learner: () => options.learner ?? { goals: [], history: [], languages: [] },
    enroll: ({ courseId }) => ({ status: 'enrolled', courseId: courseId as JsonValue }),
  };
  for (const [name, answer] of Object.entries(options.answers ?? {})) tools[name] = () => answer;
  for (const name of options.without ?? []) delete tools[name];
  return new FakeToolSource(tools);
}

/** A chat model that gives the answers it was made with, in order, and remembers what it was asked. */
export class FakeScriptedChatModel extends BaseChatModel {
  readonly prompts: string[] = [];
  readonly #answers: (string | Error)[];

  constructor(answers: readonly (string | Error | object)[]) {
    super({});
    this.#answers = answers.map((answer) =>
      typeof answer === 'string' || answer instanceof Error ? answer : JSON.stringify(answer),
    );
  }

  override _llmType(): string {
    return 'fake-scripted';
  }

  override _generate(messages: BaseMessage[]): Promise<ChatResult> {
    this.prompts.push(messages.map(({ text: said }) => said).join('\n'));
    const answer = this.#answers.shift();
    if (answer instanceof Error) return Promise.reject(answer);
    const content = answer ?? 'out of script';
    return Promise.resolve({ generations: [{ text: content, message: new AIMessage(content) }] });
  }
}
