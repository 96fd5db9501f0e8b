import type { JsonObject } from '../../shared/json.js';
import type { Logger } from '../../shared/logger.js';
import { nowSeconds } from '../../shared/clock.js';
import type { Broker } from '../broker.js';
import type { SignInRequest } from '../authorized-fetch.js';
import { LoginRequiredError } from '../errors.js';
import { type Grant, isUsable } from '../grant.js';
import type { FirstContact } from './connector.js';
import type { HostCall } from './gateway.js';
import { metaOf } from './messages.js';
import type { SignInDesk, SignInState } from './sign-in.js';

export interface SignInCounterOptions {
  readonly serverUrl: string;
  readonly broker: Broker;
  readonly desk: SignInDesk;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** How long a call of `sign_in` waits for the person: less than hosts wait for a tool. */
const TOOL_WAIT_MS = 45_000;
/** How long a call waits for the person to allow it more. */
const STEP_UP_WAIT_MS = 240_000;
const PROGRESS_EVERY_MS = 5_000;

/** Knows whether somebody is signed in, serves the tool `sign_in`, and notices when a login is done. */
export class SignInCounter {
  readonly #options: SignInCounterOptions;
  /** The grant that did not do. */
  #refused: Grant | undefined;
  #reason: LoginRequiredError | undefined;
  #isWatching = false;
  onSignedIn: () => void = () => undefined;
  onSignedOut: () => void = () => undefined;
  /** How the host introduced itself, for the connection that is made after the login. */
  lastContact: FirstContact | undefined;

  constructor(options: SignInCounterOptions) {
    this.#options = options;
  }

  /** Whether nobody was signed in at the last try and nothing has changed since. */
  async isStillSignedOut(): Promise<boolean> {
    if (!this.#isWatching) return false;
    const state = await this.#options.desk.state(this.#refused);
    return state.kind !== 'signed-in';
  }

  /** Why calls are not even sent. */
  refusal(): LoginRequiredError {
    return this.#reason ?? new LoginRequiredError(this.#options.serverUrl, 'nobody is signed in');
  }

  /** The server would not take this grant, and it cannot be renewed: only another one will do. */
  refuse(grant: Grant | undefined): void {
    this.#refused = grant;
  }

  /** A call ended for want of a login: from now on somebody looks for one. */
  signedOut(reason?: LoginRequiredError): void {
    this.#reason = reason ?? this.#reason;
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { desk, signal, logger } = this.#options;
    this.onSignedOut();
    const watch = async (): Promise<void> => {
      try {
        await desk.untilSignedIn(this.#refused, { signal });
      } finally {
        this.#isWatching = false;
      }
      this.onSignedIn();
    };
    watch().catch((error: unknown) => {
      if (!signal.aborted) logger.warn('waiting for a login', { error });
    });
  }

  /** The tool `sign_in`. */
  async serve(call: HostCall): Promise<JsonObject> {
    const { desk, signal, serverUrl } = this.#options;
    const { broker } = this.#options;
    if (!this.#isWatching) {
      const grant = await broker.findGrant(serverUrl);
      if (isUsable(grant, nowSeconds(broker.clock))) return text('Somebody is signed in already.');
      this.signedOut();
    }
    await desk.begin([], this.#refused);
    const limit = AbortSignal.timeout(TOOL_WAIT_MS);
    let url: string | undefined;
    try {
      await desk.untilSignedIn(this.#refused, {
        asking: [],
        signal: AbortSignal.any([call.signal, signal, limit]),
        onLook: progressTeller(call, (state) => {
          if (state.kind === 'waiting') url = state.url;
        }),
      });
    } catch (error) {
      if (!limit.aborted) throw error;
      const where = url === undefined ? '' : `\n${url}`;
      return text(
        `Still waiting for the person to sign in with the browser of this computer. If it shows nothing, this is the address:${where}\nCall this tool again once they are done.`,
      );
    }
    return text(`Signed in to ${serverUrl}. Its tools are available now: list them again.`);
  }

  /** A login with more scopes, in the middle of a call; the call waits for it. */
  async stepUp(request: SignInRequest): Promise<Grant> {
    const { desk, signal, logger } = this.#options;
    logger.warn('the server wants more scopes for a call: asking the person', {
      scopes: request.scopes.join(' '),
    });
    await desk.begin(request.scopes, request.notGrant);
    const limit = AbortSignal.timeout(STEP_UP_WAIT_MS);
    return desk.untilSignedIn(request.notGrant, {
      asking: request.scopes,
      signal: AbortSignal.any([signal, limit, ...(request.signal ? [request.signal] : [])]),
    });
  }
}

/** Keeps a host patient that gave a progress token. */
function progressTeller(
  call: HostCall,
  note: (state: SignInState) => void,
): (state: SignInState) => void {
  const token = metaOf(call.params)?.['progressToken'];
  const startedAt = performance.now();
  let told = 0;
  return (state) => {
    note(state);
    const elapsed = performance.now() - startedAt;
    if (token === undefined || elapsed < told * PROGRESS_EVERY_MS) return;
    told++;
    const message =
      state.kind === 'waiting' && state.url !== undefined
        ? `Sign in with the browser that opened, or at ${state.url}`
        : 'Opening the sign-in page';
    call
      .onNotification('notifications/progress', { progressToken: token, progress: told, message })
      .catch(() => undefined);
  };
}

function text(message: string): JsonObject {
  return { content: [{ type: 'text', text: message }] };
}
