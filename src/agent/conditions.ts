import type { CourseView } from './course-view.js';
import type { Rejection } from './recommendation.js';
import { languageName } from './language-name.js';
import type { LearnerView } from './learner-view.js';
import { coverage } from './matching.js';
import type { Budget, LearnerRequest } from './request.js';

type Problem = Pick<Rejection, 'rule' | 'text'>;

const LEVEL_RANGE = { beginner: [0, 3], intermediate: [0, 1], advanced: [1, 3] } as const;
const LEVEL_WORDS = ['beginner', 'intermediate', 'advanced', 'expert'];

/**
 * The first condition of the request that the course does not meet, or undefined. Where the catalog does not say what a
 * condition asks about, the course does not meet it: "at most 10 hours" cannot be promised of a course of unknown length.
 */
export function checkConditions(
  course: CourseView,
  request: LearnerRequest,
  learner: LearnerView,
): Problem | undefined {
  return (
    checkHistory(course, learner) ??
    checkExclusions(course, request) ??
    checkTime(course, request, learner) ??
    checkLanguage(course, request, learner) ??
    checkBudget(course, request.budget) ??
    checkLevel(course, request)
  );
}

function checkHistory(course: CourseView, learner: LearnerView): Problem | undefined {
  if (course.isRetired) return { rule: 'retired', text: 'is no longer offered (status retired)' };
  if (learner.completed.includes(course.id)) {
    return { rule: 'already_taken', text: 'you have completed it' };
  }
  if (learner.current.includes(course.id)) {
    return { rule: 'already_taken', text: 'you are enrolled in it' };
  }
  if (learner.dismissed.includes(course.id)) {
    return { rule: 'dismissed', text: 'you have dismissed it before' };
  }
  return undefined;
}

function checkExclusions(course: CourseView, request: LearnerRequest): Problem | undefined {
  const topics = [
    ...course.texts.filter(({ field }) => field !== 'description').map(({ value }) => value),
    ...(course.teaches?.value ?? []),
  ];
  const hit = request.excluded.find((excluded) =>
    topics.some((text) => coverage(excluded, text) === 1),
  );
  return hit === undefined
    ? undefined
    : { rule: 'excluded_topic', text: `is about ${JSON.stringify(hit)}, which you do not want` };
}

function checkTime(
  course: CourseView,
  request: LearnerRequest,
  learner: LearnerView,
): Problem | undefined {
  const perWeek = request.hoursPerWeek ?? learner.weeklyHours;
  if (
    perWeek !== undefined &&
    course.weeklyHours !== undefined &&
    course.weeklyHours.value > perWeek
  ) {
    return {
      rule: 'too_many_hours_a_week',
      text: `asks for ${course.weeklyHours.value} hours a week, you have ${perWeek}`,
    };
  }
  if (request.maxHours === undefined) return undefined;
  if (course.minutes === undefined) {
    return { rule: 'not_stated', text: 'the catalog does not say how long it is' };
  }
  if (course.minutes.value <= request.maxHours * 60) return undefined;
  const hours = Math.round(course.minutes.value / 6) / 10;
  return { rule: 'too_long', text: `takes ${hours} hours, you have ${request.maxHours}` };
}

function checkLanguage(
  course: CourseView,
  request: LearnerRequest,
  learner: LearnerView,
): Problem | undefined {
  const wanted = request.languages.length > 0 ? request.languages : learner.languages;
  if (wanted.length === 0) return undefined;
  if (course.languages === undefined) {
    return request.languages.length === 0
      ? undefined
      : { rule: 'not_stated', text: 'the catalog does not say which language it is in' };
  }
  const { value } = course.languages;
  return value.some((tag) => wanted.includes(tag))
    ? undefined
    : {
        rule: 'wrong_language',
        text: `is in ${value.map(languageName).join(', ')}, not in ${wanted.map(languageName).join(' or ')}`,
      };
}

function checkBudget(course: CourseView, budget: Budget | undefined): Problem | undefined {
  if (budget === undefined) return undefined;
  if (course.price === undefined) {
    return { rule: 'not_stated', text: 'the catalog does not say what it costs' };
  }
  const { amount, currency } = course.price.value;
  if (amount === 0) return undefined;
  const shown = `${amount}${currency === undefined ? '' : ` ${currency}`}`;
  if (budget.max > 0 && budget.currency !== undefined && currency !== budget.currency) {
    return {
      rule: 'over_budget',
      text: `costs ${shown}, which cannot be compared with ${budget.max} ${budget.currency}`,
    };
  }
  return amount <= budget.max
    ? undefined
    : { rule: 'over_budget', text: `costs ${shown}, your limit is ${budget.max}` };
}

/** A beginner may reach a higher level at the end of a path; whether one leads there is seen when courses are ordered. */
function checkLevel(course: CourseView, request: LearnerRequest): Problem | undefined {
  if (request.level === undefined || course.level === undefined) return undefined;
  const [lowest, highest] = LEVEL_RANGE[request.level];
  const { value } = course.level;
  if (value >= lowest && value <= highest) return undefined;
  return {
    rule: 'level',
    text: `its level is ${LEVEL_WORDS[value] ?? value}, you asked for ${request.level}`,
  };
}
