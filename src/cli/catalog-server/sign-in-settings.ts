import { quote } from '../../shared/errors.js';
import { ConfigurationError } from './parse-setting.js';

/** The rows of `SETTINGS` that this file reads. */
export const SIGN_IN_SETTINGS = {
  signIn: {
    flags: '--sign-in <ways>',
    env: 'CATALOG_SIGN_IN',
    description:
      'how people sign in, comma-separated: demo (loopback only), local (user name and password), idp',
    defaultText: 'idp with --idp, else demo',
  },
  idp: {
    flags: '--idp <file>',
    env: 'CATALOG_IDP',
    description:
      'JSON file of identity providers (docs/identity-providers.md); the variable may hold the JSON itself',
  },
} as const;

const WAYS = ['demo', 'local', 'idp'] as const;

type SignInWay = (typeof WAYS)[number];

export interface SignInConfig {
  readonly ways: readonly SignInWay[];
  /** Path of the file with the identity providers, or the JSON itself. */
  readonly idp: string | undefined;
}

/** @throws {ConfigurationError} naming the flag, the value and what would work */
export function resolveSignInSettings(raw: {
  readonly signIn?: string;
  readonly idp?: string;
}): SignInConfig {
  const { idp } = raw;
  const asked = raw.signIn?.split(',').map((way) => way.trim()) ?? [
    idp === undefined ? 'demo' : 'idp',
  ];
  const ways = WAYS.filter((way) => asked.includes(way));
  const unknown = asked.find((way) => !WAYS.some((known) => known === way));
  if (unknown !== undefined) {
    throw new ConfigurationError(
      `--sign-in ${quote(unknown)} is not known: give one or more of ${WAYS.join(', ')}, separated by commas`,
    );
  }
  if (ways.includes('idp') && idp === undefined) {
    throw new ConfigurationError('--sign-in idp needs --idp with the identity providers');
  }
  if (idp !== undefined && !ways.includes('idp')) {
    throw new ConfigurationError(
      `--idp is given, but --sign-in ${quote(raw.signIn)} does not use it: add "idp"`,
    );
  }
  return { ways, idp };
}
