import { readFileSync } from 'node:fs';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { quote } from '../../shared/errors.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { canonicalResource } from '../../oauth/resource.js';
import { parseScope } from '../../oauth/scope.js';
import { ClientUsageError } from './errors.js';
import { PROXY_OPTIONS, UNSUPPORTED } from './proxy-options.js';

/** What a command line asks for. */
export interface ProxyArguments {
  readonly serverUrl: string;
  readonly profile: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly allowTools: readonly string[] | undefined;
  readonly denyTools: readonly string[];
  readonly strictTools: boolean;
  readonly acceptTools: boolean;
  readonly signInAtStart: boolean;
  readonly allowHttp: boolean;
  readonly ipv4: boolean;
  readonly connectTimeoutMs: number;
  readonly isVerbose: boolean;
  readonly isSilent: boolean;
  readonly logFile: string | undefined;
  readonly login: ProxyLoginArguments;
  /** Things that a person should change in the command line. */
  readonly warnings: readonly string[];
}

interface ProxyLoginArguments {
  readonly scopes: readonly string[];
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  /** From the environment or a file; never handed on in a command line. */
  readonly clientSecret: string | undefined;
  readonly clientMetadataUrl: string | undefined;
  readonly callbackHost: '127.0.0.1' | 'localhost';
  readonly port: number;
  readonly isPortFixed: boolean;
  readonly timeoutSeconds: number;
  readonly resource: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the arguments of `catalog-client proxy`, its own and those of mcp-remote 0.15.
 *
 * @returns `help` when that is what is asked for
 * @throws {ClientUsageError} names the argument, and for an unknown option the nearest one there is
 */
export function parseProxyArguments(argv: readonly string[], env: Env): ProxyArguments | 'help' {
  const { values, positionals } = split(argv);
  if (values.has('--help')) return 'help';
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  const warnings: string[] = [];
  const [url, portText, ...rest] = positionals;
  if (url === undefined) {
    throw new ClientUsageError(
      'proxy needs the URL of a server: catalog-client proxy https://example.com/mcp',
    );
  }
  if (rest.length > 0) throw new ClientUsageError(`the argument ${quote(rest[0])} is one too many`);
  const serverUrl = readUrl(url, values.has('--allow-http'));
  checkTransport(last('--transport'));
  const port = readNumber('the callback port', portText ?? last('--port') ?? '9696', 0, 65_535);
  const client = readClientInfo(last('--static-oauth-client-info'), env, warnings);
  const metadata = readJsonOption(
    '--static-oauth-client-metadata',
    last('--static-oauth-client-metadata'),
    env,
  );
  const scope = last('--scope') ?? metadata['scope'];
  const allow = values.get('--allow-tool');
  return {
    serverUrl,
    profile: last('--profile') ?? (env['CATALOG_PROFILE'] || undefined),
    headers: readHeaders(values, env, warnings),
    allowTools: allow,
    denyTools: values.get('--deny-tool') ?? [],
    strictTools: values.has('--strict-tools'),
    acceptTools: values.has('--accept-tools'),
    signInAtStart: values.has('--sign-in-at-start'),
    allowHttp: values.has('--allow-http'),
    ipv4: values.has('--ipv4'),
    connectTimeoutMs:
      readNumber('--connect-timeout', last('--connect-timeout') ?? '10', 1, 3600) * 1000,
    isVerbose: values.has('--verbose'),
    isSilent: values.has('--silent'),
    logFile: last('--log-file'),
    login: {
      scopes: typeof scope === 'string' ? parseScope(scope) : [],
      issuer: last('--issuer'),
      clientId: last('--client-id') ?? client.clientId,
      clientSecret: client.clientSecret ?? (env['CATALOG_CLIENT_SECRET'] || undefined),
      clientMetadataUrl: last('--client-metadata-url'),
      callbackHost: readHost(last('--callback-host')),
      port,
      // An operator has registered that very address.
      isPortFixed: portText !== undefined && client.clientId !== undefined,
      timeoutSeconds: readNumber('--timeout', last('--timeout') ?? '300', 1, 86_400),
      resource: last('--resource'),
    },
    warnings,
  };
}

function split(argv: readonly string[]): {
  readonly values: ReadonlyMap<string, string[]>;
  readonly positionals: readonly string[];
} {
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (!argument.startsWith('-') || argument === '-') {
      positionals.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const given =
      argument === '-h' ? '--help' : equals === -1 ? argument : argument.slice(0, equals);
    const option = Object.hasOwn(PROXY_OPTIONS, given) ? PROXY_OPTIONS[given] : undefined;
    if (option === undefined) throw unknownOption(given);
    const name = option.sameAs ?? given;
    if (option.value === undefined) {
      if (equals !== -1) throw new ClientUsageError(`${given} takes no value`);
      values.set(name, []);
      continue;
    }
    const value = equals === -1 ? argv[++index] : argument.slice(equals + 1);
    if (value === undefined)
      throw new ClientUsageError(`${given} needs a value: ${given} ${option.value}`);
    values.set(name, option.isRepeatable === true ? [...(values.get(name) ?? []), value] : [value]);
  }
  return { values, positionals };
}

function unknownOption(given: string): ClientUsageError {
  const reason = Object.hasOwn(UNSUPPORTED, given) ? UNSUPPORTED[given] : undefined;
  if (reason !== undefined) {
    return new ClientUsageError(`${given} of mcp-remote is not supported here: ${reason}`);
  }
  const names = Object.keys(PROXY_OPTIONS);
  const [nearest = '--help'] = names.toSorted((a, b) => distance(given, a) - distance(given, b));
  return new ClientUsageError(`there is no option ${quote(given)}. The nearest is ${nearest}`);
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function readUrl(text: string, allowHttp: boolean): string {
  let url: string;
  try {
    url = canonicalResource(text);
  } catch (error) {
    throw new ClientUsageError(
      `the URL ${quote(text)} cannot be used: expected https://host/path`,
      { cause: error },
    );
  }
  if (url.startsWith('http:') && !isLoopbackUrl(url) && !allowHttp) {
    throw new ClientUsageError(
      `${url} is plain http to another machine. Use https, or --allow-http in a network that you trust`,
    );
  }
  return url;
}

function checkTransport(transport: string | undefined): void {
  const known = ['http-only', 'http-first', 'sse-first'];
  if (transport === undefined || known.includes(transport)) return;
  throw new ClientUsageError(
    transport === 'sse-only'
      ? "--transport sse-only: the HTTP+SSE transport of 2024 is not supported. Use the server's Streamable HTTP address"
      : `--transport is ${quote(transport)}, expected ${known.join(', ')}`,
  );
}

function readHost(host: string | undefined): '127.0.0.1' | 'localhost' {
  if (host === undefined || host === '127.0.0.1') return '127.0.0.1';
  if (host === 'localhost') return host;
  throw new ClientUsageError(
    `--callback-host is ${quote(host)}, expected 127.0.0.1 or localhost: a login answers to this machine`,
  );
}

function readNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ClientUsageError(`${name} is ${quote(text)}, expected ${min} to ${max}`);
}

const SECRET_NAME = /authorization|cookie|token|secret|key|password/i;

function readHeaders(
  values: ReadonlyMap<string, string[]>,
  env: Env,
  warnings: string[],
): Record<string, string> {
  const headers: Record<string, string> = {};
  const add = (line: string, isFromArgv: boolean): void => {
    const at = line.indexOf(':');
    const name = line.slice(0, Math.max(at, 0)).trim().toLowerCase();
    const raw = line.slice(at + 1).trim();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      // The value may be a secret: it is not repeated.
      throw new ClientUsageError(`a header is not of the form "Name: value"`);
    }
    const value = expand(raw, env, `the header ${name}`);
    if (/[\r\n\0]/.test(value))
      throw new ClientUsageError(`the value of the header ${name} has a line break`);
    if (isFromArgv && SECRET_NAME.test(name) && !raw.includes('${')) {
      const variable = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
      warnings.push(
        `the value of the header ${name} is in the command line, where every program of this machine can read it. Put it into the environment as ${variable} and write --header "${name}:\${${variable}}"`,
      );
    }
    headers[name] = value;
  };
  for (const line of values.get('--header') ?? []) add(line, true);
  for (const pair of values.get('--header-env') ?? []) {
    const [, name, variable] = /^([^=]+)=([A-Za-z_][A-Za-z0-9_]*)$/.exec(pair) ?? [];
    if (name === undefined || variable === undefined) {
      throw new ClientUsageError('--header-env is not of the form "Name=VARIABLE"');
    }
    add(`${name}:\${${variable}}`, false);
  }
  for (const file of values.get('--header-file') ?? []) {
    for (const line of readText('--header-file', file).split(/\r?\n/)) {
      if (line.trim() !== '' && !line.trimStart().startsWith('#')) add(line, false);
    }
  }
  const apiKey = env['CATALOG_API_KEY'];
  const hasCredentials = 'x-api-key' in headers || 'authorization' in headers;
  return apiKey && !hasCredentials ? { ...headers, 'x-api-key': apiKey } : headers;
}

