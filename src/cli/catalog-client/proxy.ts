import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { Logger } from '../../shared/logger.js';
import { isLoopbackUrl } from '../../oauth/loopback.js';
import { createSafeExchange } from '../../net/safe-exchange.js';
import { createClientFetch } from '../../client/client-fetch.js';
import type { HelperRequest } from '../../client/proxy/sign-in.js';
import { startProxy } from '../../client/proxy/proxy.js';
import { EXIT } from '../exit-codes.js';
import type { CliIo } from '../io.js';
import { stderrLogger } from '../stderr-logger.js';
import { VERSION } from '../version.js';
import { ClientUsageError } from './errors.js';
import { type ProxyArguments, parseProxyArguments } from './proxy-arguments.js';
import { openBroker, proxyProfile } from './proxy-broker.js';
import { proxyHelp } from './proxy-options.js';

export interface ProxyProcessHooks {
  /** The program's own script: the login helper is started from it. */
  readonly script: string;
  /** Aborted by a signal, or when the host that started this process is gone. */
  readonly ended: AbortSignal;
}

/** How long answers under way are waited for when the host closes its end. */
const DRAIN_MS = 1_000;

/**
 * `catalog-client proxy`: runs until the host is gone.
 *
 * @returns the exit code
 */
export async function runProxy(
  argv: readonly string[],
  io: CliIo,
  hooks: ProxyProcessHooks,
): Promise<number> {
  let args: ProxyArguments;
  try {
    const parsed = parseProxyArguments(argv, io.env);
    if (parsed === 'help') {
      io.stdout.write(proxyHelp());
      return EXIT.ok;
    }
    args = parsed;
  } catch (error) {
    if (!(error instanceof ClientUsageError)) throw error;
    io.stderr.write(`${error.message}\nNext: catalog-client proxy --help\n`);
    return EXIT.usage;
  }
  const logger = createLogger(args, io);
  for (const warning of args.warnings) logger.warn(warning);
  const { serverUrl, headers } = args;
  const isPrivateNetworkAllowed = io.env['CATALOG_ALLOW_PRIVATE_NETWORK'] === '1';
  const profile = proxyProfile(args.profile, args.login.resource);
  const { broker, home } = openBroker(io, profile, logger);
  const proxy = startProxy({
    serverUrl,
    input: io.stdin as Readable,
    output: io.stdout as Writable,
    broker,
    home,
    exchange: createSafeExchange({
      allowLoopback: isLoopbackUrl(serverUrl),
      trustedHosts: [new URL(serverUrl).host],
      dangerouslyAllowPrivateNetwork: isPrivateNetworkAllowed,
      dangerouslyAllowHttp: args.allowHttp,
      connectTimeoutMs: args.connectTimeoutMs,
      isIpv4Only: args.ipv4,
    }),
    oauthFetch: createClientFetch({
      target: serverUrl,
      isOAuth: true,
      dangerouslyAllowPrivateNetwork: isPrivateNetworkAllowed,
    }),
    headers,
    usesOAuth: !('authorization' in headers || 'x-api-key' in headers),
    launchHelper: (request) => launchHelper(request, args, profile, io, hooks.script),
    signsInAtStart: args.signInAtStart,
    allowTools: args.allowTools,
    denyTools: args.denyTools,
    strictTools: args.strictTools,
    acceptTools: args.acceptTools,
    version: VERSION,
    logger,
  });
  const aborted = new Promise<'aborted'>((resolve) => {
    if (hooks.ended.aborted) resolve('aborted');
    hooks.ended.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const how = await Promise.race([proxy.closed, aborted]);
  if (how !== 'aborted') await Promise.race([proxy.drain(DRAIN_MS), aborted]);
  await proxy.close();
  return EXIT.ok;
}

function createLogger({ isVerbose, isSilent, logFile }: ProxyArguments, io: CliIo): Logger {
  const level = isVerbose ? 'debug' : isSilent ? 'silent' : 'warn';
  if (logFile === undefined) {
    return stderrLogger({ level, write: (line) => void io.stderr.write(line) });
  }
  let isBroken = false;
  const write = (line: string): void => {
    if (isBroken) return;
    try {
      appendFileSync(logFile, line, { mode: 0o600 });
    } catch (error) {
      // Said once: a full disk is no reason to stop serving.
      isBroken = true;
      io.stderr.write(
        `cannot write the log file (${(error as NodeJS.ErrnoException).code ?? 'unknown'})\n`,
      );
    }
  };
  return stderrLogger({ level, write });
}

/** Starts the process that signs a person in. It is in a session of its own, so that it outlives the host. */
function launchHelper(
  { id, scopes, refusedToken }: HelperRequest,
  { serverUrl, login }: ProxyArguments,
  profile: string,
  io: CliIo,
  script: string,
): Promise<void> {
  const asked = scopes.length > 0 ? scopes : login.scopes;
  const flags: readonly (readonly [string, string | undefined])[] = [
    ['--login-id', id],
    ['--profile', profile],
    ['--port', String(login.port)],
    ['--callback-host', login.callbackHost],
    ['--timeout', String(login.timeoutSeconds)],
    ['--scope', asked.length > 0 ? asked.join(' ') : undefined],
    ['--issuer', login.issuer],
    ['--client-id', login.clientId],
    ['--client-metadata-url', login.clientMetadataUrl],
    ['--resource', login.resource],
    ['--fixed-port', login.isPortFixed ? '1' : undefined],
    ['--refused', refusedToken],
  ];
  // With `=`: an id may start with a dash.
  const given = flags.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, 'proxy-login', serverUrl, ...given], {
      detached: true,
      stdio: 'ignore',
      windowsHide: true,
      env: {
        ...io.env,
        // In the environment: a command line can be read by everybody.
        ...(login.clientSecret !== undefined && { CATALOG_CLIENT_SECRET: login.clientSecret }),
      },
    });
    child.once('error', reject);
    child.once('exit', () => resolve());
    child.unref();
  });
}
