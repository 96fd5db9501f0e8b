import { ToolkitError } from '../../shared/errors.js';

/**
 * A tool file that cannot be served: it does not compile, throws while it is loaded, or offers what a registry refuses.
 * The message begins with `file:line:column` and ends with what to do.
 */
export class ToolFileError extends ToolkitError {
  readonly code = 'ERR_TOOL_FILE';
  /** Absolute path, or of the folder when no single file is at fault. */
  readonly file: string;
  /** Counted from 1; undefined when the place is not known. */
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(fault: ToolFileFault, options?: ErrorOptions) {
    const { file, line, column, message } = fault;
    const place = [file, line, line === undefined ? undefined : column].filter(
      (part) => part !== undefined,
    );
    super(`${place.join(':')}: ${message}`, options);
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

export interface ToolFileFault {
  readonly file: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly message: string;
}

/** Live reload bundles with esbuild, which is not installed. It is an optional peer: serving needs none. */
export class BundlerMissingError extends ToolkitError {
  readonly code = 'ERR_BUNDLER_MISSING';

  constructor(options?: ErrorOptions) {
    super(
      'live reload needs esbuild, which is not installed here: run "npm install --save-dev esbuild", or serve without watching',
      options,
    );
  }
}
