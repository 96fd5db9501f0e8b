import { type Result, err, ok } from '../../shared/result.js';
import { foldPhrase } from './analysis.js';
import type { Course } from './course.js';
import type { CourseStore } from './ports.js';
import { type CourseId, type Scope, type SkillId, parseCourseId, skillIdOf } from './scope.js';
import { readWords } from './search.js';
import { nearest } from './typo.js';

const SUGGESTIONS = 3;

/** A course that the scope can see, or the ids that come nearest to what was asked for. */
export async function findCourse(
  store: CourseStore,
  scope: Scope,
  id: string,
): Promise<Result<Course, readonly CourseId[]>> {
  const wanted = courseIdIn(id);
  const [course] = wanted === undefined ? [] : await store.getCourses(scope, [wanted]);
  return course === undefined ? err(await nearestCourses(store, scope, id)) : ok(course);
}

/** The id that a text means, which may be a `course://` URI; undefined when it can be none. */
export function courseIdIn(text: string): CourseId | undefined {
  return parseCourseId(
    text
      .trim()
      .toLowerCase()
      .replace(/^course:\/\//, ''),
  );
}

/** Ids near a text: by spelling first, then by what the words of the text mean in the index. */
async function nearestCourses(
  store: CourseStore,
  scope: Scope,
  text: string,
): Promise<readonly CourseId[]> {
  const id = text.trim().toLowerCase().slice(0, 80);
  const found = new Set<CourseId>();
  const sharing = await store.courseIdsStartingWith(scope, id.slice(0, 2), 200);
  for (const { word } of nearest(id, sharing, 3)) found.add(word as CourseId);
  const words = await readWords(store, scope, id.replaceAll(/[-_.]/g, ' '));
  if (words.length > 0) {
    const { hits } = await store.searchIndex(scope, {
      words: words.map(({ query }) => query),
      filters: {},
      limit: SUGGESTIONS,
      isCounted: false,
    });
    for (const hit of hits) found.add(hit.id);
  }
  for (const other of sharing) {
    if (found.size >= SUGGESTIONS) break;
    if (id.length >= 2) found.add(other);
  }
  return [...found].slice(0, SUGGESTIONS);
}

/** The id of a skill by label, alias or id, or the labels that come nearest. */
export async function findSkill(
  store: CourseStore,
  scope: Scope,
  text: string,
): Promise<Result<SkillId, readonly string[]>> {
  const surface = foldPhrase(text);
  const [named] = await store.skillsNamed(scope, [surface]);
  if (named !== undefined) return ok(named.record.id);
  const [known] = await store.skills(scope, [skillIdOf(text)]);
  if (known !== undefined) return ok(known.id);
  const labels = await store.labelsStartingWith(scope, surface.slice(0, 2), 200);
  const folded = new Map(labels.map((label) => [foldPhrase(label), label]));
  const near = nearest(surface, [...folded.keys()], 3).map(({ word }) => folded.get(word) ?? word);
  return err((near.length > 0 ? near : labels).slice(0, SUGGESTIONS));
}
