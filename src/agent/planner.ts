import type { Evidence } from './evidence.js';
import type { LearnerView } from './learner-view.js';
import type { Proposal } from './recommendation.js';
import type { LearnerRequest } from './request.js';

/** What to search for next. */
export interface SearchPlan {
  /** Search texts, most promising first. An empty list means that there is nothing more to look for. */
  readonly queries: readonly string[];
  /** What the person should know about how the plan came to be. */
  readonly notes: readonly string[];
}

export interface Choice {
  /** Best first. Nothing in it is believed before it was verified. */
  readonly proposals: readonly Proposal[];
  readonly notes: readonly string[];
}

/** Proposes what to look for and what to recommend. Rules or a model; neither has the last word. */
export interface Planner {
  /** `deterministic`, or the model's name. Shown to the person. */
  readonly name: string;
  /**
   * @param input.round - 0 for the first search; 1 when the first one led to nothing that fits
   */
  plan(input: {
    readonly request: LearnerRequest;
    readonly learner: LearnerView;
    readonly round: number;
    readonly signal: AbortSignal;
  }): Promise<SearchPlan>;
  choose(input: {
    readonly request: LearnerRequest;
    readonly learner: LearnerView;
    readonly evidence: Evidence;
    readonly max: number;
    readonly signal: AbortSignal;
  }): Promise<Choice>;
}
