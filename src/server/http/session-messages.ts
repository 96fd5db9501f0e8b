import { type JsonObject, isJsonObject } from '../../shared/json.js';
import { LOG_LEVELS } from '../core/context.js';
import type { SessionStore } from '../core/ports.js';

const MAX_SUBSCRIPTIONS = 1000;

/** The messages of a body: a batch has several. */
function messagesOf(body: unknown): JsonObject[] {
  return (Array.isArray(body) ? body : [body]).filter(isJsonObject);
}

/** Writes down what a later process has to know of a message. */
export async function remember(
  store: SessionStore,
  id: string,
  body: unknown,
  mayHear: (uri: string) => boolean,
): Promise<void> {
  for (const { method, params } of messagesOf(body)) {
    if (method === 'notifications/initialized') await store.update(id, { isInitialized: true });
    if (!isJsonObject(params)) continue;
    const { level, uri } = params;
    if (method === 'logging/setLevel') {
      if (typeof level === 'string' && LOG_LEVELS.some((known) => known === level)) {
        await store.update(id, { logLevel: level });
      }
    } else if (method === 'resources/subscribe') {
      if (typeof uri === 'string' && mayHear(uri)) {
        await store.subscribe(id, uri, MAX_SUBSCRIPTIONS);
      }
    } else if (method === 'resources/unsubscribe') {
      if (typeof uri === 'string') await store.unsubscribe(id, uri);
    }
  }
}

/** What this process can do nothing with, because another one runs the call or has asked the question. */
export interface ForeignMessages {
  /** By the id of the question. */
  readonly answers: readonly { readonly requestId: number; readonly answer: JsonObject }[];
  readonly notifications: readonly JsonObject[];
}

export interface Knowledge {
  isWorkingOn(requestId: unknown): boolean;
  isAsking(requestId: number): boolean;
}

export function foreignMessagesIn(body: unknown, here: Knowledge): ForeignMessages {
  const answers: { requestId: number; answer: JsonObject }[] = [];
  const notifications: JsonObject[] = [];
  for (const message of messagesOf(body)) {
    const { id, method, params } = message;
    if (method === undefined) {
      if (typeof id === 'number' && !here.isAsking(id)) {
        answers.push({ requestId: id, answer: message });
      }
    } else if (isJsonObject(params)) {
      const { requestId, progressToken, progress, total } = params;
      if (method === 'notifications/cancelled' && !here.isWorkingOn(requestId)) {
        if (isShort(requestId)) notifications.push(notification(method, { requestId }));
      } else if (method === 'notifications/progress' && !here.isAsking(Number(progressToken))) {
        const reported = {
          ...(typeof progress === 'number' && { progress }),
          ...(typeof total === 'number' && { total }),
        };
        if (isShort(progressToken))
          notifications.push(notification(method, { progressToken, ...reported }));
      }
    }
  }
  return { answers, notifications };
}

/** What goes from process to process is kept for a while: texts of clients stay out of it. */
function notification(method: string, params: JsonObject): JsonObject {
  return { jsonrpc: '2.0', method, params };
}

function isShort(id: unknown): id is string | number {
  return typeof id === 'number' || (typeof id === 'string' && id.length <= 256);
}
