/** How the server is seen from outside. */
export interface ObservationConfig {
  readonly logFormat: 'text' | 'json';
  /** Undefined: no admin port. */
  readonly adminPort: number | undefined;
  readonly adminHost: string;
  readonly recordsArguments: boolean;
  /** Undefined: audit rows are kept for ever. */
  readonly auditRetentionDays: number | undefined;
}

/** The rows of `SETTINGS` that this file reads. */
export const OBSERVATION_SETTINGS = {
  logFormat: {
    flags: '--log-format <format>',
    env: 'CATALOG_LOG_FORMAT',
    description: 'how a line on stderr looks: for people, or one JSON object',
    choices: ['text', 'json'],
    default: 'text',
  },
  adminPort: {
    flags: '--admin-port <number>',
    env: 'CATALOG_ADMIN_PORT',
    description: 'port for /metrics (Prometheus) and /readyz; 0 takes a free one',
    defaultText: 'none: not served',
  },
  adminHost: {
    flags: '--admin-host <host>',
    env: 'CATALOG_ADMIN_HOST',
    description: 'address of the admin port; nothing on it asks for credentials',
    default: 'localhost',
  },
  auditArguments: {
    flags: '--audit-arguments <on or off>',
    env: 'CATALOG_AUDIT_ARGUMENTS',
    description: 'whether audit rows hold the arguments of calls, declared secrets taken out',
    choices: ['on', 'off'],
    default: 'off',
  },
  auditRetention: {
    flags: '--audit-retention <days>',
    env: 'CATALOG_AUDIT_RETENTION',
    description: 'delete audit rows that are older, and record that',
    defaultText: 'keep them',
  },
} as const;

/** @param parseWhole - checks a whole number, and throws an error that names the flag */
export function resolveObservation(
  raw: { readonly [Name in keyof typeof OBSERVATION_SETTINGS]?: string },
  parseWhole: (flag: string, value: string, minimum: number, maximum: number) => number,
): ObservationConfig {
  const { adminPort, auditRetention } = raw;
  return {
    logFormat: raw.logFormat === 'json' ? 'json' : 'text',
    adminPort:
      adminPort === undefined ? undefined : parseWhole('--admin-port', adminPort, 0, 65_535),
    adminHost: raw.adminHost ?? 'localhost',
    recordsArguments: raw.auditArguments === 'on',
    auditRetentionDays:
      auditRetention === undefined
        ? undefined
        : parseWhole('--audit-retention', auditRetention, 1, 36_500),
  };
}
