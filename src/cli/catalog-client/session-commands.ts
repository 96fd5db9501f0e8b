import { nowSeconds } from '../../shared/clock.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import { parseScope } from '../../oauth/scope.js';
import { type Grant, LoginRequiredError, login } from '../../client/index.js';
import { printable } from '../../client/token-endpoint.js';
import type { ClientContext } from './context.js';
import { ClientUsageError } from './errors.js';
import { type LoginMode, lookAround, pasteReader } from './login-mode.js';

export interface LoginFlags {
  readonly browser: boolean;
  readonly force?: boolean;
  readonly scope?: string;
  readonly issuer?: string;
  readonly clientId?: string;
  readonly clientMetadataUrl?: string;
  readonly callbackHost: string;
  readonly port: string;
  readonly timeout: string;
  readonly mode: LoginMode;
}

export async function runLogin(
  context: ClientContext,
  url: string | undefined,
  flags: LoginFlags,
): Promise<void> {
  const serverUrl = await context.serverUrl(url);
  const { callbackHost } = flags;
  if (callbackHost !== '127.0.0.1' && callbackHost !== 'localhost') {
    throw new ClientUsageError(
      `--callback-host is ${JSON.stringify(callbackHost)}, expected 127.0.0.1 or localhost`,
    );
  }
  const { clientId } = flags;
  const clientSecret = context.io.env['CATALOG_CLIENT_SECRET'];
  const callbackPort = wholeNumber('--port', flags.port, 0, 65_535);
  const { hasBrowser, sshHost } = lookAround(context.io.env);
  const canOpen =
    flags.browser && (flags.mode === 'browser' || hasBrowser || context.hasOwnBrowser);
  const isFromAfar = flags.mode === 'auto' && !canOpen && flags.browser;
  const opens = canOpen && (flags.mode === 'auto' || flags.mode === 'browser');
  const isPasted = flags.mode === 'paste' || (!opens && context.io.stdin.isTTY === true);
  let isOpened = false;
  const grant = await login(
    serverUrl,
    {
      broker: context.broker,
      fetch: context.oauthFetch(serverUrl),
      openBrowser: opens ? context.openBrowser : () => Promise.resolve(),
      onUrl: (signIn) => {
        isOpened = true;
        context.say(
          `${opens ? 'Sign in with the browser that opens, or at this address' : 'Sign in at this address'}:\n${signIn.href}`,
        );
        const port = new URL(signIn.searchParams.get('redirect_uri') ?? signIn).port;
        if (sshHost !== undefined && !opens) {
          context.say(
            `The browser is on another machine: run this there first\nssh -L ${port}:127.0.0.1:${port} ${sshHost}`,
          );
        }
        if (isPasted) {
          context.say(
            'Or sign in anywhere, and paste here the address that the browser ends at (it may show an error):',
          );
        }
      },
      ...(isPasted && { readPasted: pasteReader(context) }),
      device: flags.mode === 'device' ? 'required' : isFromAfar ? 'preferred' : undefined,
      onDeviceCode: ({ userCode, verificationUri, verificationUriComplete, expiresIn }) => {
        isOpened = true;
        context.say(
          `Sign in on any device, within ${Math.round(expiresIn / 60)} minutes, at\n${(verificationUriComplete ?? verificationUri).href}\nCode: ${userCode}`,
        );
      },
      callbackHost,
      callbackPort,
      timeoutSeconds: wholeNumber('--timeout', flags.timeout, 1, 86_400),
      signal: context.signal,
      ...(flags.scope !== undefined && { scopes: parseScope(flags.scope) }),
      ...(flags.issuer !== undefined && { issuer: flags.issuer }),
      ...(flags.clientMetadataUrl !== undefined && {
        metadataDocumentUrl: flags.clientMetadataUrl,
      }),
      ...(clientId !== undefined && {
        preRegistered: {
          clientId,
          ...(clientSecret !== undefined && { clientSecret }),
          ...(flags.issuer !== undefined && { issuer: flags.issuer }),
        },
      }),
    },
    { force: flags.force },
  );
  await context.broker.store.rememberServer(serverUrl);
  const text = isOpened ? `Signed in to ${serverUrl}` : `Already signed in to ${serverUrl}`;
  context.print(
    describeGrant(grant, context),
    `${text}\nNext: catalog-client tools${context.profileFlag}`,
  );
}

