import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../shared/clock.js';
import { ToolkitError, quote } from '../shared/errors.js';
import { parseJson } from '../shared/json.js';
import { type CourseRecord, parseCourseRecord } from './domain/course.js';
import { readGoal } from './domain/goals.js';
import type { Activity } from './domain/learner.js';
import type { CatalogStore } from './domain/ports.js';
import {
  type CourseId,
  type LearnerScope,
  SHARED_TENANT,
  type Scope,
  skillIdOf,
} from './domain/scope.js';

const SOURCE = 'sample';
const SHARED: Scope = { tenant: SHARED_TENANT };
/** The issuer of identities that the bundled authorization server keeps. */
const LOCAL_ISSUER = 'local';

/** A file of the sample catalog is missing or holds a line that cannot be used. */
export class SampleDataError extends ToolkitError {
  readonly code = 'ERR_SAMPLE_DATA';
}

export interface SampleLearner {
  readonly subject: string;
  readonly displayName: string;
  readonly tenant: string;
  /** One sentence about the person, for a sign-in page. */
  readonly about: string;
}

export interface SampleOptions {
  /** Folder with the NDJSON files, as `data/` of this project. */
  readonly dataFolder: string;
  readonly clock: Clock;
}

/** Whether the shared catalog holds courses that did not come from the sample. */
async function hasOwnCourses(store: CatalogStore): Promise<boolean> {
  const { hits } = await store.courses.searchIndex(SHARED, { words: [], filters: {}, limit: 1 });
  const [course] = await store.courses.getCourses(
    SHARED,
    hits.map((hit) => hit.id),
  );
  return course !== undefined && course.source !== SOURCE;
}

export interface SampleSummary {
  /** Courses in the shared catalog and those of the demo tenants. */
  readonly courses: number;
  readonly learners: readonly SampleLearner[];
}

const skillLine = z.object({ id: z.string(), label: z.string(), aliases: z.array(z.string()) });
const roleLine = skillLine.extend({
  skills: z.array(z.object({ skill: z.string(), level: z.int(), weight: z.number() })),
});
const tenantLine = z.object({ tenant: z.string(), name: z.string() });
const historyLine = z.object({ courses: z.array(z.string()) });
const learnerLine = z.object({
  subject: z.string(),
  tenant: z.string(),
  display_name: z.string(),
  about: z.string(),
  languages: z.array(z.string()),
  weekly_hours: z.number(),
  goals: z.array(z.string()),
  skills: z.record(z.string(), z.int()),
  history: z.array(
    z.object({
      verb: z.enum(['enrolled', 'progressed', 'completed', 'dropped', 'dismissed', 'saved']),
      course: z.string(),
      at: z.iso.datetime(),
      progress: z.number().optional(),
    }),
  ),
});

/**
 * Loads the sample catalog and its demo learners; beside courses of one's own the learners alone, without a history. Safe to call at every start: unchanged courses are skipped, and a
 * demo learner who is already there is left as is, with everything done since.
 *
 * @throws {SampleDataError} when a file is missing or a line cannot be used
 */
export async function seedSampleCatalog(
  store: CatalogStore,
  options: SampleOptions,
): Promise<SampleSummary> {
  const { dataFolder, clock } = options;
  // The vocabulary goes first, so that no course adds a skill without its proper name.
  await store.courses.importVocabulary(SHARED, {
    skills: readLines(dataFolder, 'skills.ndjson', skillLine).map((skill) => ({
      ...skill,
      id: skillIdOf(skill.id),
    })),
    roles: readLines(dataFolder, 'roles.ndjson', roleLine).map((role) => ({
      ...role,
      skills: role.skills.map((skill) => ({ ...skill, skill: skillIdOf(skill.skill) })),
    })),
  });
  const isBesideOwn = await hasOwnCourses(store);
  const courses = isBesideOwn ? 0 : await loadCourses(store, options);
  const learners = readLines(dataFolder, 'learners.ndjson', learnerLine);
  for (const learner of learners) {
    await seedLearner(store, isBesideOwn ? { ...learner, history: [] } : learner, clock);
  }
  return {
    courses,
    learners: learners.map((learner) => ({
      subject: learner.subject,
      displayName: learner.display_name,
      tenant: learner.tenant,
      about: learner.about,
    })),
  };
}

