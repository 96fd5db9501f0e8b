/** How much the person knows of what they want to learn. */
export type Level = 'beginner' | 'intermediate' | 'advanced';

export interface Goal {
  /** A role is something to become ("data analyst"), a topic something to know ("SQL"). */
  readonly kind: 'role' | 'topic';
  readonly text: string;
  /** The goal taken apart where it names several things: "Python and SQL" -> Python, SQL. At least one entry. */
  readonly parts: readonly string[];
}

/** What a person asked for, taken from their sentence. A field that they did not mention is undefined or empty. */
export interface LearnerRequest {
  readonly text: string;
  readonly currentRole: string | undefined;
  readonly goal: Goal | undefined;
  readonly level: Level | undefined;
  readonly hoursPerWeek: number | undefined;
  /** "in three months" as weeks. */
  readonly deadlineWeeks: number | undefined;
  /** The longest course that still fits, in hours: said outright, or hours a week times the weeks until the deadline. */
  readonly maxHours: number | undefined;
  /** Languages of instruction that were asked for, as ISO 639-1 codes. */
  readonly languages: readonly string[];
  readonly budget: Budget | undefined;
  /** Topics that the person does not want. */
  readonly excluded: readonly string[];
  readonly wantsEnrollment: boolean;
  /** Parts of the sentence that look like a condition and were not understood: the answer says so. */
  readonly ignored: readonly string[];
}

export interface Budget {
  /** In units of the currency, 0 for "free". */
  readonly max: number;
  /** ISO 4217, undefined when the person named a number alone. */
  readonly currency: string | undefined;
}
