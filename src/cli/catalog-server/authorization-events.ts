import type { EventSink } from '../../authorization/index.js';
import type { AuditLog } from '../../server/core/audit.js';
import { LOCAL_ISSUER } from '../../server/core/principal.js';
import type { Clock } from '../../shared/clock.js';

/** Writes what the authorization server tells of into the audit log, beside the calls. */
export function auditEvents(audit: AuditLog, clock: Clock): EventSink {
  return (event) =>
    audit.append({
      at: clock.nowMs(),
      issuer: event.userId === undefined ? undefined : LOCAL_ISSUER,
      subject: event.userId,
      tenant: event.tenant,
      clientId: event.clientId,
      transport: 'http',
      era: 'modern',
      operation: `authorization/${event.kind}`,
      target: event.method,
      outcome: event.outcome,
      durationMs: 0,
      reason: event.reason,
    });
}
