import { quote } from '../../shared/errors.js';
import { listed } from './reply.js';

/** Says that there is no such course, and which come nearest. */
export function unknownCourse(id: string, nearest: readonly string[]): string {
  const next =
    nearest.length > 0 ? `Nearest are ${listed(nearest)}.` : 'Find ids with search_courses.';
  return `Unknown course ${quote(id, 100)}. ${next}`;
}
