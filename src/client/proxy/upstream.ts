import { ToolkitError } from '../../shared/errors.js';
import type { JsonObject } from '../../shared/json.js';
import type { Reply, RpcError, RpcRequest } from './messages.js';

export type Era = 'legacy' | 'modern';

/** What a host says about itself: once in a 2025 session, with every request in the 2026 era. */
export interface HostIdentity {
  readonly protocolVersion: string;
  readonly capabilities: JsonObject;
  readonly clientInfo: JsonObject | undefined;
  readonly logLevel: string | undefined;
}

/** What a server says about itself, in either era. */
export interface ServerDescription {
  readonly capabilities: JsonObject;
  readonly serverInfo: JsonObject | undefined;
  readonly instructions: string | undefined;
  /** Its own result of `initialize` or `server/discover`. */
  readonly raw: JsonObject;
}

export interface UpstreamCall {
  readonly method: string;
  /** In the form of the server's era. */
  readonly params: JsonObject | undefined;
  readonly signal: AbortSignal;
  /** Headers that mirror arguments (`Mcp-Param-*`). */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Progress and log messages of this call. The stream waits until it is done. */
  readonly onNotification: (method: string, params: JsonObject | undefined) => Promise<void>;
  /** 2025 era: the server asks something while it works on this call. */
  readonly onRequest: AskHost;
}

export type AskHost = (request: RpcRequest, signal: AbortSignal) => Promise<Reply>;

/** Changes that somebody wants to hear of. */
export interface Interest {
  readonly tools: boolean;
  readonly prompts: boolean;
  readonly resources: boolean;
  readonly uris: ReadonlySet<string>;
}

/** What comes from the server outside of any call. */
export interface UpstreamEvents {
  readonly onNotification: (method: string, params: JsonObject | undefined) => Promise<void>;
  readonly onRequest: AskHost;
  /** The server was away: what it said meanwhile is lost, so everything may have changed. */
  readonly onResync: () => void;
  /** A stream was refused for want of credentials. */
  readonly onSignedOut: () => void;
}

/** A server, connected. */
export interface Upstream {
  readonly era: Era;
  readonly description: ServerDescription;
  /** Resolves with the server's answer, error or not. Rejects with a {@link ToolkitError}, or the signal's reason. */
  call(call: UpstreamCall): Promise<Reply>;
  notify(method: string, params: JsonObject | undefined): Promise<void>;
  /** Undefined when all is well, else the server's refusal. */
  setInterest(interest: Interest): Promise<RpcError | undefined>;
  close(): Promise<void>;
}

/** The connection broke before the answer came, and it is not known what the server did. */
export class CallLostError extends ToolkitError {
  readonly code = 'ERR_CALL_LOST';
  /** Whether the server may have worked on it. */
  readonly mayHaveRun: boolean;

  constructor(serverUrl: string, reason: string, mayHaveRun: boolean, options?: ErrorOptions) {
    super(`the answer of ${serverUrl} was lost: ${reason}`, options);
    this.mayHaveRun = mayHaveRun;
  }
}

/** The server answered with an HTTP status and no JSON-RPC message. */
export class HttpStatusError extends ToolkitError {
  readonly code = 'ERR_HTTP_STATUS';
  readonly status: number;
  /** Value of `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(serverUrl: string, status: number, retryAfterMs?: number) {
    super(`${serverUrl} answered with HTTP status ${status}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
