import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { JsonValue } from '../../shared/json.js';
import { type Result, err, ok } from '../../shared/result.js';

export type BodyRejection = 'too_large' | 'unsupported_media_type' | 'malformed' | 'too_deep';

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Reads and parses a JSON body once. Over the limit it stops reading at once.
 *
 * @param maxBytes - limit on the body as sent
 * @param maxDepth - limit on nesting
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
  maxDepth: number,
): Promise<Result<JsonValue, BodyRejection>> {
  const { 'content-type': contentType = '', 'content-length': declared } = request.headers;
  if (contentType !== 'application/json') {
    const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase();
    if (mediaType !== 'application/json') return err('unsupported_media_type');
  }
  if (declared !== undefined && Number(declared) > maxBytes) return err('too_large');
  const bytes = await readBytes(request, maxBytes);
  if (bytes === undefined) return err('too_large');
  if (!isUtf8(bytes)) return err('malformed');
  const text = bytes.toString('utf8');
  let value: JsonValue;
  try {
    value = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text) as JsonValue;
  } catch {
    return err('malformed');
  }
  return isWithinDepth(value, maxDepth) ? ok(value) : err('too_deep');
}

/**
 * With plain listeners: an async iterator over the request costs as much as parsing it.
 *
 * @returns undefined when there is more than `maxBytes`
 */
function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (bytes: Buffer | undefined): void => {
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      resolve(bytes);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) {
        settle(undefined);
        // Somebody has to read on, or the answer would never be read: to nowhere, until the request time limit.
        request.resume();
      } else {
        chunks.push(chunk);
      }
    };
    const onEnd = (): void => {
      settle(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    };
    const onError = (error: Error): void => {
      reject(error);
      settle(undefined);
    };
    const onClose = (): void => onError(new Error('the client went away before its request ended'));
    if (request.destroyed) {
      onClose();
      return;
    }
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** Recursive, which the limit makes safe. */
function isWithinDepth(value: JsonValue, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (left === 0) return false;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) {
      if (!isWithinDepth(item, left - 1)) return false;
    }
    return true;
  }
  const members = value as { readonly [key: string]: JsonValue };
  for (const name in members) {
    if (!isWithinDepth(members[name] as JsonValue, left - 1)) return false;
  }
  return true;
}
