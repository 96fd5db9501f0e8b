import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../core/principal.js';
import type { Registry } from '../core/registry.js';
import {
  type AnswerDirect,
  Cancellation,
  type DirectAnswer,
  createDirectAnswers,
} from '../mcp/direct.js';
import { type DirectRequest, createRecogniser } from '../mcp/direct-request.js';
import type { ModernHandler } from '../mcp/modern.js';
import type { ServerFactoryOptions } from '../mcp/server-factory.js';
import type { SessionCall, SessionCallAnswer } from '../mcp/session-call.js';

/** The short way for plain 2026-07-28 requests: no web streams, no server instance. */
export interface DirectPath {
  /** @returns undefined for a request that has to go the long way */
  recognise(registry: Registry, request: IncomingMessage, body: unknown): DirectRequest | undefined;
  /** @returns undefined when the request is answered; else what is left to do is the long way's */
  serve(
    request: DirectRequest,
    response: ServerResponse,
    principal: Principal | undefined,
  ): Promise<Exclude<DirectAnswer, { readonly kind: 'body' }> | undefined>;
  /** Cancels the calls that run. */
  close(): void;
}

export function createDirectPath(options: ServerFactoryOptions, modern: ModernHandler): DirectPath {
  const recognise = createRecogniser();
  const answer = createDirectAnswers(options, modern);
  const running = new Set<Cancellation>();
  let isClosed = false;
  return {
    recognise: (registry, request, body) =>
      isClosed ? undefined : recognise(registry, request.headers, body),
    async serve(request, response, principal) {
      const cancellation = new Cancellation();
      running.add(cancellation);
      response.once('close', () => {
        if (!response.writableFinished) cancellation.cancel();
      });
      try {
        const made = await untilCancelled(answer, request, principal, cancellation);
        if (made === undefined) {
          if (!response.destroyed) response.writeHead(499, HEADERS).end();
          return undefined;
        }
        if (made.kind !== 'body') return made;
        sendBody(response, made.body);
        return undefined;
      } finally {
        running.delete(cancellation);
      }
    },
    close() {
      isClosed = true;
      for (const cancellation of running) cancellation.cancel();
    },
  };
}

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

function sendBody(
  response: ServerResponse,
  body: string | Buffer,
  headers?: Readonly<Record<string, string>>,
): void {
  response.writeHead(200, {
    ...HEADERS,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** The answer to a call of a 2025-era session that needed no stream. */
export function sendSessionCall(
  response: ServerResponse,
  call: SessionCall,
  answer: Exclude<SessionCallAnswer, { readonly kind: 'replay' }>,
): void {
  if (answer.kind === 'body') {
    sendBody(response, answer.body, { 'mcp-session-id': call.sessionId });
  } else if (!response.destroyed) {
    response.writeHead(499, HEADERS).end();
  }
}

/** @returns undefined as soon as the call is cancelled: a handler that does not listen is not waited for */
function untilCancelled(
  answer: AnswerDirect,
  request: DirectRequest,
  principal: Principal | undefined,
  cancellation: Cancellation,
): Promise<DirectAnswer | undefined> {
  return new Promise((resolve, reject) => {
    cancellation.onCancel = () => resolve(undefined);
    answer(request, principal, cancellation).then(resolve, reject);
  });
}
