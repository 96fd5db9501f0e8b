import type { IncomingMessage } from 'node:http';
import { type JsonValue, parseJson } from '../../shared/json.js';
import { type Result, err, ok } from '../../shared/result.js';

export type BodyRejection = 'too_large' | 'unsupported_media_type' | 'malformed' | 'too_deep';

const MAX_DEPTH = 128;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads and parses a JSON body once. Over the limit it stops reading at once.
 *
 * @param maxBytes - limit on the body as sent
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Result<JsonValue, BodyRejection>> {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') return err('unsupported_media_type');
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return err('too_large');
  const chunks: Buffer[] = [];
  let length = 0;
  // The socket has to outlive an early end of the loop: the refusal goes out on it, and node discards the rest.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) return err('too_large');
    chunks.push(chunk);
  }
  let text: string;
  try {
    text = decoder.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  } catch {
    return err('malformed');
  }
  const parsed = parseJson(text, { maxBytes, maxDepth: MAX_DEPTH });
  return parsed.ok ? ok(parsed.value) : err(parsed.error);
}
