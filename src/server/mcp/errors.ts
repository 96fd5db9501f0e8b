import { ProtocolError as SdkProtocolError } from '@modelcontextprotocol/server';
import { JSON_RPC, isProtocolError } from '../../shared/errors.js';

/** JSON-RPC numbers of this project's own, outside the range JSON-RPC reserves. */
export const APPLICATION_ERROR = {
  /** No credentials, or bad ones, where no HTTP status can say so. */
  unauthenticated: 1401,
  /** The credentials lack a scope, where no HTTP status can say so. */
  forbidden: 1403,
  /** The call did not end within its time limit. */
  timedOut: 1408,
  /** Too many calls, or too many at once: `data.retryAfterSeconds` says when to try again. */
  limited: 1429,
  /** The process that ran a call ended before the call did. */
  interrupted: 1503,
} as const;

/** The dull answer for what went wrong inside: the reason is the operator's to read. */
export function internalError(): SdkProtocolError {
  return new SdkProtocolError(JSON_RPC.internalError, 'Internal error');
}

/** What a client is told of a call that will not be finished. */
export function interruptedCall(id: string | number): {
  readonly jsonrpc: '2.0';
  readonly id: string | number;
  readonly error: { readonly code: number; readonly message: string };
} {
  const message =
    'The server process that ran this call ended before the call did. Look whether it had its effect before you repeat it.';
  return { jsonrpc: '2.0', id, error: { code: APPLICATION_ERROR.interrupted, message } };
}

/** Our errors and the SDK's that may cross the wire, as the SDK throws them; undefined for anything else. */
export function toWireError(error: unknown): SdkProtocolError | undefined {
  if (error instanceof SdkProtocolError) return error;
  if (isProtocolError(error)) {
    return new SdkProtocolError(error.code, error.message, error.data);
  }
  return undefined;
}

export function invalidParams(message: string, data?: unknown): SdkProtocolError {
  return new SdkProtocolError(JSON_RPC.invalidParams, message, data);
}
