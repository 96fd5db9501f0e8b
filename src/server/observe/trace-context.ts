/** W3C Trace Context and Baggage as a client sent them: `traceparent` is well-formed, the others are as they came. */
export interface TraceContext {
  readonly source: 'meta' | 'headers';
  readonly traceparent: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const MAX_TRACEPARENT = 256;
const MAX_TRACESTATE = 512;
const MAX_BAGGAGE = 8192;

/** @see W3C Trace Context §3.2 */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly flags: number;
}

/** @returns undefined when it is not well-formed: then the trace starts here */
export function parseTraceParent(text: unknown): TraceParent | undefined {
  if (typeof text !== 'string' || text.length > MAX_TRACEPARENT) return undefined;
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/**
 * What a request's `_meta` or headers say of the trace that it belongs to.
 *
 * @param members - by lower-case name; others are not looked at
 * @see SEP-414
 */
export function traceContextOf(
  source: TraceContext['source'],
  members: Readonly<Record<string, unknown>> | undefined,
): TraceContext | undefined {
  const traceparent = members?.['traceparent'];
  if (members === undefined || parseTraceParent(traceparent) === undefined) return undefined;
  const { tracestate, baggage } = members;
  return {
    source,
    traceparent: traceparent as string,
    ...(isText(tracestate, MAX_TRACESTATE) && { tracestate }),
    ...(isText(baggage, MAX_BAGGAGE) && { baggage }),
  };
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxLength;
}
