import { resolve } from 'node:path';
import { Option } from 'commander';
import { quote } from '../../shared/errors.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import {
  type ExternalIssuer,
  ISSUER_SETTINGS,
  issuerElsewhere,
  ownIssuer,
  resolveIssuers,
} from './issuer-settings.js';
import type { HttpLimits } from '../../server/http/http-server.js';
import { dataFolderOf, databaseFileIn } from './data-folder.js';
import { DRAIN_SETTINGS, type DrainConfig, resolveDrain } from './drain-settings.js';
import { LIMIT_SETTINGS, resolveLimits } from './limit-settings.js';
import {
  REGISTRATION_SETTINGS,
  type RegistrationConfig,
  resolveRegistration,
} from './registration-settings.js';
import {
  SIGNING_KEY_SETTINGS,
  type SigningKeyConfig,
  resolveSigningKeys,
} from './signing-key-settings.js';
import { SECRET_SETTINGS, readMasterSecrets } from './secret-settings.js';
import { SIGN_IN_SETTINGS, type SignInConfig, resolveSignInSettings } from './sign-in-settings.js';
import {
  OBSERVATION_SETTINGS,
  type ObservationConfig,
  resolveObservation,
} from './observation-settings.js';
import { ConfigurationError, parseOrigin, parseWhole } from './parse-setting.js';
import { PROXY_SETTINGS } from './proxy-settings.js';
import { UPSTREAM_SETTINGS, resolveUpstreams } from './upstream-settings.js';

export { ConfigurationError } from './parse-setting.js';

type Role = 'all' | 'mcp' | 'auth';
type Transport = 'http' | 'stdio';
type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** The effective settings of `catalog-server`. */
export interface ServerConfig {
  readonly transport: Transport;
  readonly role: Role;
  readonly host: string;
  readonly port: number;
  /** The origin people and clients use, without a trailing slash. */
  readonly publicUrl: string;
  /** The issuer that people sign in at: our own authorization server's, or the first external one. */
  readonly issuer: string;
  /** Those whose tokens are accepted in place of our own. */
  readonly externalIssuers: readonly ExternalIssuer[];
  readonly dataFolder: string;
  readonly database: DatabaseConfig;
  readonly accessTokenTtlSeconds: number;
  /** When our own authorization server changes its keys. */
  readonly signingKeys: SigningKeyConfig;
  /** How people sign in at our own authorization server. */
  readonly signIn: SignInConfig;
  /** Which clients our own authorization server takes, and what they may do there. */
  readonly registration: RegistrationConfig;
  /** Absolute path of a folder with further tools. */
  readonly toolsFolder: string | undefined;
  readonly isWatching: boolean;
  /** How many learners have to stand behind what is told about learners. */
  readonly minimumLearners: number;
  /** Path of the file with the APIs that tools may call, or the JSON itself. */
  readonly upstreams: string | undefined;
  /** Whose word counts for where a request comes from. */
  readonly trustedProxies: string | undefined;
  readonly logLevel: LogLevel;
  readonly observation: ObservationConfig;
  readonly limits: HttpLimits;
  readonly drain: DrainConfig;
  readonly isJson: boolean;
  readonly masterSecret: string | undefined;
  /** What also opens, while the master secret is being replaced. */
  readonly previousMasterSecrets: readonly string[];
}

interface Setting {
  readonly flags: string;
  readonly env: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** What the flag means when it is given without a value. */
  readonly preset?: string;
  readonly default?: string;
  readonly defaultText?: string;
}

type SettingName =
  | 'transport'
  | 'role'
  | 'host'
  | 'port'
  | 'publicUrl'
  | 'authUrl'
  | 'mcpUrl'
  | 'data'
  | 'database'
  | 'accessTokenTtl'
  | 'tools'
  | 'watch'
  | 'minimumLearners'
  | 'logLevel'
  | keyof typeof ISSUER_SETTINGS
  | keyof typeof SIGNING_KEY_SETTINGS
  | keyof typeof SIGN_IN_SETTINGS
  | keyof typeof REGISTRATION_SETTINGS
  | keyof typeof UPSTREAM_SETTINGS
  | keyof typeof LIMIT_SETTINGS
  | keyof typeof PROXY_SETTINGS
  | keyof typeof DRAIN_SETTINGS
  | keyof typeof OBSERVATION_SETTINGS;

