import { type ChangeNotifier, type Registry, createRegistry } from '../../../src/server/index.js';
import { askingTools } from './asking-tools.js';
import { taskTools } from './task-tools.js';
import { plainTools } from './plain-tools.js';
import { prompts, resourceTemplates, resources } from './resources-and-prompts.js';

/** Everything that the official conformance suite asks a server for. */
export function everythingRegistry(changes: ChangeNotifier): Registry {
  return createRegistry({
    tools: [...plainTools(changes), ...askingTools, ...taskTools],
    resources,
    resourceTemplates,
    prompts,
  });
}
