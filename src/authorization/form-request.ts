import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { rememberSource, sourceOf } from './clients/request-source.js';

const MAX_FORM_BYTES = 56 * 1024;

export function isForm(request: IncomingMessage): boolean {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === 'application/x-www-form-urlencoded';
}

/** @returns undefined when the body is longer than 56 KiB */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

/**
 * The same request with another form body. The engine reads its bodies from the stream alone, so a form that was
 * read here goes on as a stream again.
 */
export function withForm(request: IncomingMessage, form: URLSearchParams): IncomingMessage {
  const body = Buffer.from(form.toString());
  const { headers, method, url, socket, httpVersion, httpVersionMajor, httpVersionMinor } = request;
  const { 'transfer-encoding': _chunked, ...kept } = headers;
  const stream = new Readable({ read: () => undefined });
  stream.push(body);
  stream.push(null);
  const same = Object.assign(stream, {
    headers: { ...kept, 'content-length': String(body.length) },
    method,
    url,
    socket,
    connection: socket,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    originalUrl: (request as { originalUrl?: string }).originalUrl,
  }) as unknown as IncomingMessage;
  const source = sourceOf(request);
  if (source !== undefined) rememberSource(same, source);
  return same;
}