/**
 * Every knob once: the flag, its environment variable, its documentation. The README's table is made from this.
 *
 * @public
 */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  transport: {
    flags: '--transport <kind>',
    env: 'CATALOG_TRANSPORT',
    description: 'how clients reach the server',
    choices: ['http', 'stdio'],
    default: 'http',
  },
  role: {
    flags: '--role <role>',
    env: 'CATALOG_ROLE',
    description: 'MCP server and authorization server in one process, or one of them',
    choices: ['all', 'mcp', 'auth'],
    default: 'all',
  },
  host: {
    flags: '--host <host>',
    env: 'CATALOG_HOST',
    description: 'address to listen on; localhost means 127.0.0.1 and ::1',
    default: 'localhost',
  },
  port: {
    flags: '--port <number>',
    env: 'CATALOG_PORT',
    description: 'port to listen on; 0 takes a free one',
    defaultText: '3000; 4000 with --role=auth',
  },
  publicUrl: {
    flags: '--public-url <url>',
    env: 'CATALOG_PUBLIC_URL',
    description: 'origin under which clients reach this server, when it is not the one listened on',
    defaultText: 'http://HOST:PORT',
  },
  authUrl: {
    flags: '--auth-url <url>',
    env: 'CATALOG_AUTH_URL',
    description: 'with --role=mcp: where our own authorization server runs',
    defaultText: 'http://localhost:4000',
  },
  mcpUrl: {
    flags: '--mcp-url <url>',
    env: 'CATALOG_MCP_URL',
    description: 'with --role=auth: origin of the MCP server that tokens are for',
    defaultText: 'http://localhost:3000',
  },
  ...ISSUER_SETTINGS,
  ...SIGN_IN_SETTINGS,
  ...REGISTRATION_SETTINGS,
  data: {
    flags: '--data <folder>',
    env: 'CATALOG_DATA',
    description: 'folder for the embedded database and the master secret',
    defaultText: 'the data folder of your account',
  },
  database: {
    flags: '--database <path or url>',
    env: 'CATALOG_DATABASE',
    description: 'SQLite file, or PostgreSQL (15 or newer) as postgres://user@host/name',
    defaultText: 'catalog.sqlite in the data folder',
  },
  accessTokenTtl: {
    flags: '--access-token-ttl <seconds>',
    env: 'CATALOG_ACCESS_TOKEN_TTL',
    description: 'lifetime of the access tokens that our own authorization server issues',
    default: '600',
  },
  ...SIGNING_KEY_SETTINGS,
  tools: {
    flags: '--tools <folder>',
    env: 'CATALOG_TOOLS',
    description: 'serve the tools, resources and prompts of this folder too (docs/tools.md)',
  },
  watch: {
    flags: '--watch [mode]',
    env: 'CATALOG_WATCH',
    description:
      'take up every save of a tool file while the server runs: in --tools and, in a clone, the catalog itself',
    choices: ['on', 'off'],
    preset: 'on',
    default: 'off',
  },
  ...UPSTREAM_SETTINGS,
  minimumLearners: {
    flags: '--minimum-learners <number>',
    env: 'CATALOG_MINIMUM_LEARNERS',
    description:
      'recommendations neither use nor tell what fewer learners of a tenant did; 2 or more',
    default: '3',
  },
  logLevel: {
    flags: '--log-level <level>',
    env: 'CATALOG_LOG_LEVEL',
    description: 'what goes to stderr',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'warn',
  },
  ...LIMIT_SETTINGS,
  ...PROXY_SETTINGS,
  ...DRAIN_SETTINGS,
  ...OBSERVATION_SETTINGS,
};

export type RawSettings = { readonly [Name in SettingName]?: string } & {
  readonly json?: boolean;
};

/** The settings as options of the argument parser, environment variables included. */
export function settingOptions(): Option[] {
  return Object.values(SETTINGS).map((setting) => {
    const { flags, env, description, choices, defaultText } = setting;
    const text =
      defaultText === undefined ? description : `${description}; default: ${defaultText}`;
    const option = new Option(flags, text).env(env);
    if (choices !== undefined) option.choices(choices);
    if (setting.preset !== undefined) option.preset(setting.preset);
    if (setting.default !== undefined) option.default(setting.default);
    return option;
  });
}

/**
 * Checks the raw settings and fills in what depends on others.
 *
 * @throws {ConfigurationError} naming the flag, the value and what would work
 */
