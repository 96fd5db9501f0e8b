/** Something that the operator's audit log should have: who came in or did not, what ended. */
export interface AuthorizationEvent {
  readonly kind:
    | 'sign-in'
    | 'sign-in-refused'
    | 'sign-out'
    | 'app-disconnected'
    | 'upstream-logout';
  readonly outcome: 'ok' | 'denied';
  readonly userId: string | undefined;
  readonly tenant: string | undefined;
  readonly clientId: string | undefined;
  /** `demo`, `password`, `session`, or the id of the identity provider. */
  readonly method: string | undefined;
  /** A word for the operator: why it was refused. */
  readonly reason?: string | undefined;
}

/** Takes events. What it throws is logged and stops nothing. */
export type EventSink = (event: AuthorizationEvent) => void | Promise<void>;
