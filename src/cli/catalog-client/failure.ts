import { ProtocolError, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { ToolkitError } from '../../shared/errors.js';
import { type LoginRequiredError, ScopeRequiredError } from '../../client/index.js';
import { printable } from '../../client/token-endpoint.js';
import { EXIT } from '../exit-codes.js';
import { ToolFailedError } from './errors.js';

/** How a failed command ends. */
export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  /** The command that helps, when there is one. */
  readonly next?: string;
  readonly details?: unknown;
}

const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  ERR_CLIENT_USAGE: EXIT.usage,
  ERR_URL_NOT_ALLOWED: EXIT.usage,
  ERR_NETWORK: EXIT.network,
  ERR_REQUEST_TIMEOUT: EXIT.network,
  ERR_ADDRESS_BLOCKED: EXIT.network,
  ERR_REFRESH_FAILED: EXIT.network,
  ERR_LOGIN_REQUIRED: EXIT.authentication,
  ERR_SCOPE_REQUIRED: EXIT.authentication,
  ERR_CREDENTIALS_REJECTED: EXIT.authentication,
  ERR_CLIENT_REGISTRATION: EXIT.authentication,
  ERR_LOGIN_FAILED: EXIT.authentication,
  ERR_LOGIN_TIMEOUT: EXIT.authentication,
  ERR_CALLBACK_PORT: EXIT.authentication,
  ERR_CREDENTIAL_STORE: EXIT.authentication,
  ERR_CREDENTIAL_KEY: EXIT.authentication,
  ERR_LOCK_TIMEOUT: EXIT.authentication,
};

/**
 * Turns whatever a command threw into its exit code, a message without secrets, and the next command to run.
 *
 * @param profileFlag - ` --profile NAME`, or empty, to be part of the next command
 */
export function describeFailure(error: unknown, signal: AbortSignal, profileFlag: string): Failure {
  if (signal.aborted) {
    return { exitCode: EXIT.interrupted, code: 'ERR_INTERRUPTED', message: 'interrupted' };
  }
  if (error instanceof ToolkitError) return describeToolkitError(error, profileFlag);
  if (error instanceof ProtocolError) {
    const message = `the server answered with error ${error.code}: ${printable(error.message, 500)}`;
    return { exitCode: EXIT.server, code: 'ERR_PROTOCOL', message };
  }
  if (error instanceof SdkError) {
    const isNetwork =
      error.code === SdkErrorCode.RequestTimeout || error.code === SdkErrorCode.ConnectionClosed;
    const exitCode = isNetwork ? EXIT.network : EXIT.server;
    return { exitCode, code: 'ERR_SERVER', message: printable(error.message, 500) };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { exitCode: EXIT.server, code: 'ERR_UNEXPECTED', message: printable(text, 500) };
}

function describeToolkitError(error: ToolkitError, profileFlag: string): Failure {
  const next = nextCommand(error, profileFlag);
  return {
    exitCode: EXIT_BY_CODE[error.code] ?? EXIT.server,
    code: error.code,
    message: error.message,
    ...(next !== undefined && { next }),
    ...(error instanceof ToolFailedError && { details: error.result }),
  };
}

function nextCommand(error: ToolkitError, profileFlag: string): string | undefined {
  if (error.code === 'ERR_LOGIN_REQUIRED') {
    return `catalog-client login ${(error as LoginRequiredError).serverUrl}${profileFlag}`;
  }
  if (error instanceof ScopeRequiredError) {
    return `catalog-client login ${error.serverUrl} --force --scope ${JSON.stringify(error.scopes.join(' '))}${profileFlag}`;
  }
  if (error.code === 'ERR_CREDENTIALS_REJECTED') {
    return `catalog-client login ${(error as LoginRequiredError).serverUrl} --force${profileFlag}`;
  }
  if (error.code === 'ERR_CLIENT_USAGE') return 'catalog-client --help';
  return undefined;
}
