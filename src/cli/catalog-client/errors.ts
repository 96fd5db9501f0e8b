import { ToolkitError } from '../../shared/errors.js';

/** The command line asks for something that makes no sense. */
export class ClientUsageError extends ToolkitError {
  readonly code = 'ERR_CLIENT_USAGE';
}

/** A tool ran and says that it failed. */
export class ToolFailedError extends ToolkitError {
  readonly code = 'ERR_TOOL_FAILED';
  /** The tool's whole result. */
  readonly result: unknown;

  constructor(tool: string, text: string, result: unknown) {
    super(`${tool}: ${text}`);
    this.result = result;
  }
}
