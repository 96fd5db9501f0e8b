import { quote } from '../shared/errors.js';
import { type JsonObject, type JsonValue, isJsonObject } from '../shared/json.js';
import { InsufficientScopeError, ToolSourceError } from './errors.js';
import { structuredOf } from './evidence.js';
import { pick, pickArray, pickNumber } from './json-view.js';
import type { ToolDescription, ToolResult, ToolSource } from './tool-source.js';

/** The tools that the agent knows how to use. A server may lack some; the answer then says what could not be done. */
const KNOWN_TOOLS = [
  'search_courses',
  'get_course',
  'recommend_courses',
  'get_learner',
  'enroll',
] as const;
export type KnownTool = (typeof KNOWN_TOOLS)[number];

/** One call as it happened. */
export interface CallRecord {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly outcome: 'ok' | 'error';
  /** What the tool said about its failure. */
  readonly error?: string;
}

export interface Answer {
  readonly structured: JsonObject | undefined;
  readonly text: string;
  readonly isError: boolean;
  /** The failure is a missing scope: the same call would work with other credentials. */
  readonly isForbidden: boolean;
  readonly record: CallRecord;
}

/** A value to send, under the first of its names that the tool's schema has; left out when it has none of them. */
export interface Argument {
  readonly names: readonly string[];
  readonly value: JsonValue | undefined;
}

/** More calls than any request needs: a planner that asks for more is stopped, not served. */
const MAX_CALLS = 60;

/** The tools of one run: finds them by their known names, fits arguments to the schemas, and keeps count. */
export class Toolbox {
  readonly #source: ToolSource;
  readonly #tools: readonly ToolDescription[];
  #calls = 0;

  private constructor(source: ToolSource, tools: readonly ToolDescription[]) {
    this.#source = source;
    this.#tools = tools;
  }

  static async open(source: ToolSource): Promise<Toolbox> {
    return new Toolbox(source, await source.listTools());
  }

  /** Known tools that no server offers. */
  get missing(): readonly KnownTool[] {
    return KNOWN_TOOLS.filter((name) => this.#find(name) === undefined);
  }

  has(name: KnownTool): boolean {
    return this.#find(name) !== undefined;
  }

  /** Whether the tool's schema has an argument of one of these names. */
  accepts(name: KnownTool, names: readonly string[]): boolean {
    const properties = this.#find(name)?.inputSchema['properties'];
    return isJsonObject(properties) && pick(properties, names) !== undefined;
  }

  /**
   * Calls a known tool with what its schema takes of the arguments.
   *
   * @throws {ToolSourceError} when the tool is missing, requires an argument that the agent does not know, or the run
   * has used up its 60 calls
   */
  async call(name: KnownTool, wanted: readonly Argument[], signal: AbortSignal): Promise<Answer> {
    const tool = this.#find(name);
    if (tool === undefined) throw new ToolSourceError(`no server offers the tool ${quote(name)}`);
    if (++this.#calls > MAX_CALLS) {
      throw new ToolSourceError(`stopped after ${MAX_CALLS} tool calls in one run`);
    }
    const args = fitArguments(tool, wanted);
    const result = await this.#call(tool.name, args, signal);
    return {
      structured: result.isError ? undefined : structuredOf(result),
      text: result.text,
      isError: result.isError,
      isForbidden: result.isForbidden === true,
      record: {
        tool: tool.name,
        arguments: args,
        outcome: result.isError ? 'error' : 'ok',
        ...(result.isError && { error: result.text.slice(0, 500) }),
      },
    };
  }

  /** Over HTTP a missing scope is a thrown 403, over stdio an error result: one tool less, not the end of the run. */
  async #call(
    name: string,
    args: JsonObject,
    signal: AbortSignal,
  ): Promise<ToolResult & { readonly isForbidden?: boolean }> {
    try {
      return await this.#source.callTool(name, args, { signal });
    } catch (error) {
      if (!(error instanceof InsufficientScopeError)) throw error;
      return { structured: undefined, text: error.message, isError: true, isForbidden: true };
    }
  }

  /** With several servers a tool may carry its server's name in front: `catalog__search_courses`. */
  #find(name: KnownTool): ToolDescription | undefined {
    return (
      this.#tools.find((tool) => tool.name === name) ??
      this.#tools.find((tool) => tool.name.endsWith(`__${name}`))
    );
  }
}

function fitArguments(tool: ToolDescription, wanted: readonly Argument[]): JsonObject {
  const properties = tool.inputSchema['properties'];
  const args: Record<string, JsonValue> = {};
  if (isJsonObject(properties)) {
    for (const { names, value } of wanted) {
      const slot = pick(properties, names);
      if (slot === undefined || value === undefined || !isJsonObject(slot.value)) continue;
      const fitted = fitValue(slot.value, value);
      if (fitted !== undefined) args[slot.field] = fitted;
    }
  }
  const required = pickArray(tool.inputSchema, ['required'])?.value ?? [];
  const unmet = required.find((name) => typeof name === 'string' && !(name in args));
  if (unmet !== undefined) {
    throw new ToolSourceError(
      `tool ${quote(tool.name)} requires the argument ${quote(unmet)}, which the agent has no value for`,
    );
  }
  return args;
}

/** Undefined when the schema cannot take the value: an optional filter is then left out, never sent wrong. */
function fitValue(schema: JsonObject, value: JsonValue): JsonValue | undefined {
  if (schema['type'] === 'array' && !Array.isArray(value)) return [value];
  const allowed = pickArray(schema, ['enum'])?.value;
  if (allowed !== undefined && !allowed.includes(value)) return undefined;
  if (typeof value === 'number') {
    if (schema['type'] === 'string') return undefined;
    const low = pickNumber(schema, ['minimum'])?.value ?? Number.NEGATIVE_INFINITY;
    const high = pickNumber(schema, ['maximum'])?.value ?? Number.POSITIVE_INFINITY;
    const whole = schema['type'] === 'integer' ? Math.floor(value) : value;
    return Math.min(Math.max(whole, low), high);
  }
  const maxLength = pickNumber(schema, ['maxLength'])?.value;
  return typeof value === 'string' && maxLength !== undefined ? value.slice(0, maxLength) : value;
}
