import { quote } from '../../shared/errors.js';
import { ConfigurationError } from './parse-setting.js';

/** The rows of `SETTINGS` that this file reads. */
export const SIGNING_KEY_SETTINGS = {
  signingKeyRotation: {
    flags: '--signing-key-rotation <duration>',
    env: 'CATALOG_SIGNING_KEY_ROTATION',
    description: 'how long a key signs tokens before the next one does: 12h, 30d',
    default: '30d',
  },
  signingKeyLead: {
    flags: '--signing-key-lead <duration>',
    env: 'CATALOG_SIGNING_KEY_LEAD',
    description:
      'how long a key is published before it signs: longer than verifiers keep a JWK Set',
    default: '24h',
  },
} as const;

export interface SigningKeyConfig {
  readonly publishLeadSeconds: number;
  readonly rotateEverySeconds: number;
}

const UNITS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** @throws {ConfigurationError} naming the flag, the value and what would work */
export function resolveSigningKeys(raw: {
  readonly [Name in keyof typeof SIGNING_KEY_SETTINGS]?: string;
}): SigningKeyConfig {
  const rotation = raw.signingKeyRotation ?? SIGNING_KEY_SETTINGS.signingKeyRotation.default;
  const lead = raw.signingKeyLead ?? SIGNING_KEY_SETTINGS.signingKeyLead.default;
  const rotateEverySeconds = parseDuration('--signing-key-rotation', rotation);
  const publishLeadSeconds = parseDuration('--signing-key-lead', lead);
  if (rotateEverySeconds < 2 * publishLeadSeconds) {
    throw new ConfigurationError(
      `--signing-key-rotation ${quote(rotation)} is too short: give at least twice --signing-key-lead (${lead})`,
    );
  }
  return { publishLeadSeconds, rotateEverySeconds };
}

function parseDuration(flag: string, value: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(value);
  const unit = match?.[2] as keyof typeof UNITS | undefined;
  if (match === null || unit === undefined) {
    throw new ConfigurationError(
      `${flag} ${quote(value)} is not a duration: give a number and s, m, h or d, such as 30d`,
    );
  }
  return Number(match[1]) * UNITS[unit];
}
