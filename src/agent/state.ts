import type { Evidence } from './evidence.js';
import type { LearnerView } from './learner-view.js';
import type { Proposal, Recommendation, Rejection } from './recommendation.js';
import type { LearnerRequest } from './request.js';
import type { CallRecord } from './toolbox.js';

/** What happens to the course that the person asked to be enrolled in. */
export interface EnrollmentReport {
  readonly courseId: string;
  readonly title: string;
  readonly status: 'enrolled' | 'declined' | 'unconfirmed' | 'failed' | 'forbidden';
  readonly text: string;
}

/** The question that pauses the graph before it writes anything. */
export interface Confirmation {
  readonly kind: 'enroll';
  readonly courseId: string;
  readonly title: string;
  readonly question: string;
}

/** The state of the graph: plain JSON, so that any checkpointer can hold it. */
export interface AgentState {
  readonly text: string;
  readonly request: LearnerRequest;
  readonly learner: LearnerView;
  readonly queries: readonly string[];
  readonly round: number;
  readonly evidence: Evidence;
  readonly proposals: readonly Proposal[];
  readonly recommendations: readonly Recommendation[];
  readonly rejections: readonly Rejection[];
  readonly notes: readonly string[];
  readonly calls: readonly CallRecord[];
  readonly isConfirmed: boolean;
  readonly enrollment: EnrollmentReport | undefined;
  readonly answer: string;
}

/** A step of the run, told while it happens. */
export interface Step {
  readonly node: string;
  readonly message: string;
}
