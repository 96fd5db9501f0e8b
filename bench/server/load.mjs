// A load generator that costs little: prepared bytes over raw sockets, one request at a time on each.
import { connect } from 'node:net';

/**
 * @typedef {{ headers: Record<string, string>, body: string }} WireRequest
 */

/** Writes a POST as the bytes that go over the wire. */
export function formatRequest(port, path, { headers, body }) {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: localhost:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Sends `count` requests over `connections` keep-alive sockets and waits for every answer.
 *
 * @param {Buffer} request
 * @returns {Promise<number>} elapsed milliseconds
 * @throws when an answer is no success
 */
export async function load(port, request, count, connections = 4) {
  let left = count;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: connections }, () => drive(port, request, () => left-- > 0)),
  );
  return performance.now() - startedAt;
}

/** Sends one request. @returns {Promise<{ head: string, body: string }>} */
export async function exchange(port, request) {
  let answer;
  let isSent = false;
  await drive(
    port,
    request,
    () => !isSent && (isSent = true),
    (head, body) => {
      answer = { head, body: body.toString('utf8') };
    },
  );
  return answer;
}

function drive(port, request, takeTurn, onAnswer) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let pending = Buffer.alloc(0);
    const next = () => {
      if (takeTurn()) socket.write(request);
      else socket.end(resolve);
    };
    socket.setNoDelay(true);
    socket.once('connect', next);
    socket.once('error', reject);
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      const answer = parseAnswer(pending);
      if (answer === undefined) return;
      pending = pending.subarray(answer.end);
      if (!answer.head.startsWith('HTTP/1.1 2')) {
        socket.destroy();
        reject(new Error(`unexpected answer: ${answer.head}\n${answer.body.toString('utf8')}`));
        return;
      }
      onAnswer?.(answer.head, answer.body);
      next();
    });
  });
}

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKS_END = Buffer.from('\r\n0\r\n\r\n');

function parseAnswer(bytes) {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const start = headEnd + 4;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    return bytes.length < end ? undefined : { head, body: bytes.subarray(start, end), end };
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head))
    return { head, body: Buffer.alloc(0), end: start };
  // The line end before the last chunk may be the head's.
  const chunksEnd = bytes.indexOf(CHUNKS_END, start - 2);
  if (chunksEnd === -1) return undefined;
  return {
    head,
    body: dechunk(bytes.subarray(start, Math.max(start, chunksEnd + 2))),
    end: chunksEnd + 7,
  };
}

function dechunk(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 4 + size;
  }
  return Buffer.concat(parts);
}
