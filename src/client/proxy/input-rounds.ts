import { setTimeout as delay } from 'node:timers/promises';
import { type JsonObject, type JsonValue, isJsonObject } from '../../shared/json.js';
import type { Reply } from './messages.js';
import type { AskHost } from './upstream.js';

const MAX_ROUNDS = 10;
const MAX_QUESTIONS = 50;
const WAIT_MS = 500;
const KINDS = new Set(['elicitation/create', 'sampling/createMessage', 'roots/list']);

/**
 * Sends a 2026 request for a 2025 host: what the server asks for in its results is put to the host as the requests it
 * knows, and the request is sent again with the answers and an exact copy of the server's state.
 *
 * @see MCP 2026-07-28, multi round-trip requests
 */
export async function withInputRounds(
  params: JsonObject | undefined,
  send: (params: JsonObject | undefined) => Promise<Reply>,
  ask: AskHost,
  signal: AbortSignal,
): Promise<Reply> {
  let current = params;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const reply = await send(current);
    if ('error' in reply || reply.result['resultType'] !== 'input_required') return reply;
    const { inputRequests, requestState } = reply.result;
    const answers = await answerAll(inputRequests, ask, signal);
    if ('error' in answers) return answers;
    const hasQuestions = Object.keys(answers.result).length > 0;
    // Nothing was asked: the server only wants to be asked again.
    if (!hasQuestions) await delay(WAIT_MS * (round + 1), undefined, { signal });
    current = {
      ...params,
      ...(hasQuestions && { inputResponses: answers.result }),
      ...(requestState !== undefined && { requestState }),
    };
  }
  return problem(`the server asked for input more than ${MAX_ROUNDS} times in one call`);
}

/** One after the other: a person reads one dialog at a time. */
async function answerAll(
  inputRequests: JsonValue | undefined,
  ask: AskHost,
  signal: AbortSignal,
): Promise<Reply> {
  const answers: Record<string, JsonValue> = {};
  const questions = isJsonObject(inputRequests) ? Object.entries(inputRequests) : [];
  if (questions.length > MAX_QUESTIONS)
    return problem('the server asks too many questions at once');
  for (const [key, question] of questions) {
    const method = isJsonObject(question) ? question['method'] : undefined;
    const params = isJsonObject(question) ? question['params'] : undefined;
    if (typeof method !== 'string' || !KINDS.has(method)) {
      return problem(
        `the server asks for ${JSON.stringify(method)}, which this host does not know`,
      );
    }
    const reply = await ask(
      { kind: 'request', id: key, method, params: isJsonObject(params) ? params : undefined },
      signal,
    );
    if ('error' in reply) return reply;
    answers[key] = reply.result;
  }
  return { result: answers };
}

function problem(message: string): Reply {
  return { error: { code: -32603, message } };
}
