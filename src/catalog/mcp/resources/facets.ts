import { type ResourceDefinition, defineResource } from '../../../server/core/define.js';
import { callerOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';

const MAX_VALUES = 100;
const URI = 'catalog://facets';

export function facetsResource({ store }: CatalogDependencies): ResourceDefinition {
  return defineResource({
    uri: URI,
    name: 'facets',
    title: 'What the catalog holds',
    description: 'Levels, languages and subjects of the courses you can see, with counts.',
    mimeType: 'application/json',
    scopes: ['catalog:read'],
    async read({ principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return [];
      const { total, facets } = await store.courses.searchIndex(caller.scope, {
        words: [],
        filters: {},
        limit: 1,
      });
      const counts = {
        total,
        level: facets.level.slice(0, MAX_VALUES),
        language: facets.language.slice(0, MAX_VALUES),
        subject: facets.subject.slice(0, MAX_VALUES),
      };
      return [{ uri: URI, mimeType: 'application/json', text: JSON.stringify(counts) }];
    },
  });
}
