import { setTimeout as delay } from 'node:timers/promises';
import { nowSeconds } from '../../shared/clock.js';
import { hashId, randomId } from '../../shared/ids.js';
import type { JsonObject } from '../../shared/json.js';
import type { Broker } from '../broker.js';
import { LoginFailedError } from '../errors.js';
import { type Grant, type PendingLogin, isUsable } from '../grant.js';
import { livenessOf, ownIdentity } from '../store/process-identity.js';

export const SIGN_IN_TOOL = 'sign_in';

/** What a login has to ask for. */
export interface HelperRequest {
  readonly id: string;
  /** Empty: what the server asks for. */
  readonly scopes: readonly string[];
  /** Hash of the access token of a login that does not do. A login with another one counts, whoever got it. */
  readonly refusedToken: string | undefined;
}

/** Starts a process that signs a person in and lives on when this one ends. Resolves when that process has ended. */
export type LaunchHelper = (request: HelperRequest) => Promise<void>;

export interface SignInDeskOptions {
  readonly serverUrl: string;
  readonly broker: Broker;
  readonly launch: LaunchHelper;
}

export type SignInState =
  | { readonly kind: 'signed-in'; readonly grant: Grant }
  | { readonly kind: 'waiting'; readonly url: string | undefined }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'signed-out' };

const IDLE_POLL_MS = 1_000;
const BUSY_POLL_MS = 200;
/** A login that is older than this belongs to nobody, whatever its process does. */
const MAX_LOGIN_MS = 30 * 60_000;

/**
 * Gets people signed in, apart from this process. All processes of a profile look at the same record in the broker's
 * store: one of them starts the helper, and all see how it ends.
 */
export class SignInDesk {
  readonly #options: SignInDeskOptions;

  constructor(options: SignInDeskOptions) {
    this.#options = options;
  }

  /** Starts a login, unless one runs. */
  async begin(scopes: readonly string[], refused: Grant | undefined): Promise<void> {
    const { serverUrl, broker, launch } = this.#options;
    const current = await broker.store.findLogin(serverUrl);
    if (current !== undefined && (await this.#isRunning(current))) return;
    const login: PendingLogin = {
      id: randomId(12),
      owner: await ownIdentity(),
      startedAtMs: broker.clock.nowMs(),
    };
    if (!(await broker.store.claimLogin(serverUrl, current, login))) return;
    const token = refused?.accessToken;
    const refusedToken = token === undefined ? undefined : hashId(token);
    launch({ id: login.id, scopes, refusedToken })
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
      .then((problem) => this.#close(login.id, problem ?? 'the login helper ended early'))
      .catch(() => undefined);
  }

  /** @param known - the grant that does not do: another one counts */
  async state(known: Grant | undefined): Promise<SignInState> {
    const { serverUrl, broker } = this.#options;
    const grant = await broker.findGrant(serverUrl);
    const isNew = grant !== undefined && grant.accessToken !== known?.accessToken;
    if (isNew && isUsable(grant, nowSeconds(broker.clock))) return { kind: 'signed-in', grant };
    const login = await broker.store.findLogin(serverUrl);
    if (login === undefined) return { kind: 'signed-out' };
    if (login.problem !== undefined) return { kind: 'failed', problem: login.problem };
    return (await this.#isRunning(login))
      ? { kind: 'waiting', url: login.url }
      : { kind: 'failed', problem: 'the program that waited for the login has ended' };
  }

  /**
   * Looks until somebody is signed in, here or in any other process of the profile.
   *
   * @param onLook - called after each look that found nobody
   * @param asking - scopes of a login that is to run meanwhile. Undefined: nobody is asked, whatever happens
   * @throws {LoginFailedError} when the login that was asked for ends without a grant; or the signal's reason
   */
  async untilSignedIn(
    known: Grant | undefined,
    options: {
      readonly asking?: readonly string[];
      readonly signal: AbortSignal;
      readonly onLook?: (state: SignInState) => void;
    },
  ): Promise<Grant> {
    for (;;) {
      const state = await this.state(known);
      if (state.kind === 'signed-in') return state.grant;
      if (options.asking !== undefined) {
        if (state.kind === 'failed') throw new LoginFailedError(state.problem);
        // The login that ran when this one was wanted was another one, and is over.
        if (state.kind === 'signed-out') await this.begin(options.asking, known);
      }
      options.onLook?.(state);
      const waitMs = state.kind === 'waiting' ? BUSY_POLL_MS : IDLE_POLL_MS;
      await delay(waitMs, undefined, { signal: options.signal, ref: false });
    }
  }

  async #isRunning(login: PendingLogin): Promise<boolean> {
    if (login.problem !== undefined) return false;
    if (this.#options.broker.clock.nowMs() - login.startedAtMs > MAX_LOGIN_MS) return false;
    return (await livenessOf(login.owner)) !== 'dead';
  }

  /** The helper removes the record itself when all went well. */
  async #close(id: string, problem: string): Promise<void> {
    await this.#options.broker.store.changeLogin(this.#options.serverUrl, id, (login) =>
      login.problem === undefined ? { ...login, problem } : login,
    );
  }
}

/** The tool that a host sees while nobody is signed in. */
export function signInTool(serverUrl: string): JsonObject {
  return {
    name: SIGN_IN_TOOL,
    title: `Sign in to ${new URL(serverUrl).host}`,
    description: `Nobody is signed in to ${serverUrl}. Opens its sign-in page in the browser of this computer; the tools of the server appear once the person is done. Call it when the person wants to use this server, and again to see whether they are done.`,
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true },
  };
}
