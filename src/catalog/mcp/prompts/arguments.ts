import type { PromptArgument } from '../../../server/core/define.js';
import { foldPhrase } from '../../domain/analysis.js';
import { callerOf } from '../caller.js';
import type { CatalogDependencies } from '../dependencies.js';

const MAX_COMPLETIONS = 20;

/** A required argument in words, completed by the skills and roles that the caller may see. */
export function labelArgument(
  { store }: CatalogDependencies,
  { name, description }: { readonly name: string; readonly description: string },
): PromptArgument {
  return {
    name,
    description,
    required: true,
    async complete(value, { principal }) {
      const caller = callerOf(principal);
      if (caller === undefined) return [];
      return store.courses.labelsStartingWith(caller.scope, foldPhrase(value), MAX_COMPLETIONS);
    },
  };
}

export const WEEKLY_HOURS: PromptArgument = {
  name: 'weekly_hours',
  description: 'hours a week, such as 4',
};
