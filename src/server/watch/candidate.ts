import { readFile } from 'node:fs/promises';
import { type Registry, type RegistryOptions, createRegistry } from '../core/registry.js';
import { compileSchemas } from '../mcp/json-schema.js';
import { listingOf } from '../mcp/listing.js';
import { type Definitions, joinDefinitions } from './definitions.js';
import { ToolFileError } from './errors.js';

/** What one tool file offers. */
export interface Contribution {
  readonly file: string;
  /** The file and its helpers: where a definition is written down. */
  readonly inputs: readonly string[];
  readonly definitions: Definitions;
}

/**
 * A registry of everything that all files offer, with every schema read: what is wrong with it is known now, and not at
 * the first call.
 *
 * @param isFresh - which of them are not served yet. Default: all
 * @throws {ToolFileError} that names the file, and the line where it can be found
 */
export async function combine(
  base: RegistryOptions,
  contributions: readonly Contribution[],
  isFresh: (contribution: Contribution) => boolean = () => true,
): Promise<Registry> {
  for (const contribution of contributions.filter(isFresh)) await check(contribution);
  // What is served already comes first, so that the fault is the newcomer's.
  const inTurn = contributions.toSorted((a, b) => Number(isFresh(a)) - Number(isFresh(b)));
  await refuseDoubles(base, inTurn);
  return build(joinDefinitions([base, ...contributions.map(({ definitions }) => definitions)]));
}

function build(definitions: RegistryOptions): Registry {
  const registry = createRegistry(definitions);
  compileSchemas(registry);
  listingOf(registry);
  return registry;
}

/** Each definition alone, so that the refused one is known. */
async function check({ inputs, file, definitions }: Contribution): Promise<void> {
  for (const part of PARTS) {
    for (const definition of definitions[part]) {
      try {
        build({ [part]: [definition] });
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ToolFileError(
          {
            ...((await placeOf(nameOf(definition), inputs)) ?? { file }),
            message: `${reason}\n  Mend the definition and save the file.`,
          },
          { cause: error },
        );
      }
    }
  }
}

async function refuseDoubles(
  base: RegistryOptions,
  contributions: readonly Contribution[],
): Promise<void> {
  for (const part of PARTS) {
    const known = new Map<string, string>();
    for (const definition of base[part] ?? []) {
      known.set(nameOf(definition), 'the server itself');
    }
    for (const { file, inputs, definitions } of contributions) {
      for (const definition of definitions[part]) {
        const name = nameOf(definition);
        const other = known.get(name);
        known.set(name, file);
        if (other === undefined) continue;
        const what = `${WORD[part]} ${JSON.stringify(name)}`;
        throw new ToolFileError({
          ...((await placeOf(name, inputs)) ?? { file }),
          message: `${what} is also defined by ${other}\n  Give one of the two another name.`,
        });
      }
    }
  }
}

const PARTS = ['tools', 'resources', 'resourceTemplates', 'prompts'] as const;
const WORD = {
  tools: 'tool',
  resources: 'resource',
  resourceTemplates: 'resource template',
  prompts: 'prompt',
} as const;

/** What a registry tells definitions apart by. */
function nameOf(definition: {
  readonly name: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
}): string {
  return definition.uri ?? definition.uriTemplate ?? definition.name;
}

/** Where a name is written as a text in quotes. A name that is put together is not found. */
async function placeOf(
  name: string,
  files: readonly string[],
): Promise<{ readonly file: string; readonly line: number; readonly column: number } | undefined> {
  for (const file of files) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    for (const [at, line] of lines.entries()) {
      const column = ['"', "'", '`']
        .map((quote) => line.indexOf(`${quote}${name}${quote}`))
        .find((found) => found !== -1);
      if (column !== undefined) return { file, line: at + 1, column: column + 1 };
    }
  }
  return undefined;
}