function expand(text: string, env: Env, where: string): string {
  return text.replace(/\$\{([^}]+)\}/g, (_all, name: string) => {
    const value = env[name];
    if (value === undefined) {
      throw new ClientUsageError(
        `${where} needs the environment variable ${name}, which is not set`,
      );
    }
    return value;
  });
}

function readClientInfo(
  text: string | undefined,
  env: Env,
  warnings: string[],
): { readonly clientId?: string; readonly clientSecret?: string } {
  const info = readJsonOption('--static-oauth-client-info', text, env);
  if (text === undefined) return {};
  const { client_id: clientId, client_secret: clientSecret } = info;
  if (typeof clientId !== 'string') {
    throw new ClientUsageError('--static-oauth-client-info has no client_id');
  }
  if (typeof clientSecret !== 'string') return { clientId };
  if (!text.startsWith('@') && !/"client_secret"\s*:\s*"\$\{/.test(text)) {
    warnings.push(
      'the client secret is in the command line, where every program of this machine can read it. Use --client-id and put the secret into the environment as CATALOG_CLIENT_SECRET',
    );
  }
  return { clientId, clientSecret };
}

/** JSON in the command line, or `@file`; `${NAME}` is taken from the environment. */
function readJsonOption(
  option: string,
  text: string | undefined,
  env: Env,
): Record<string, unknown> {
  if (text === undefined) return {};
  const source = text.startsWith('@') ? readText(option, text.slice(1)) : text;
  const parsed = parseJson(source);
  if (!parsed.ok || !isJsonObject(parsed.value)) {
    throw new ClientUsageError(
      `${option} is not a JSON object, nor @ and the name of a file with one`,
    );
  }
  return Object.fromEntries(
    Object.entries(parsed.value).map(([key, value]) => [
      key,
      typeof value === 'string' ? expand(value, env, option) : value,
    ]),
  );
}

function readText(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ClientUsageError(`${option}: cannot read ${quote(file)} (${code ?? 'unknown'})`, {
      cause: error,
    });
  }
}
