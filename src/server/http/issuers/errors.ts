import { ToolkitError, quote } from '../../../shared/errors.js';

export interface MetadataFault {
  /** Where the document was. */
  readonly url: string;
  /** The field that does not fit; undefined when there is no document to speak of. */
  readonly field: string | undefined;
  readonly received: unknown;
  readonly expected: string;
  readonly advice: string;
}

/** The metadata of an external authorization server is missing, or a field of it cannot be used. */
export class IssuerMetadataError extends ToolkitError {
  readonly code = 'ERR_ISSUER_METADATA';
  readonly issuer: string;
  readonly field: string | undefined;
  readonly received: unknown;
  readonly expected: string;

  constructor(issuer: string, fault: MetadataFault, options?: ErrorOptions) {
    const { url, field, received, expected, advice } = fault;
    const what =
      field === undefined
        ? `has no metadata that can be read: ${String(received)}`
        : `: the field ${quote(field)} of ${url} is ${received === undefined ? 'missing' : quote(received)}`;
    super(
      `the issuer ${quote(issuer)}${field === undefined ? ' ' : ''}${what}, expected ${expected}. ${advice}`,
      options,
    );
    this.issuer = issuer;
    this.field = field;
    this.received = received;
    this.expected = expected;
  }
}
