import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { quote } from '../../shared/errors.js';
import { ConfigurationError, parseUrl } from './parse-setting.js';

/** The rows of `SETTINGS` that this file reads. */
export const ISSUER_SETTINGS = {
  issuer: {
    flags: '--issuer <url>',
    env: 'CATALOG_ISSUER',
    description: 'accept the tokens of this external authorization server instead of our own',
  },
  issuers: {
    flags: '--issuers <file>',
    env: 'CATALOG_ISSUERS',
    description:
      'JSON file of external issuers, with audiences, claims and introspection (docs/issuers.md)',
  },
  issuerPath: {
    flags: '--issuer-path <path>',
    env: 'CATALOG_ISSUER_PATH',
    description: 'path of our own authorization server under --public-url, like /auth',
    defaultText: 'none: it is at the root',
  },
} as const;

/** An external authorization server as the settings have it. No secrets: they stay in the environment. */
export interface ExternalIssuer {
  readonly issuer: string;
  /** Names that it has for this server, besides the resource. */
  readonly audiences: readonly string[];
  readonly algorithms?: readonly ('ES256' | 'ES384' | 'RS256' | 'PS256' | 'EdDSA')[] | undefined;
  /** Its JWTs are typed `JWT`, or not at all. */
  readonly untypedJwt: boolean;
  readonly claims: ExternalClaims;
  readonly introspection?: ExternalIntrospection | undefined;
}

interface ExternalClaims {
  readonly subject: string;
  readonly clientId: readonly string[];
  readonly scopes: readonly string[];
  /** Names the tenant; not looked at when there is a fixed one. */
  readonly tenant: string;
  readonly fixedTenant?: string | undefined;
  /** A token with one of these claims, of this value, is of a client that acts for itself. */
  readonly machine: Readonly<Record<string, string>>;
}

export interface ExternalIntrospection {
  readonly clientId: string;
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
  /** Environment variable that holds the secret or the private key. */
  readonly secretEnv: string;
}

const MAX_FILE_BYTES = 1024 * 1024;

// Built when it is needed: the stdio entry reads its settings without it.
function issuersSchema() {
  const name = z.string().min(1).max(200);
  const claims = z.strictObject({
    subject: name.default('sub'),
    clientId: z.array(name).min(1).max(10).default(['client_id', 'azp', 'cid', 'appid']),
    scopes: z.array(name).min(1).max(10).default(['scope', 'scp', 'permissions', 'roles']),
    tenant: name.default('tenant'),
    fixedTenant: name.optional(),
    machine: z.record(z.string(), z.string()).default({ gty: 'client-credentials', idtyp: 'app' }),
  });
  const introspection = z.strictObject({
    clientId: name,
    method: z
      .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt'])
      .default('client_secret_basic'),
    secretEnv: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/, 'has to be the name of an environment variable')
      .default('CATALOG_INTROSPECTION_SECRET'),
  });
  return z
    .array(
      z.strictObject({
        issuer: z.string(),
        audiences: z.array(name).max(20).default([]),
        algorithms: z
          .array(z.enum(['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA']))
          .min(1)
          .optional(),
        untypedJwt: z.boolean().default(false),
        claims: claims.prefault({}),
        introspection: introspection.optional(),
      }),
    )
    .min(1)
    .max(20);
}

/**
 * The external issuers of the settings; none: our own authorization server is the issuer.
 *
 * @throws {ConfigurationError} naming the flag or the field, the value and what would work
 */
export function resolveIssuers(
  raw: { readonly issuer?: string; readonly issuers?: string },
  role: string,
): readonly ExternalIssuer[] {
  const { issuer, issuers: file } = raw;
  if (issuer === undefined && file === undefined) return [];
  const given = issuer === undefined ? `--issuers ${quote(file)}` : `--issuer ${quote(issuer)}`;
  if (role !== 'mcp') {
    throw new ConfigurationError(
      `${given} needs --role=mcp: an external issuer replaces our own authorization server`,
    );
  }
  if (file === undefined) return check([{ issuer }], () => '--issuer');
  if (issuer !== undefined) {
    throw new ConfigurationError(
      `${given} and --issuers ${quote(file)} contradict each other: put every issuer into the file`,
    );
  }
  return check(readFile(file), (path) => `--issuers ${quote(file)}: ${path}`);
}

function readFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(
      `--issuers ${quote(file)} cannot be read (${String(code)}): give the path of a JSON file`,
      { cause: error },
    );
  }
  try {
    if (text.length > MAX_FILE_BYTES) throw new TypeError('too large');
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigurationError(
      `--issuers ${quote(file)} is not JSON: ${error instanceof Error ? error.message : ''}`,
      { cause: error },
    );
  }
}

function check(value: unknown, nameOf: (path: string) => string): readonly ExternalIssuer[] {
  const parsed = issuersSchema().safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue === undefined ? '' : formatPath(issue.path);
    throw new ConfigurationError(
      `${nameOf(path)} cannot be used: ${issue?.message ?? 'it has the wrong form'} (docs/issuers.md)`,
    );
  }
  const issuers = parsed.data;
  for (const [index, { issuer }] of issuers.entries()) {
    parseUrl(nameOf(`[${index}].issuer`), issuer);
    if (issuers.findIndex((other) => other.issuer === issuer) < index) {
      throw new ConfigurationError(
        `${nameOf(`[${index}].issuer`)} ${quote(issuer)} is there twice: give each issuer once`,
      );
    }
  }
  return issuers;
}

/**
 * Our own issuer: an origin, and a path where it has one.
 *
 * @param path - undefined: none
 */
export function ownIssuer(origin: string, path: string | undefined): string {
  if (path === undefined || path === '/') return origin;
  if (!/^(?:\/[\w~-][\w.~-]*)+$/.test(path)) {
    throw new ConfigurationError(
      `--issuer-path ${quote(path)} cannot be used: give a path of letters and digits, like "/auth", without a slash at the end`,
    );
  }
  return `${origin}${path}`;
}

/** The same, where another process serves it. */
export function issuerElsewhere(flag: string, value: string): string {
  const url = new URL(parseUrl(flag, value));
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new ConfigurationError(
      `${flag} ${quote(value)} has to be an origin, or one with a path, like "http://localhost:4000/auth"`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

function formatPath(path: readonly PropertyKey[]): string {
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
}
