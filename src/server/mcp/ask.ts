import { type InputRequest, type InputRequests, inputRequired } from '@modelcontextprotocol/server';
import { type JsonObject, isJsonObject } from '../../shared/json.js';
import type { Answer, Question, RequestContext } from '../core/context.js';
import type { Schema } from '../core/schema.js';
import { checkingSchema, compileDocument } from './json-schema.js';
import type { Answers } from './request-state.js';

/** Unwinds a handler that asked something nobody has answered yet. Control flow, not a failure. */
export class UnansweredSignal extends Error {
  readonly questions: Readonly<Record<string, Question>>;

  constructor(questions: Readonly<Record<string, Question>>) {
    super('input is required: this signal has to pass through the handler');
    this.questions = questions;
  }
}

/** The questions of one run: what was answered, and what this run has read of it. */
export interface Interview {
  readonly ask: RequestContext['ask'];
  /** Answers that fitted their question in this run: what the next round's state carries. */
  readonly accepted: Answers;
}

/**
 * @param earlier - answers of earlier rounds, from the verified state
 * @param latest - answers of this round, as the client sent them
 */
export function createInterview(earlier: Answers, latest: unknown): Interview {
  const given: Record<string, unknown> = { ...earlier, ...(isJsonObject(latest) ? latest : {}) };
  const accepted: Record<string, Answer> = {};
  const ask = async <Key extends string>(
    questions: Readonly<Record<Key, Question>>,
  ): Promise<Record<Key, Answer>> => {
    const answers = {} as Record<Key, Answer>;
    const open: Record<string, Question> = {};
    for (const [key, question] of Object.entries(questions) as [Key, Question][]) {
      const answer = given[key];
      if (isJsonObject(answer) && (await isAnswerTo(question, answer))) {
        answers[key] = answer;
        accepted[key] = answer;
      } else {
        open[key] = question;
      }
    }
    if (Object.keys(open).length > 0) throw new UnansweredSignal(open);
    return answers;
  };
  return { ask, accepted };
}

/** The questions as the wire carries them. */
export function toInputRequests(questions: Readonly<Record<string, Question>>): InputRequests {
  return Object.fromEntries(
    Object.entries(questions).map(([key, question]) => [key, toInputRequest(question)]),
  );
}

function toInputRequest(question: Question): InputRequest {
  switch (question.kind) {
    case 'form':
      return inputRequired.elicit({
        message: question.message,
        requestedSchema: question.schema as never,
      });
    case 'url':
      return inputRequired.elicitUrl({ message: question.message, url: question.url });
    case 'sampling':
      return inputRequired.createMessage(question.params as never);
    case 'roots':
      return inputRequired.listRoots();
  }
}

/** An answer of another kind, or one that does not fit the form, counts as none: the question is put again. */
export async function isAnswerTo(question: Question, answer: JsonObject): Promise<boolean> {
  switch (question.kind) {
    case 'sampling':
      return typeof answer['role'] === 'string' && answer['content'] !== undefined;
    case 'roots':
      return Array.isArray(answer['roots']);
    case 'url':
      return isElicitAction(answer['action']);
    case 'form': {
      if (!isElicitAction(answer['action'])) return false;
      if (answer['action'] !== 'accept') return true;
      const outcome = await formSchema(question.schema)['~standard'].validate(
        answer['content'] ?? {},
      );
      return outcome.issues === undefined;
    }
  }
}

function isElicitAction(action: unknown): boolean {
  return action === 'accept' || action === 'decline' || action === 'cancel';
}

function formSchema(schema: Schema | JsonObject): Schema {
  return '~standard' in schema ? checkingSchema(schema as Schema) : compileDocument(schema);
}
