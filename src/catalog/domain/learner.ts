import type { CourseId, LearnerId, SkillId } from './scope.js';

export const ENROLLMENT_STATES = [
  'saved',
  'enrolled',
  'in_progress',
  'completed',
  'dropped',
  'dismissed',
] as const;
export type EnrollmentState = (typeof ENROLLMENT_STATES)[number];

export interface Enrollment {
  readonly course: CourseId;
  readonly state: EnrollmentState;
  /** 0 to 1. */
  readonly progress: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** What the learner thinks of it, when they said so. */
  readonly rating?: Rating | undefined;
}

export interface Rating {
  /** 1 to 5. */
  readonly stars: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What a learner wants: a role (a bundle of skills), one skill, or words that match neither. */
export interface Goal {
  readonly kind: 'role' | 'skill' | 'text';
  /** Role or skill id; undefined for `text`. */
  readonly ref: string | undefined;
  /** As the learner said it. */
  readonly text: string;
  /** 1 to 5; undefined takes the role's own levels, or 3 for a skill. */
  readonly targetLevel: number | undefined;
  /** ISO date, `2027-06-30`. */
  readonly due: string | undefined;
}

export interface LearnerSkill {
  readonly skill: SkillId;
  readonly level: number;
  /** 1 for evidence from outside, 0.5 for what learners say of themselves. */
  readonly confidence: number;
}

export interface LearnerProfile {
  readonly id: LearnerId;
  readonly displayName: string | undefined;
  /** Primary language subtags (`en`); an empty list means that any will do. */
  readonly languages: readonly string[];
  readonly weeklyHours: number | undefined;
  readonly skills: readonly LearnerSkill[];
  readonly goals: readonly Goal[];
}

/** What a write replaces; fields left out stay as they are. */
export interface LearnerChanges {
  readonly displayName?: string | undefined;
  readonly languages?: readonly string[] | undefined;
  readonly weeklyHours?: number | undefined;
  readonly goals?: readonly Goal[] | undefined;
  /** Merged by skill; the others stay. */
  readonly skills?: readonly LearnerSkill[] | undefined;
}

/** One event of a learner's history. */
export interface Activity {
  readonly verb: 'enrolled' | 'progressed' | 'completed' | 'dropped' | 'dismissed' | 'saved';
  readonly course: CourseId;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly progress?: number | undefined;
  /** Identity of the event at its source: a second import of it changes nothing. */
  readonly statementId: string;
}

/** Whether the course counts as taken: it is part of the ordered history that transitions are made of. */
export function isTaken(state: EnrollmentState): boolean {
  return state !== 'saved' && state !== 'dismissed';
}
