import {
  type ResourceTemplateDefinition,
  defineResourceTemplate,
} from '../../../server/core/define.js';
import { parseCourseId } from '../../domain/scope.js';
import { callerOf } from '../caller.js';
import { toDetail } from '../course-view.js';
import type { CatalogDependencies } from '../dependencies.js';

const MAX_COMPLETIONS = 100;

export function courseResource({ store }: CatalogDependencies): ResourceTemplateDefinition {
  return defineResourceTemplate({
    uriTemplate: 'course://{id}',
    name: 'course',
    title: 'Course',
    description:
      'One course of the catalog with all its fields. Its texts are the provider’s words.',
    mimeType: 'application/json',
    scopes: ['catalog:read'],
    async read(variables, { principal }) {
      const caller = callerOf(principal);
      const id = parseCourseId(variables['id'] ?? '');
      if (caller === undefined || id === undefined) return undefined;
      const [course] = await store.courses.getCourses(caller.scope, [id]);
      if (course === undefined) return undefined;
      const needed = await store.courses.getCourses(
        caller.scope,
        course.prerequisites.map((need) => need.course),
      );
      return [
        {
          uri: `course://${course.id}`,
          mimeType: 'application/json',
          text: JSON.stringify(toDetail(course, needed, 'full')),
        },
      ];
    },
    complete: {
      async id(value, { principal }) {
        const caller = callerOf(principal);
        // Without a caller there is no tenant, and an id may name what only one tenant can see.
        if (caller === undefined) return [];
        return store.courses.courseIdsStartingWith(
          caller.scope,
          value.toLowerCase(),
          MAX_COMPLETIONS,
        );
      },
    },
  });
}
