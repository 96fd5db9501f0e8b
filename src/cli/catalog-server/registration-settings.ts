import { quote } from '../../shared/errors.js';
import { ConfigurationError } from './parse-setting.js';

/** The rows of `SETTINGS` that this file reads. */
export const REGISTRATION_SETTINGS = {
  clients: {
    flags: '--clients <file>',
    env: 'CATALOG_CLIENTS',
    description:
      'JSON file of clients known beforehand and of trusted assertion issuers (docs/clients.md); the variable may hold the JSON itself',
  },
  clientRegistration: {
    flags: '--client-registration <ways>',
    env: 'CATALOG_CLIENT_REGISTRATION',
    description:
      'how clients nobody vouches for get in, comma-separated: documents (CIMD), dynamic (RFC 7591); or none',
    default: 'documents,dynamic',
  },
  clientHosts: {
    flags: '--client-hosts <hosts>',
    env: 'CATALOG_CLIENT_HOSTS',
    description: 'hosts whose client metadata documents are taken, comma-separated',
    defaultText: 'every public one',
  },
  localDocuments: {
    flags: '--local-documents <mode>',
    env: 'CATALOG_LOCAL_DOCUMENTS',
    description:
      'take client metadata documents of this machine, http too; for development, on loopback alone',
    choices: ['on', 'off'],
    default: 'off',
  },
  appSchemes: {
    flags: '--app-schemes <mode>',
    env: 'CATALOG_APP_SCHEMES',
    description: "let clients be redirected to an app's own scheme, such as cursor://",
    choices: ['on', 'off'],
    default: 'on',
  },
  deviceSignIn: {
    flags: '--device-sign-in <mode>',
    env: 'CATALOG_DEVICE_SIGN_IN',
    description: 'let devices sign in by a code that a person types (RFC 8628)',
    choices: ['on', 'off'],
    default: 'on',
  },
  tokenAlgorithm: {
    flags: '--token-algorithm <name>',
    env: 'CATALOG_TOKEN_ALGORITHM',
    description:
      'what access tokens are signed with; RS256 also lets clients ask for id tokens signed with it',
    choices: ['ES256', 'RS256'],
    default: 'ES256',
  },
} as const;

const WAYS = ['documents', 'dynamic'] as const;

export interface RegistrationConfig {
  /** Path of the file about clients, or the JSON itself. */
  readonly clients: string | undefined;
  readonly hasDocuments: boolean;
  readonly hasDynamic: boolean;
  readonly documentHosts: readonly string[] | undefined;
  readonly allowsLocalDocuments: boolean;
  readonly allowsAppSchemes: boolean;
  readonly hasDeviceSignIn: boolean;
  readonly tokenAlgorithm: 'ES256' | 'RS256';
}

/** @throws {ConfigurationError} naming the flag, the value and what would work */
export function resolveRegistration(raw: {
  readonly [Name in keyof typeof REGISTRATION_SETTINGS]?: string;
}): RegistrationConfig {
  const ways = listOf(raw.clientRegistration ?? 'documents,dynamic').filter(
    (way) => way !== 'none',
  );
  const unknown = ways.find((way) => !WAYS.some((known) => known === way));
  if (unknown !== undefined) {
    throw new ConfigurationError(
      `--client-registration ${quote(unknown)} is not known: give ${WAYS.join(', ')}, both separated by a comma, or none`,
    );
  }
  const hasDocuments = ways.includes('documents');
  if (raw.clientHosts !== undefined && !hasDocuments) {
    throw new ConfigurationError(
      '--client-hosts is given, but --client-registration leaves "documents" out: add it',
    );
  }
  return {
    clients: raw.clients,
    hasDocuments,
    hasDynamic: ways.includes('dynamic'),
    documentHosts: raw.clientHosts === undefined ? undefined : parseHosts(raw.clientHosts),
    allowsLocalDocuments: raw.localDocuments === 'on',
    allowsAppSchemes: raw.appSchemes !== 'off',
    hasDeviceSignIn: raw.deviceSignIn !== 'off',
    tokenAlgorithm: raw.tokenAlgorithm === 'RS256' ? 'RS256' : 'ES256',
  };
}

function parseHosts(value: string): readonly string[] {
  const hosts = listOf(value);
  const wrong = hosts.find(
    (host) => !URL.canParse(`https://${host}`) || new URL(`https://${host}`).host !== host,
  );
  if (wrong !== undefined || hosts.length === 0) {
    throw new ConfigurationError(
      `--client-hosts ${quote(wrong ?? value)} is not a host: give names such as "claude.ai", without scheme and path`,
    );
  }
  return hosts;
}

function listOf(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