export async function runLogout(context: ClientContext, url: string | undefined): Promise<void> {
  const serverUrl = await context.serverUrl(url);
  const outcome = await context.broker.logout(serverUrl);
  const text = outcome.wasSignedIn
    ? `Signed out of ${serverUrl}. ${
        outcome.revoked
          ? 'The server has revoked the tokens.'
          : `The tokens are deleted here, but the server did not revoke them: ${outcome.problem ?? 'unknown'}.`
      }`
    : `Nobody was signed in to ${serverUrl}.`;
  context.print({ server: serverUrl, profile: context.profile, ...outcome }, text);
}

export async function runWhoami(context: ClientContext, url: string | undefined): Promise<void> {
  const serverUrl = await context.serverUrl(url);
  if (context.apiKey !== undefined) {
    context.print(
      { server: serverUrl, method: 'api-key' },
      `${serverUrl}: the API key of CATALOG_API_KEY`,
    );
    return;
  }
  await context.broker.accessToken(serverUrl);
  const grant = await context.broker.findGrant(serverUrl);
  if (grant === undefined || grant.ended !== undefined) {
    throw new LoginRequiredError(serverUrl, grant?.ended?.reason ?? 'nobody is signed in');
  }
  const details = describeGrant(grant, context);
  const claims = displayClaims(grant.accessToken);
  const lines = [
    `server    ${serverUrl}`,
    ...Object.entries(claims).map(([name, value]) => `${name.padEnd(9)} ${printable(value, 200)}`),
    `issuer    ${grant.issuer}`,
    `client    ${grant.client.clientId}`,
    `scopes    ${grant.scopes.join(' ') || '(not said)'}`,
    `expires   ${expiryText(grant, context)}`,
    `profile   ${context.profile}`,
  ];
  context.print({ ...details, ...claims }, lines.join('\n'));
}

export async function runStatus(context: ClientContext): Promise<void> {
  const grants = await context.broker.store.listGrants();
  const logins = grants.map((grant) => describeGrant(grant, context));
  const text =
    grants.length === 0
      ? `Nobody is signed in (profile ${context.profile}).\nNext: catalog-client login${context.profileFlag}`
      : grants.map((grant) => `${grant.serverUrl}  ${expiryText(grant, context)}`).join('\n');
  const server = await context.serverUrl(undefined);
  context.print({ profile: context.profile, home: context.home, server, logins }, text);
}

/** What may be shown of a grant: no token, no secret. */
function describeGrant(grant: Grant, context: ClientContext): Record<string, unknown> {
  const now = nowSeconds(context.clock);
  return {
    server: grant.serverUrl,
    resource: grant.resource,
    issuer: grant.issuer,
    clientId: grant.client.clientId,
    registration: grant.client.source,
    scopes: grant.scopes,
    profile: context.profile,
    ...(grant.expiresAt !== undefined && {
      expiresAt: new Date(grant.expiresAt * 1000).toISOString(),
      isExpired: grant.expiresAt <= now,
    }),
    canRefresh: grant.refreshToken !== undefined,
    ...(grant.ended !== undefined && { ended: grant.ended.reason }),
  };
}

function expiryText(grant: Grant, context: ClientContext): string {
  if (grant.ended !== undefined) return `ended: ${grant.ended.reason}`;
  const renewal = grant.refreshToken === undefined ? '' : ', renewed when needed';
  if (grant.expiresAt === undefined) return `access token without end${renewal}`;
  const seconds = grant.expiresAt - nowSeconds(context.clock);
  return seconds <= 0
    ? `access token is over${renewal}`
    : `access token for ${seconds} s${renewal}`;
}

/** For display only: an access token belongs to the server, and nothing here is checked or relied on. */
function displayClaims(accessToken: string | undefined): Record<string, string> {
  const payload = accessToken?.split('.')[1];
  const parsed =
    payload === undefined ? undefined : parseJson(Buffer.from(payload, 'base64url').toString());
  const claims = parsed?.ok === true && isJsonObject(parsed.value) ? parsed.value : {};
  const { sub, tenant } = claims;
  return {
    ...(typeof sub === 'string' && { subject: sub }),
    ...(typeof tenant === 'string' && { tenant }),
  };
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new ClientUsageError(`${flag} is ${JSON.stringify(text)}, expected ${min} to ${max}`);
}
