import { ProtocolError, SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { ToolkitError } from '../../shared/errors.js';
import { ScopeRequiredError } from '../../client/index.js';
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
  ERR_HOST_CONFIG: EXIT.usage,
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

/** What the next command to run is made of. */
export interface FailureContext {
  readonly signal: AbortSignal;
  /** ` --profile NAME`, or empty. */
  readonly profileFlag: string;
  /** The server that the command was about, once that is known. */
  readonly server: string | undefined;
}

/** Turns whatever a command threw into its exit code, a message without secrets, and the next command to run. */
export function describeFailure(error: unknown, context: FailureContext): Failure {
  if (context.signal.aborted) {
    return { exitCode: EXIT.interrupted, code: 'ERR_INTERRUPTED', message: 'interrupted' };
  }
  if (error instanceof ToolkitError) return describeToolkitError(error, context);
  if (error instanceof ProtocolError) {
    const message = `the server answered with error ${error.code}: ${printable(error.message, 500)}`;
    const next = `catalog-client tools${target(context)}`;
    return { exitCode: EXIT.server, code: 'ERR_PROTOCOL', message, next };
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

function describeToolkitError(error: ToolkitError, context: FailureContext): Failure {
  const next = nextCommand(error, context);
  return {
    exitCode: EXIT_BY_CODE[error.code] ?? EXIT.server,
    code: error.code,
    message: error.message,
    ...(next !== undefined && { next }),
    ...(error instanceof ToolFailedError && { details: error.result }),
  };
}

function nextCommand(error: ToolkitError, context: FailureContext): string | undefined {
  const login = `catalog-client login${target(context)}`;
  switch (error.code) {
    case 'ERR_LOGIN_REQUIRED':
    case 'ERR_LOGIN_FAILED':
    case 'ERR_LOGIN_TIMEOUT':
    case 'ERR_LOCK_TIMEOUT':
      return login;
    case 'ERR_SCOPE_REQUIRED':
      return error instanceof ScopeRequiredError
        ? `${login} --force --scope ${JSON.stringify(error.scopes.join(' '))}`
        : login;
    case 'ERR_CREDENTIALS_REJECTED':
      return `${login} --force`;
    case 'ERR_CALLBACK_PORT':
      return `${login} --port 0`;
    case 'ERR_CLIENT_REGISTRATION':
      return `${login} --client-id ID`;
    case 'ERR_NETWORK':
    case 'ERR_REQUEST_TIMEOUT':
    case 'ERR_REFRESH_FAILED':
      return `catalog-client tools${target(context)}`;
    case 'ERR_CLIENT_USAGE':
      return 'catalog-client --help';
    default:
      return undefined;
  }
}

function target({ server, profileFlag }: FailureContext): string {
  return `${server === undefined ? '' : ` ${server}`}${profileFlag}`;
}
