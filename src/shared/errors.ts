/**
 * The error families of this project: local ones and those that cross the wire as JSON-RPC. They never extend each
 * other, so that a `catch` written for one cannot swallow the other. OAuth errors are those of the OAuth libraries.
 */

/**
 * A failure inside this toolkit. It never crosses the wire as it stands: the rim maps it to a dull public answer.
 *
 * Every subclass has a literal `code`; `docs/errors.md` lists them all and a test keeps the two equal.
 */
export abstract class ToolkitError extends Error {
  abstract readonly code: `ERR_${string}`;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * A JSON-RPC error that crosses the wire.
 *
 * @see MCP 2026-07-28, basic: the codes -32020 to -32099 belong to the specification alone
 */
export class ProtocolError extends Error {
  /** A tool may throw the error of another copy of this module than serves it: `instanceof` would not know it. */
  readonly brand = 'catalog-mcp/protocol-error';
  /** JSON-RPC error number. */
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
    this.data = data;
  }
}

/** Whether this is a {@link ProtocolError}, whichever copy of this module made it. */
export function isProtocolError(error: unknown): error is ProtocolError {
  return (
    error instanceof Error &&
    (error as Partial<ProtocolError>).brand === 'catalog-mcp/protocol-error'
  );
}

/** JSON-RPC numbers that this project emits. */
export const JSON_RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const;

/** Quotes a value that came from outside for use in a message: JSON, at most `maxLength` characters. */
export function quote(value: unknown, maxLength = 200): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}