export function resolveConfig(
  raw: RawSettings,
  env: Readonly<Record<string, string | undefined>>,
): ServerConfig {
  const role = (raw.role ?? 'all') as Role;
  const host = raw.host ?? 'localhost';
  const port = parseWhole('--port', raw.port ?? (role === 'auth' ? '4000' : '3000'), 0, 65_535);
  const publicUrl = parseOrigin('--public-url', raw.publicUrl ?? defaultPublicUrl(host, port));
  const dataFolder = dataFolderOf(raw.data, env);
  const { masterSecret, previousMasterSecrets } = readMasterSecrets(env);
  const isLoopback = isLoopbackUrl(publicUrl) && isLoopbackHost(host);
  if (!isLoopback && masterSecret === undefined) {
    throw new ConfigurationError(
      `${SECRET_SETTINGS.masterSecret.env} has to be set when the server is reachable as ${quote(publicUrl)} on ${quote(host)}: off loopback no secret is made up`,
    );
  }
  return {
    transport: (raw.transport ?? 'http') as Transport,
    role,
    host,
    port,
    publicUrl,
    ...resolveIssuer(raw, role, publicUrl),
    dataFolder,
    database: parseDatabase(raw.database, dataFolder, env),
    signIn: resolveSignInSettings(raw),
    registration: resolveRegistration(raw),
    signingKeys: resolveSigningKeys(raw),
    accessTokenTtlSeconds: parseWhole('--access-token-ttl', raw.accessTokenTtl ?? '600', 1, 86_400),
    toolsFolder: raw.tools === undefined ? undefined : resolve(raw.tools),
    isWatching: raw.watch === 'on',
    minimumLearners: parseWhole('--minimum-learners', raw.minimumLearners ?? '3', 2, 1000),
    upstreams: resolveUpstreams(raw.upstreams, role),
    trustedProxies: raw.trustedProxies,
    logLevel: (raw.logLevel ?? 'warn') as LogLevel,
    observation: resolveObservation(raw, parseWhole),
    limits: resolveLimits(raw, parseWhole),
    drain: resolveDrain(raw, parseWhole),
    isJson: raw.json === true,
    masterSecret,
    previousMasterSecrets,
  };
}

/** The settings for `--print-config`: what is in force, secrets masked. */
export function describeConfig(config: ServerConfig): Record<string, unknown> {
  return {
    ...config,
    database: describeDatabase(config.database),
    masterSecret: config.masterSecret === undefined ? 'generated' : '********',
    previousMasterSecrets: config.previousMasterSecrets.map(() => '********'),
  };
}

/** The port is known only once the listener is up when 0 was asked for. */
export function withPort(config: ServerConfig, raw: RawSettings, port: number): ServerConfig {
  if (config.port === port) return config;
  const publicUrl =
    raw.publicUrl === undefined ? defaultPublicUrl(config.host, port) : config.publicUrl;
  return { ...config, port, publicUrl, ...resolveIssuer(raw, config.role, publicUrl) };
}

function resolveIssuer(
  raw: RawSettings,
  role: Role,
  publicUrl: string,
): Pick<ServerConfig, 'issuer' | 'externalIssuers'> {
  const externalIssuers = resolveIssuers(raw, role);
  const own =
    role === 'mcp'
      ? issuerElsewhere('--auth-url', raw.authUrl ?? 'http://localhost:4000')
      : ownIssuer(publicUrl, raw.issuerPath);
  return { issuer: externalIssuers[0]?.issuer ?? own, externalIssuers };
}

/** The resource identifier of the MCP endpoint: the audience of every access token. */
export function mcpResource(config: ServerConfig, raw: RawSettings): string {
  const origin =
    config.role === 'auth'
      ? parseOrigin('--mcp-url', raw.mcpUrl ?? 'http://localhost:3000')
      : config.publicUrl;
  return `${origin}/mcp`;
}

function isLoopbackHost(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1', '[::1]'].includes(host);
}

function defaultPublicUrl(host: string, port: number): string {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function parseDatabase(
  database: string | undefined,
  dataFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): DatabaseConfig {
  if (database === undefined) return { kind: 'sqlite', path: databaseFileIn(dataFolder) };
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(database)?.[1];
  if (scheme === undefined) return { kind: 'sqlite', path: resolve(database) };
  if (!/^postgres(ql)?$/.test(scheme)) {
    throw new ConfigurationError(
      `--database has the scheme ${quote(scheme)}: give the path of a SQLite file, or postgres://user@host/name`,
    );
  }
  if (!URL.canParse(database)) {
    throw new ConfigurationError('--database is not a URL of the form postgres://user@host/name');
  }
  const hasPassword = new URL(database).password !== '';
  if (hasPassword && database !== env[SETTINGS.database.env]) {
    throw new ConfigurationError(
      `--database holds a password, which every process of this machine can read there: put the URL into ${SETTINGS.database.env}, or the password into PGPASSWORD or ~/.pgpass`,
    );
  }
  return { kind: 'postgres', url: database };
}

/** What may be shown of a database: never its password. */
export function describeDatabase(database: DatabaseConfig): string {
  if (database.kind === 'sqlite') return database.path;
  const url = new URL(database.url);
  if (url.password !== '') url.password = '********';
  return url.href;
}
