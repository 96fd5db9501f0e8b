export { type AgentAnswer, type AgentOptions, runAgent } from './agent.js';
export { deterministicPlanner } from './deterministic-planner.js';
export {
  AgentAuthenticationError,
  InsufficientScopeError,
  ModelUnavailableError,
  ToolSourceError,
  ToolSourceUnreachableError,
} from './errors.js';
export type { CourseEvidence, Evidence, Finding } from './evidence.js';
export type { LearnerView } from './learner-view.js';
export { loadChatModel } from './model.js';
export { type ModelPlannerOptions, modelPlanner } from './model-planner.js';
export {
  type HttpServer,
  type MultiServerOptions,
  type ServerEntry,
  type StdioServer,
  mcpRemoteEntry,
  multiServerSource,
} from './multiserver-source.js';
export { parseRequest } from './parse-request.js';
export type { Choice, Planner, SearchPlan } from './planner.js';
export type {
  Claim,
  Proposal,
  Reason,
  Recommendation,
  Rejection,
  Rule,
  Verdict,
} from './recommendation.js';
export type { Budget, Goal, LearnerRequest, Level } from './request.js';
export type { Confirmation, EnrollmentReport, Step } from './state.js';
export type { CallOptions, ToolDescription, ToolResult, ToolSource } from './tool-source.js';
export type { CallRecord } from './toolbox.js';
export { verify } from './grounding.js';
