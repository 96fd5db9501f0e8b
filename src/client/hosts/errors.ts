import { ToolkitError } from '../../shared/errors.js';

/** A host's configuration file cannot be read, understood or changed safely. Nothing was written. */
export class HostConfigError extends ToolkitError {
  readonly code = 'ERR_HOST_CONFIG';
}
