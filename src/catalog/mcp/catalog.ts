import type {
  PromptDefinition,
  ResourceDefinition,
  ResourceTemplateDefinition,
  ToolDefinition,
} from '../../server/core/define.js';
import type { CatalogDependencies } from './dependencies.js';
import { recommendForGoalPrompt } from './prompts/recommend-for-goal.js';
import { courseResource } from './resources/course.js';
import { enrollTool } from './tools/enroll.js';
import { getCourseTool } from './tools/get-course.js';
import { getLearnerTool } from './tools/get-learner.js';
import { recommendCoursesTool } from './tools/recommend-courses.js';
import { searchCoursesTool } from './tools/search-courses.js';
import { setGoalsTool } from './tools/set-goals.js';

const MIN_SECRET_BYTES = 32;

export interface Catalog {
  readonly tools: readonly ToolDefinition[];
  readonly resources: readonly ResourceDefinition[];
  readonly resourceTemplates: readonly ResourceTemplateDefinition[];
  readonly prompts: readonly PromptDefinition[];
}

/**
 * Everything the catalog offers over MCP, ready for a registry.
 *
 * @throws {TypeError} when the cursor secret is shorter than 32 bytes
 */
export function createCatalog(dependencies: CatalogDependencies): Catalog {
  const { cursorSecret } = dependencies;
  const keys = cursorSecret instanceof Uint8Array ? [cursorSecret] : cursorSecret;
  if (keys.some((key) => key.byteLength < MIN_SECRET_BYTES)) {
    throw new TypeError(`cursorSecret needs at least ${MIN_SECRET_BYTES} bytes`);
  }
  return {
    tools: [
      searchCoursesTool(dependencies),
      getCourseTool(dependencies),
      recommendCoursesTool(dependencies),
      getLearnerTool(dependencies),
      setGoalsTool(dependencies),
      enrollTool(dependencies),
    ],
    resources: [],
    resourceTemplates: [courseResource(dependencies)],
    prompts: [recommendForGoalPrompt(dependencies)],
  };
}
