import type { JsonObject } from '../shared/json.js';

/** A tool as its server lists it. */
export interface ToolDescription {
  /** The name to call it by; with several servers it may carry the server's name as a prefix. */
  readonly name: string;
  /** The server's name in the source's configuration. */
  readonly server: string;
  readonly description: string;
  /** JSON Schema of the arguments, as the server sent it. */
  readonly inputSchema: JsonObject;
}

/** What a tool answered, the same whichever client and transport carried it. */
export interface ToolResult {
  /** `structuredContent`, or undefined when the server sent none. */
  readonly structured: JsonObject | undefined;
  /** The text blocks joined with line breaks; images, audio and links are left out. */
  readonly text: string;
  /** True when the tool ran and reported a failure; `text` then says why. */
  readonly isError: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Where the agent's tools come from. The graph knows nothing below this line: not the SDK, not the transport, not how
 * the credentials got there.
 */
export interface ToolSource {
  /**
   * @throws {AgentAuthenticationError} when the server wants credentials
   * @throws {ToolSourceUnreachableError} when nothing answers
   */
  listTools(): Promise<readonly ToolDescription[]>;
  /**
   * Calls a tool once; a failed call is not repeated.
   *
   * @throws {ToolSourceError} when no tool has that name, or the server answered with a protocol error
   */
  callTool(name: string, args: JsonObject, options?: CallOptions): Promise<ToolResult>;
  /** Ends connections and child processes. Safe to call twice. */
  close(): Promise<void>;
}
