import type {
  PromptDefinition,
  ResourceDefinition,
  ResourceTemplateDefinition,
  ToolDefinition,
} from '../../server/core/define.js';
import type { CatalogDependencies } from './dependencies.js';
import { planCareerChangePrompt } from './prompts/plan-career-change.js';
import { recommendForGoalPrompt } from './prompts/recommend-for-goal.js';
import { courseResource } from './resources/course.js';
import { facetsResource } from './resources/facets.js';
import { compareCoursesTool } from './tools/compare-courses.js';
import { enrollTool } from './tools/enroll.js';
import { fetchTool } from './tools/fetch.js';
import { getCourseTool } from './tools/get-course.js';
import { getLearnerTool } from './tools/get-learner.js';
import { giveFeedbackTool } from './tools/give-feedback.js';
import { planLearningPathTool } from './tools/plan-learning-path.js';
import { recommendCoursesTool } from './tools/recommend-courses.js';
import { searchCoursesTool } from './tools/search-courses.js';
import { searchTool } from './tools/search.js';
import { setGoalsTool } from './tools/set-goals.js';
import { withdrawTool } from './tools/withdraw.js';

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
      compareCoursesTool(dependencies),
      recommendCoursesTool(dependencies),
      planLearningPathTool(dependencies),
      getLearnerTool(dependencies),
      setGoalsTool(dependencies),
      enrollTool(dependencies),
      withdrawTool(dependencies),
      giveFeedbackTool(dependencies),
      searchTool(dependencies),
      fetchTool(dependencies),
    ],
    resources: [facetsResource(dependencies)],
    resourceTemplates: [courseResource(dependencies)],
    prompts: [recommendForGoalPrompt(dependencies), planCareerChangePrompt(dependencies)],
  };
}
