import { ToolkitError } from '../shared/errors.js';

/** The server wants credentials that the agent does not have, or refused the ones it sent. */
export class AgentAuthenticationError extends ToolkitError {
  readonly code = 'ERR_AGENT_AUTHENTICATION';
}

/** The credentials are good and do not reach far enough: the login or the key lacks a scope that the tool needs. */
export class InsufficientScopeError extends ToolkitError {
  readonly code = 'ERR_AGENT_SCOPE';
}

/** The server could not be reached: nothing listens there, the name does not resolve, the process did not start. */
export class ToolSourceUnreachableError extends ToolkitError {
  readonly code = 'ERR_TOOL_SOURCE_UNREACHABLE';
}

/** The server was reached and answered with something that the agent cannot use. */
export class ToolSourceError extends ToolkitError {
  readonly code = 'ERR_TOOL_SOURCE';
}

/** The configured chat model cannot be used. The message has the command that mends it. */
export class ModelUnavailableError extends ToolkitError {
  readonly code = 'ERR_MODEL_UNAVAILABLE';
}
