import { ToolkitError, quote } from '../shared/errors.js';

/** The database cannot be opened or reached: no access, not a database, locked or silent for too long. */
export class StorageUnavailableError extends ToolkitError {
  readonly code = 'ERR_STORAGE_UNAVAILABLE';
  /** The file, or the server and database as a URL without user and password. */
  readonly path: string;

  constructor(path: string, options: { readonly cause: Error }) {
    super(`the database ${quote(path)} cannot be opened: ${reasonOf(options.cause)}`, options);
    this.path = path;
  }
}

/** The database was written by a newer version of this software. */
export class UnknownMigrationError extends ToolkitError {
  readonly code = 'ERR_UNKNOWN_MIGRATION';
  readonly migration: string;

  constructor(migration: string) {
    super(
      `the database has migration ${quote(migration)}, which this version does not know: use the version that wrote it, or a newer one`,
    );
    this.migration = migration;
  }
}

/** A failed connection to a name with several addresses says nothing itself: its parts do. */
function reasonOf(cause: Error): string {
  if (cause.message !== '' || !(cause instanceof AggregateError)) return cause.message;
  const parts = cause.errors.filter((part): part is Error => part instanceof Error);
  return parts.map((part) => part.message).join(', ');
}
