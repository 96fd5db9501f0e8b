export type AuditOutcome = 'ok' | 'tool_error' | 'denied' | 'limited' | 'failed' | 'cancelled';

/** One call: who, what, outcome, how long. Results are never in it; arguments when the server's owner asks for them. */
export interface AuditRow {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  readonly tenant: string | undefined;
  readonly clientId: string | undefined;
  /** `local`: what the server did by itself, such as a retention sweep. */
  readonly transport: 'http' | 'stdio' | 'local';
  readonly era: 'modern' | 'legacy';
  /** JSON-RPC method. */
  readonly operation: string;
  /** Tool, prompt or resource that was meant. */
  readonly target: string | undefined;
  readonly outcome: AuditOutcome;
  readonly durationMs: number;
  /** Why it was denied or failed, for the operator: never what an error said, which may quote its input. */
  readonly reason?: string | undefined;
  /** JSON-RPC id as the client gave it. */
  readonly requestId?: string | undefined;
  /** 32 hexadecimal digits: the trace this call is part of (W3C Trace Context). */
  readonly traceId?: string | undefined;
  /** JSON, with declared secrets taken out. Undefined unless the server records arguments. */
  readonly arguments?: string | undefined;
}

/** Append-only. */
export interface AuditLog {
  /** The row is kept, whatever happens to the process, when this has settled. */
  append(row: AuditRow): Promise<void>;
  /** All of them or none. A log without it gets every row at once, also where a little later would do. */
  appendAll?(rows: readonly AuditRow[]): Promise<void>;
  /** Newest first, at most `limit`. */
  recent(limit: number): Promise<readonly AuditRow[]>;
}

/** What to look for; a filter that is absent matches every row. */
export interface AuditFilter {
  /** Epoch milliseconds, inclusive. */
  readonly since?: number | undefined;
  /** Epoch milliseconds, exclusive. */
  readonly until?: number | undefined;
  /** The subject of the principal. */
  readonly subject?: string | undefined;
  readonly issuer?: string | undefined;
  readonly tenant?: string | undefined;
  readonly target?: string | undefined;
  readonly operation?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
}

export type AuditOrder = 'newest-first' | 'oldest-first';

/** One page of a search. */
export interface AuditPage {
  readonly rows: readonly AuditRow[];
  /** Where the next page starts; undefined at the end. */
  readonly next: string | undefined;
}

/** The record of one sweep. It stays when the rows are gone. */
export interface AuditSweep {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Rows before this moment were deleted. */
  readonly before: number;
  readonly deleted: number;
}

/** What an operator does with the log. Servers need {@link AuditLog} alone. */
export interface AuditArchive extends AuditLog {
  appendAll(rows: readonly AuditRow[]): Promise<void>;
  /**
   * @param after - `next` of the page before
   * @throws {TypeError} when `after` is not one that this log gave out
   */
  find(
    filter: AuditFilter,
    page: { readonly order: AuditOrder; readonly limit: number; readonly after?: string },
  ): Promise<AuditPage>;
  /**
   * Deletes the oldest rows from before a moment, at most about `limit` of them, and records that it did. It is the only way a row goes.
   *
   * @param now - epoch milliseconds; `before` must not be later
   * @returns undefined when there was nothing to delete
   */
  sweep(before: number, now: number, limit: number): Promise<AuditSweep | undefined>;
  /** Newest first, at most `limit`. */
  sweeps(limit: number): Promise<readonly AuditSweep[]>;
}
