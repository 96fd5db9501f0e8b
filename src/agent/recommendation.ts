import type { JsonValue } from '../shared/json.js';

/** A reason as a planner proposes it: a field of a course and the value that it is said to have. */
export interface Claim {
  /** Field name as the server sent it; a dotted path reaches into objects and lists (`evidence.0.learners`). */
  readonly field: string;
  readonly value: JsonValue;
  /** The course whose field it is, when it is not the proposed one's: "X asks for this one first". */
  readonly of?: string;
  /** The planner's own wording; used only when nothing in it goes beyond the value. */
  readonly text?: string;
}

export interface Proposal {
  readonly courseId: string;
  readonly claims: readonly Claim[];
}

/** A reason that was checked against what the tools returned. */
export interface Reason {
  readonly field: string;
  readonly value: JsonValue;
  /** The course whose field it is. */
  readonly course: string;
  readonly text: string;
}

export interface Recommendation {
  readonly id: string;
  readonly title: string;
  /** Recommended courses of this answer that have to be completed before this one. */
  readonly after: readonly string[];
  readonly reasons: readonly Reason[];
  readonly url?: string;
}

/** Why a proposed course, or one claim about it, is not in the answer. */
export type Rule =
  | 'unknown_course'
  | 'claim_not_in_catalog'
  | 'no_reason_left'
  | 'already_taken'
  | 'dismissed'
  | 'retired'
  | 'excluded_topic'
  | 'too_long'
  | 'too_many_hours_a_week'
  | 'wrong_language'
  | 'over_budget'
  | 'level'
  | 'not_stated'
  | 'prerequisite';

export interface Rejection {
  readonly id: string;
  readonly title?: string;
  readonly rule: Rule;
  readonly text: string;
}

export interface Verdict {
  /** Prerequisites before the courses that need them; otherwise in the order proposed. */
  readonly recommendations: readonly Recommendation[];
  readonly rejections: readonly Rejection[];
}
