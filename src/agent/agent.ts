import {
  Annotation,
  type BaseCheckpointSaver,
  Command,
  END,
  MemorySaver,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { randomId } from '../shared/ids.js';
import { deterministicPlanner } from './deterministic-planner.js';
import type { Evidence } from './evidence.js';
import { type LearnerView, UNKNOWN_LEARNER } from './learner-view.js';
import { type NodeName, type Workplace, nodes } from './nodes.js';
import { parseRequest } from './parse-request.js';
import type { Planner } from './planner.js';
import type { Proposal, Recommendation, Rejection } from './recommendation.js';
import type { LearnerRequest } from './request.js';
import type { AgentState, Confirmation, EnrollmentReport, Step } from './state.js';
import type { ToolSource } from './tool-source.js';
import { type CallRecord, Toolbox } from './toolbox.js';

export interface AgentOptions {
  /** Stays open: whoever made it closes it. */
  readonly source: ToolSource;
  /** Default: {@link deterministicPlanner}. */
  readonly planner?: Planner;
  /** At most so many courses, 1 to 20. Default 5. */
  readonly maxRecommendations?: number;
  /** Enroll in the first recommendation, after a confirmation, even when the sentence does not ask for it. Default false. */
  readonly enroll?: boolean;
  /** Answers the question before anything is written. Without it nothing is ever written. */
  readonly confirm?: (question: Confirmation) => Promise<boolean>;
  readonly onStep?: (step: Step) => void;
  /** Where the state of the graph is kept between steps. Default: memory. */
  readonly checkpointer?: BaseCheckpointSaver;
  readonly threadId?: string;
  readonly signal?: AbortSignal;
}

export interface AgentAnswer {
  /** `deterministic`, or the model's name. */
  readonly planner: string;
  readonly request: LearnerRequest;
  /** Verified; prerequisites before what builds on them. Empty when nothing fits: `rejections` and `text` say why. */
  readonly recommendations: readonly Recommendation[];
  /** Proposals and claims that did not pass, each with its rule. */
  readonly rejections: readonly Rejection[];
  /** What the person should know about how the answer came to be. */
  readonly notes: readonly string[];
  /** Every tool call of the run, in order. */
  readonly calls: readonly CallRecord[];
  readonly enrollment: EnrollmentReport | undefined;
  /** The answer for a person, plain text. */
  readonly text: string;
}

/**
 * Answers a person's request for courses with what an MCP server's tools return, and with nothing else.
 *
 * A LangGraph graph: understand, profile, gather, choose, verify, (confirm, enroll), answer. When nothing passes
 * verification it gathers once more with wider searches. Enrolling is asked for through `confirm` while the graph is
 * interrupted; no other step writes.
 *
 * @param text - the request as the person wrote it; the first 2,000 characters count
 * @throws {TypeError} when the text is empty or `maxRecommendations` is out of range
 * @throws {AgentAuthenticationError | ToolSourceUnreachableError | ToolSourceError} when the tools cannot be used
 */
export async function runAgent(text: string, options: AgentOptions): Promise<AgentAnswer> {
  const max = options.maxRecommendations ?? 5;
  if (text.trim() === '') throw new TypeError('the request is empty: say what you want to learn');
  if (!Number.isInteger(max) || max < 1 || max > 20) {
    throw new TypeError(`maxRecommendations is ${max}: expected a whole number from 1 to 20`);
  }
  const planner = options.planner ?? deterministicPlanner();
  const graph = compile(
    {
      toolbox: await Toolbox.open(options.source),
      planner,
      maxRecommendations: max,
      enroll: options.enroll === true,
      signal: options.signal ?? new AbortController().signal,
    },
    options.checkpointer ?? new MemorySaver(),
  );
  const config = {
    configurable: { thread_id: options.threadId ?? randomId(16) },
    recursionLimit: 30,
    ...(options.signal !== undefined && { signal: options.signal }),
  };
  let input: Parameters<typeof graph.stream>[0] = { text };
  // One question at most is asked; the bound is there for a graph that would grow more.
  for (let turn = 0; turn < 4; turn++) {
    const stream = await graph.stream(input, { ...config, streamMode: ['custom'] });
    for await (const [, step] of stream) options.onStep?.(step as Step);
    const question = await pendingQuestion(graph, config);
    if (question === undefined) break;
    // Words, because LangGraph takes a resume value of false for none.
    const resume =
      options.confirm === undefined ? 'unasked' : (await options.confirm(question)) ? 'yes' : 'no';
    input = new Command({ resume }) as typeof input;
  }
  const { values } = (await graph.getState(config)) as { values: AgentState };
  return {
    planner: planner.name,
    request: values.request,
    recommendations: values.recommendations,
    rejections: values.rejections,
    notes: values.notes,
    calls: values.calls,
    enrollment: values.enrollment,
    text: values.answer,
  };
}

async function pendingQuestion(
  graph: ReturnType<typeof compile>,
  config: { configurable: { thread_id: string } },
): Promise<Confirmation | undefined> {
  const { tasks } = await graph.getState(config);
  return tasks.flatMap(({ interrupts }) => interrupts)[0]?.value as Confirmation | undefined;
}

/** A field of the state that keeps its last value; the default is what a run starts with. */
const last = <T>(initial: () => T) =>
  Annotation<T>({ reducer: (_before, after) => after, default: initial });

// No written return type: the compiled graph's own is LangGraph's, and long.
function compile(workplace: Workplace, checkpointer: BaseCheckpointSaver) {
  const State = Annotation.Root({
    text: last(() => ''),
    request: last<LearnerRequest>(() => parseRequest('')),
    learner: last<LearnerView>(() => UNKNOWN_LEARNER),
    queries: last<readonly string[]>(() => []),
    round: last(() => 0),
    evidence: last<Evidence>(() => ({})),
    proposals: last<readonly Proposal[]>(() => []),
    recommendations: last<readonly Recommendation[]>(() => []),
    rejections: last<readonly Rejection[]>(() => []),
    notes: last<readonly string[]>(() => []),
    calls: last<readonly CallRecord[]>(() => []),
    isConfirmed: last(() => false),
    enrollment: last<EnrollmentReport | undefined>(() => undefined),
    answer: last(() => ''),
  });
  const node = nodes(workplace);
  const afterVerify = (state: AgentState): NodeName => {
    if (state.recommendations.length === 0) return state.round < 2 ? 'gather' : 'answer';
    const isAsked = workplace.enroll || state.request.wantsEnrollment;
    return isAsked && workplace.toolbox.has('enroll') ? 'confirm' : 'answer';
  };
  return (
    new StateGraph(State)
      // LangGraph takes no node with the name of a state field: the one that fills "answer" is "write".
      .addNode('understand', node.understand)
      .addNode('profile', node.profile)
      .addNode('gather', node.gather)
      .addNode('choose', node.choose)
      .addNode('verify', node.verify)
      .addNode('confirm', node.confirm)
      .addNode('enroll', node.enroll)
      .addNode('write', node.answer)
      .addEdge(START, 'understand')
      .addEdge('understand', 'profile')
      .addEdge('profile', 'gather')
      .addEdge('gather', 'choose')
      .addEdge('choose', 'verify')
      .addConditionalEdges('verify', afterVerify, {
        gather: 'gather',
        confirm: 'confirm',
        answer: 'write',
      })
      .addConditionalEdges('confirm', (state) => (state.isConfirmed ? 'enroll' : 'write'), [
        'enroll',
        'write',
      ])
      .addEdge('enroll', 'write')
      .addEdge('write', END)
      .compile({ checkpointer })
  );
}
