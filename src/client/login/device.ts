import { setTimeout as delay } from 'node:timers/promises';
import { nowSeconds } from '../../shared/clock.js';
import { isJsonObject, parseJson } from '../../shared/json.js';
import type { Broker } from '../broker.js';
import type { AuthorizationServer } from '../discovery.js';
import { LoginFailedError, LoginTimeoutError } from '../errors.js';
import type { ClientRegistration } from '../grant.js';
import {
  type FetchLike,
  type TokenResponse,
  postForm,
  printable,
  requestTokens,
} from '../token-endpoint.js';
import { requireBrowsableUrl } from './browser.js';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** What a person needs to sign in on another device. */
export interface DeviceCode {
  readonly userCode: string;
  readonly verificationUri: URL;
  /** The same page with the code filled in. */
  readonly verificationUriComplete?: URL;
  /** Seconds from now. */
  readonly expiresIn: number;
}

export interface DeviceLoginOptions {
  readonly broker: Broker;
  readonly fetch: FetchLike;
  readonly server: AuthorizationServer & { readonly deviceAuthorizationEndpoint: string };
  readonly client: ClientRegistration;
  readonly scope: string | undefined;
  readonly resource: string;
  readonly onCode: (code: DeviceCode) => void;
  /** Replaces waiting. */
  readonly wait?: ((seconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  readonly signal: AbortSignal | undefined;
}

const DEFAULT_INTERVAL = 5;
const MAX_INTERVAL = 60;
const MAX_LIFE = 3600;

/**
 * Signs a person in on another device: asks for a code, shows it, and asks for the tokens until there are some.
 *
 * @throws {LoginFailedError} when the person or the server says no
 * @throws {LoginTimeoutError} when the code expires
 * @see RFC 8628
 */
export async function loginWithDeviceCode(options: DeviceLoginOptions): Promise<TokenResponse> {
  const { broker, fetch, server, client, resource, signal } = options;
  const { code, deviceCode, interval: firstInterval } = await askForCode(options);
  const wait = options.wait ?? waitSeconds;
  const deadline = nowSeconds(broker.clock) + code.expiresIn;
  options.onCode(code);
  let interval = firstInterval;
  while (nowSeconds(broker.clock) + interval < deadline) {
    await wait(interval, signal);
    const answer = await requestTokens(fetch, {
      endpoint: server.tokenEndpoint,
      client,
      authMethods: server.tokenAuthMethods,
      params: { grant_type: DEVICE_GRANT, device_code: deviceCode, resource },
      ...(signal !== undefined && { signal }),
    });
    signal?.throwIfAborted();
    if (answer.ok) return answer.value;
    const { error } = answer;
    if (error.error === 'authorization_pending') continue;
    if (error.error === 'expired_token') break;
    if (error.error === 'slow_down') interval += 5;
    else if (error.kind === 'oauth') {
      throw new LoginFailedError(`${server.issuer} ended the login: ${error.message}`);
    }
    // §3.5: a connection that fails is tried less and less often.
    else interval *= 2;
    interval = Math.min(interval, MAX_INTERVAL);
  }
  throw new LoginTimeoutError(code.expiresIn);
}

async function askForCode(
  options: DeviceLoginOptions,
): Promise<{ code: DeviceCode; deviceCode: string; interval: number }> {
  const { server, client, fetch, scope, resource, signal } = options;
  const fail = (problem: string): LoginFailedError =>
    new LoginFailedError(`${server.issuer} gave no code for this device: ${problem}`);
  const sent = await postForm(fetch, {
    endpoint: server.deviceAuthorizationEndpoint,
    client,
    authMethods: server.tokenAuthMethods,
    params: { resource, ...(scope !== undefined && { scope }) },
    ...(signal !== undefined && { signal }),
  });
  if (!sent.ok) throw fail(sent.error.message);
  const parsed = parseJson(sent.value.text, { maxBytes: 64 * 1024, maxDepth: 8 });
  const body = parsed.ok && isJsonObject(parsed.value) ? parsed.value : {};
  const { device_code: deviceCode, user_code: userCode, verification_uri: uri } = body;
  const { error, verification_uri_complete: complete, expires_in: expires, interval } = body;
  if (typeof error === 'string') throw fail(printable(error, 60));
  if (typeof deviceCode !== 'string' || typeof userCode !== 'string' || typeof uri !== 'string') {
    throw fail(
      `its answer (${sent.value.status}) has no device_code, user_code or verification_uri`,
    );
  }
  return {
    deviceCode,
    interval: secondsOf(interval, DEFAULT_INTERVAL, MAX_INTERVAL),
    code: {
      userCode: printable(userCode, 40),
      verificationUri: pageOf(uri),
      ...(typeof complete === 'string' && { verificationUriComplete: pageOf(complete) }),
      expiresIn: secondsOf(expires, 600, MAX_LIFE),
    },
  };

  function pageOf(text: string): URL {
    if (!URL.canParse(text)) throw fail('its verification_uri is no URL');
    const url = new URL(text);
    requireBrowsableUrl(url);
    return url;
  }
}

function secondsOf(value: unknown, fallback: number, max: number): number {
  return typeof value === 'number' && value > 0 ? Math.min(Math.ceil(value), max) : fallback;
}

async function waitSeconds(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(seconds * 1000, undefined, signal === undefined ? {} : { signal });
}
