import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Result, err, ok } from '../../shared/result.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { RankedPosition } from './ports.js';
import { type Scope, parseCourseId } from './scope.js';

/** HMAC key, at least 32 bytes; several while it is being replaced: the first signs, all verify. */
export type CursorSecret = Uint8Array | readonly [Uint8Array, ...Uint8Array[]];

export type CursorRejection = 'malformed' | 'foreign';

const SIGNATURE_BYTES = 16;

/**
 * Packs a place in a result into an opaque text. It holds a score and a course id, is signed, and is bound to the
 * tenant and the query, so that it can neither be made up nor be carried over.
 */
export function formatCursor(
  secret: CursorSecret,
  scope: Scope,
  query: unknown,
  position: RankedPosition,
): string {
  const body = Buffer.from(JSON.stringify([position.score, position.id])).toString('base64url');
  const [first] = keysOf(secret);
  return `${body}.${sign(first, scope, query, body).toString('base64url')}`;
}

/** @returns `malformed` when it is no cursor, `foreign` when it was not made for this tenant and query by this server */
export function parseCursor(
  secret: CursorSecret,
  scope: Scope,
  query: unknown,
  cursor: string,
): Result<RankedPosition, CursorRejection> {
  const [body = '', signature = '', ...more] = cursor.split('.');
  const given = Buffer.from(signature, 'base64url');
  if (more.length > 0 || body === '' || given.length !== SIGNATURE_BYTES) return err('malformed');
  const isOurs = keysOf(secret).some((key) =>
    timingSafeEqual(given, sign(key, scope, query, body)),
  );
  if (!isOurs) return err('foreign');
  const parsed = parseJson(Buffer.from(body, 'base64url').toString(), { maxBytes: 1024 });
  if (!parsed.ok || !Array.isArray(parsed.value) || isJsonObject(parsed.value)) {
    return err('malformed');
  }
  const [score, id] = parsed.value as readonly unknown[];
  const courseId = typeof id === 'string' ? parseCourseId(id) : undefined;
  if (typeof score !== 'number' || !Number.isSafeInteger(score) || courseId === undefined) {
    return err('malformed');
  }
  return ok({ score, id: courseId });
}

function keysOf(secret: CursorSecret): readonly [Uint8Array, ...Uint8Array[]] {
  return secret instanceof Uint8Array ? [secret] : secret;
}

function sign(secret: Uint8Array, scope: Scope, query: unknown, body: string): Buffer {
  const bound = createHash('sha256')
    .update(JSON.stringify(['catalog-cursor-1', scope.tenant, query]))
    .digest();
  return createHmac('sha256', secret)
    .update(bound)
    .update(body)
    .digest()
    .subarray(0, SIGNATURE_BYTES);
}
