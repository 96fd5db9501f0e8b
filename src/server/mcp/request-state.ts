import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/clock.js';
import { type JsonObject, canonicalJson, isJsonObject, parseJson } from '../../shared/json.js';
import { type Sealer, type SealingSecret, createSealer } from '../../shared/sealing.js';
import type { Answer } from '../core/context.js';
import { type Principal, principalKey } from '../core/principal.js';
import { invalidParams } from './errors.js';

/** What a `requestState` is good for: one identity, one operation, one set of arguments. */
interface StateBinding {
  readonly principal: Principal | undefined;
  readonly method: string;
  readonly target: string | undefined;
  readonly args: unknown;
}

export type Answers = Readonly<Record<string, Answer>>;

/** Carries the answers of earlier rounds through the client, which can neither read nor alter nor move them. */
export interface RequestStateCodec {
  seal(answers: Answers, binding: StateBinding): string;
  /** @throws an Invalid Params error when the state was altered, moved, or is older than its lifetime */
  open(state: string, binding: StateBinding): Answers;
}

// A person answers: longer than the SDK waits for one question on a legacy connection (10 minutes).
const STATE_TTL_MS = 15 * 60_000;

/**
 * @param secret - at least 16 bytes; the same in every process that may serve the retry
 * @see MCP 2026-07-28, basic/patterns/mrtr, server requirements
 */
export function createRequestStateCodec(secret: SealingSecret, clock: Clock): RequestStateCodec {
  const sealer: Sealer = createSealer(secret, 'request-state');
  return {
    seal: (answers, binding) =>
      sealer.seal(
        JSON.stringify({ answers, expiresAt: clock.nowMs() + STATE_TTL_MS }),
        contextOf(binding),
      ),
    open(state, binding) {
      const opened = sealer.open(state, contextOf(binding));
      const parsed = opened === undefined ? undefined : parseJson(opened, { maxBytes: 8_388_608 });
      const value = parsed?.ok === true && isJsonObject(parsed.value) ? parsed.value : undefined;
      if (
        value === undefined ||
        typeof value['expiresAt'] !== 'number' ||
        value['expiresAt'] <= clock.nowMs() ||
        !isJsonObject(value['answers'])
      ) {
        throw invalidParams('Invalid or expired requestState', { reason: 'invalid_request_state' });
      }
      return value['answers'] as Record<string, JsonObject>;
    },
  };
}

function contextOf({ principal, method, target, args }: StateBinding): string {
  const identity = principal === undefined ? null : principalKey(principal);
  const digest = createHash('sha256')
    .update(canonicalJson(args ?? null))
    .digest('base64url');
  return JSON.stringify([identity, method, target ?? null, digest]);
}
