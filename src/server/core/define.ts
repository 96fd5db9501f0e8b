import type { JsonObject } from '../../shared/json.js';
import type { RequestContext, ToolContext } from './context.js';
import type { ToolLimits } from './limits.js';
import type { Principal } from './principal.js';
import type { Schema, SchemaOutput } from './schema.js';

/**
 * Who is told that something exists. `always`: everybody, and who lacks its scopes is told which ones when it is used.
 * `when-permitted`: only who may use it; for others it does not exist.
 */
export type ListingRule = 'always' | 'when-permitted';

/**
 * What becomes of a result above the server's limit.
 *
 * `list`: the member of the structured result that is a list. Results are cut into pages that fit: clients see a
 * further argument `cursor` and a further member `next_cursor`, and the handler, which sees neither, runs once per
 * page. Only for tools with `readOnlyHint`, whose output schema is an object with that list.
 *
 * `off`: sent as it is.
 */
export type ToolBudget = 'off' | { readonly list: string };

/** Hints for hosts. They are not a policy: a client must not trust them, and the registry does not use them. */
export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

/** A content block as MCP defines it (text, image, audio, resource, resource_link). */
export type ContentBlock = JsonObject & { readonly type: string };

export interface ToolResult {
  /** Shown to people and models. Default: `structured` as a JSON text block. */
  readonly content?: readonly ContentBlock[];
  /** Has to match the tool's `output` schema. */
  readonly structured?: unknown;
  /** True when the tool could not do what was asked; the text says why and what would work. */
  readonly isError?: boolean;
}

/** How a tool that takes long goes on after its call is answered, for clients that know tasks (SEP-2663). */
export interface ToolTask {
  /** `optional`: other clients wait for the result. `required`: they are refused. */
  readonly support: 'optional' | 'required';
  /**
   * `at-once`: when the arguments are found good. `in-handler`: when the handler calls `context.beginTask()`; what it
   * asks before is put to the caller, what it asks after is a question of the task. Default `at-once`.
   */
  readonly begins?: 'at-once' | 'in-handler';
  /** How long a client may ask for it, from its beginning. Default 3,600,000. */
  readonly ttlMs?: number;
  /** How often a client should ask. Default 1000. */
  readonly pollIntervalMs?: number;
}

export interface ToolDefinition<Input extends Schema = Schema, Output extends Schema = Schema> {
  readonly name: string;
  readonly title?: string;
  /** At least 40 characters on the catalog server: it is all a model knows when it chooses. */
  readonly description: string;
  /** Scopes a call needs, all of them. An empty list asks for authentication alone. */
  readonly scopes: readonly string[];
  /** Default `always`. */
  readonly listing?: ListingRule;
  /** Beside the limits of the server. Default: none. */
  readonly limits?: ToolLimits;
  /** Default: a result above the server's limit is kept for the caller, who gets a link to it. */
  readonly budget?: ToolBudget;
  /** Keywords that model vendors are known to refuse, used knowingly: no warning at registration. */
  readonly allowSchemaKeywords?: readonly string[];
  /**
   * Whether a call may become a task. The tool has to watch `context.signal`: a task is cancelled by it alone. Default:
   * never. Needs a server with a store for tasks.
   */
  readonly task?: ToolTask | ToolTask['support'];
  /** Client capabilities without which the tool cannot work, as a ClientCapabilities object. Checked before the call. */
  readonly requiredCapabilities?: JsonObject;
  readonly input?: Input;
  readonly output?: Output;
  readonly annotations?: ToolAnnotations;
  readonly meta?: JsonObject;
  handler(args: SchemaOutput<Input>, context: ToolContext): Promise<ToolResult> | ToolResult;
}

/** Declares a tool. Only a typed identity: nothing is registered until it is given to a registry. */
export function defineTool<Input extends Schema, Output extends Schema>(
  definition: ToolDefinition<Input, Output>,
): ToolDefinition {
  return definition;
}

export interface ResourceContents {
  readonly uri?: string;
  readonly mimeType?: string;
  readonly text?: string;
  /** base64 */
  readonly blob?: string;
}

/** How long and by whom a resource's content may be cached (2026-07-28). */
export interface CacheHint {
  readonly ttlMs: number;
  /** `public` only when the content is the same for every caller. */
  readonly scope: 'public' | 'private';
}

interface ResourceBase {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly scopes: readonly string[];
  /** Default `always`. */
  readonly listing?: ListingRule;
  readonly meta?: JsonObject;
  /** Default: `ttlMs` 0, `private`. */
  readonly cache?: CacheHint;
}

export interface ResourceDefinition extends ResourceBase {
  readonly uri: string;
  read(context: RequestContext): Promise<readonly ResourceContents[]>;
}

export interface ResourceTemplateDefinition extends ResourceBase {
  /** RFC 6570 template, for example `course://{id}`. */
  readonly uriTemplate: string;
  /** @returns undefined when nothing is there: the client gets `-32602` with the URI */
  read(
    variables: Readonly<Record<string, string>>,
    context: RequestContext,
  ): Promise<readonly ResourceContents[] | undefined>;
  /** The resources that exist behind the template; absent when there are too many to list. */
  list?(
    context: RequestContext,
  ): Promise<readonly { readonly uri: string; readonly name: string; readonly title?: string }[]>;
  readonly complete?: Readonly<Record<string, Completer>>;
}

export function defineResource(definition: ResourceDefinition): ResourceDefinition {
  return definition;
}

export function defineResourceTemplate(
  definition: ResourceTemplateDefinition,
): ResourceTemplateDefinition {
  return definition;
}

/** Suggests values for an argument: at most 100 are sent. */
export type Completer = (
  value: string,
  context: {
    readonly arguments: Readonly<Record<string, string>>;
    /** Who asks: suggestions must not name what that caller could not read. */
    readonly principal?: Principal | undefined;
  },
) => Promise<readonly string[]> | readonly string[];

export interface PromptArgument {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly complete?: Completer;
}

export interface PromptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: ContentBlock;
}

export interface PromptDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly scopes: readonly string[];
  /** Default `always`. */
  readonly listing?: ListingRule;
  readonly arguments?: readonly PromptArgument[];
  render(
    args: Readonly<Record<string, string>>,
    context: RequestContext,
  ): Promise<{ readonly description?: string; readonly messages: readonly PromptMessage[] }>;
}

export function definePrompt(definition: PromptDefinition): PromptDefinition {
  return definition;
}
