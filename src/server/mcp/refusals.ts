import {
  ProtocolError as SdkProtocolError,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import { missingScopes } from '../../oauth/scope.js';
import { quote } from '../../shared/errors.js';
import type { AuditOutcome } from '../core/audit.js';
import type { Limited } from '../core/call-gate.js';
import { APPLICATION_ERROR, invalidParams } from './errors.js';

/** An operation that was not let run, or not to its end. A tool's caller gets its message as a result. */
export class RefusedError extends SdkProtocolError {
  readonly outcome: AuditOutcome;
  /** One word of a fixed list, for the operator. */
  readonly reason: string;

  constructor(
    [outcome, reason]: readonly ['denied' | 'limited', string],
    ...error: ConstructorParameters<typeof SdkProtocolError>
  ) {
    super(...error);
    this.outcome = outcome;
    this.reason = reason;
  }
}

/** Where no HTTP status can say it: what is missing, and what the credential has. */
export class MissingScopeError extends RefusedError {
  constructor(required: readonly string[], granted: readonly string[]) {
    const missing = missingScopes(required, granted);
    super(
      ['denied', 'insufficient_scope'],
      APPLICATION_ERROR.forbidden,
      `This needs the scope ${missing.map((scope) => JSON.stringify(scope)).join(', ')}, which these credentials lack ` +
        `(they have: ${granted.length === 0 ? 'none' : granted.join(', ')}).`,
      { requiredScopes: required, grantedScopes: granted },
    );
  }
}

export const NOT_ALLOWED = 'These credentials may not do this, whatever their scopes.';

/** The embedder's own rule says no. */
export class NotAllowedError extends RefusedError {
  constructor() {
    super(['denied', 'policy'], APPLICATION_ERROR.forbidden, NOT_ALLOWED);
  }
}

/** Not now: too often, or too much at once. */
export class LimitedError extends RefusedError {
  constructor({ reason, message, retryAfterSeconds }: Limited) {
    super(['limited', reason], APPLICATION_ERROR.limited, message, { retryAfterSeconds });
  }
}

/** Not for so long. */
export class TimeLimitError extends RefusedError {
  constructor(target: string, timeoutMs: number) {
    super(
      ['limited', 'time'],
      APPLICATION_ERROR.timedOut,
      `${target} was stopped: it did not end within its limit of ${timeoutMs / 1000} s.`,
      { timeoutMs },
    );
  }
}

/** The answer to a request for something that does not exist, or not for its caller. */
export function unknownTool(name: unknown): SdkProtocolError {
  return invalidParams(`Unknown tool: ${quote(name)}`);
}

export function unknownPrompt(name: string): SdkProtocolError {
  return invalidParams(`Unknown prompt: ${quote(name)}`);
}

export function unknownResource(uri: string): SdkProtocolError {
  return new ResourceNotFoundError(uri);
}