/** @returns how many courses the sample has, for the shared catalog and the demo tenants together */
async function loadCourses(
  store: CatalogStore,
  { dataFolder, clock }: SampleOptions,
): Promise<number> {
  const tenants = readLines(dataFolder, 'tenants.ndjson', tenantLine).map(({ tenant }) => tenant);
  const files = [
    { scope: SHARED, file: 'courses.ndjson' },
    ...tenants.map((tenant) => ({ scope: { tenant }, file: `courses-${tenant}.ndjson` })),
  ];
  let total = 0;
  let changed = 0;
  for (const { scope, file } of files) {
    const records = readCourses(dataFolder, file);
    const counts = await store.courses.importCourses(scope, records, { at: clock.nowMs() });
    total += records.length;
    changed += counts.created + counts.updated;
  }
  const histories = readLines(dataFolder, 'histories.ndjson', historyLine).map(
    (history) => history.courses as CourseId[],
  );
  // A start that was cut off may have left the courses without their counts.
  const published = await store.transitions.transitionsFrom(SHARED, histories[0] ?? [], 1);
  if (changed > 0 || published.length === 0) {
    await store.transitions.publishHistories(SHARED, histories, clock.nowMs());
  }
  return total;
}

async function seedLearner(
  store: CatalogStore,
  learner: z.infer<typeof learnerLine>,
  clock: Clock,
): Promise<void> {
  const scope: LearnerScope = {
    tenant: learner.tenant,
    issuer: LOCAL_ISSUER,
    subject: learner.subject,
  };
  // The name is written last: without it an earlier start was cut off, and its events are known by their ids.
  if ((await store.learners.find(scope))?.displayName !== undefined) return;
  const goals = [];
  for (const text of learner.goals) goals.push(...(await readGoal(store.courses, scope, text)));
  const activities = learner.history.map((event, index): Activity => ({
    verb: event.verb,
    course: event.course as CourseId,
    at: Date.parse(event.at),
    progress: event.progress,
    statementId: `${SOURCE}:${learner.subject}:${index}`,
  }));
  await store.learners.recordActivities(scope, activities);
  await store.transitions.rebuildTransitions(scope, clock.nowMs());
  await store.learners.save(
    scope,
    {
      displayName: learner.display_name,
      languages: learner.languages,
      weeklyHours: learner.weekly_hours,
      goals,
      skills: Object.entries(learner.skills).map(([skill, level]) => ({
        skill: skillIdOf(skill),
        level,
        confidence: 1,
      })),
    },
    clock.nowMs(),
  );
}

function readCourses(folder: string, file: string): CourseRecord[] {
  return readLines(folder, file, z.unknown()).map((value, index) => {
    const parsed = parseCourseRecord(value, SOURCE);
    if (parsed.ok) return parsed.value;
    const [problem] = parsed.error;
    throw new SampleDataError(
      `${file} line ${index + 1}: field ${quote(problem?.field)} is ${quote(problem?.value)}: ${problem?.reason}`,
    );
  });
}

function readLines<Line>(folder: string, file: string, schema: z.ZodType<Line>): Line[] {
  const path = join(folder, file);
  if (!existsSync(path)) {
    throw new SampleDataError(
      `${quote(path)} is missing: point the data folder at the sample files`,
    );
  }
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, line }) => {
      const json = parseJson(text);
      const parsed = schema.safeParse(json.ok ? json.value : undefined);
      if (parsed.success) return parsed.data;
      throw new SampleDataError(`${file} line ${line}: ${z.prettifyError(parsed.error)}`);
    });
}
