import { ConfigurationError } from './parse-setting.js';

interface SecretSetting {
  readonly env: string;
  readonly description: string;
  readonly defaultText?: string;
}

/**
 * Settings that have no flag, because a secret in argv is readable by every process of the machine.
 *
 * @public
 */
export const SECRET_SETTINGS: Readonly<
  Record<'masterSecret' | 'previousMasterSecrets' | 'apiKey' | 'introspectionSecret', SecretSetting>
> = {
  masterSecret: {
    env: 'CATALOG_MASTER_SECRET',
    description:
      'key material for sealing and signing state, at least 32 characters; required off loopback',
    defaultText: 'made on first start in the data folder (0600)',
  },
  previousMasterSecrets: {
    env: 'CATALOG_MASTER_SECRET_PREVIOUS',
    description:
      'while the master secret is being replaced: what also opens, several separated by spaces (docs/security.md)',
    defaultText: 'none',
  },
  apiKey: {
    env: 'CATALOG_API_KEY',
    description: 'with --transport=stdio: the API key to act as (alias X-API-KEY)',
    defaultText: 'none',
  },
  introspectionSecret: {
    env: 'CATALOG_INTROSPECTION_SECRET',
    description: 'client secret or private key for introspection at an external issuer',
    defaultText: 'none',
  },
};

/** @throws {ConfigurationError} when one is too short to be a secret */
export function readMasterSecrets(env: Readonly<Record<string, string | undefined>>): {
  readonly masterSecret: string | undefined;
  readonly previousMasterSecrets: readonly string[];
} {
  const { masterSecret, previousMasterSecrets } = SECRET_SETTINGS;
  const current = env[masterSecret.env];
  if (current !== undefined) check(masterSecret.env, current);
  const previous = (env[previousMasterSecrets.env] ?? '').split(/\s+/).filter(Boolean);
  for (const secret of previous) check(previousMasterSecrets.env, secret);
  return { masterSecret: current, previousMasterSecrets: previous };
}

function check(name: string, secret: string): void {
  if (secret.length >= 32) return;
  throw new ConfigurationError(
    `${name} has ${secret.length} characters: give at least 32, for example from "openssl rand -base64 48"`,
  );
}
